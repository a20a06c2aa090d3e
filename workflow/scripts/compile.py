"""Rule compile: one Stan program to the executable that CmdStan runs."""

from recovery import jobs

jobs.begin(snakemake.log[0])

from recovery.engines import cmdstan
from recovery.engines.base import Program

cmdstan.compile_program(
    Program(snakemake.input.program, snakemake.params.include, snakemake.output.executable)
)
