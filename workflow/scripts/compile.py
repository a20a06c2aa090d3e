"""Rule compile: one Stan program to the executable that CmdStan runs."""

from recovery import jobs
from recovery.engines import cmdstan
from recovery.engines.base import Program

jobs.begin(snakemake.log[0])

cmdstan.compile_program(
    Program(snakemake.input.program, snakemake.params.include, snakemake.output.executable)
)
