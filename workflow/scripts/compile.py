"""Rule compile: one Stan program to the executable that CmdStan runs."""

import sys

from recovery.engines import cmdstan
from recovery.engines.base import Program

sys.stderr = open(snakemake.log[0], "w", buffering=1)

cmdstan.compile_program(
    Program(snakemake.input.program, snakemake.params.include, snakemake.output.executable)
)
