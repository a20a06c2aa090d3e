"""Rule compile: one Stan program to the executable that CmdStan runs."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from recovery import jobs

jobs.begin(snakemake.log[0], __file__)

from recovery.engines import cmdstan
from recovery.engines.base import Program

cmdstan.compile_program(
    Program(snakemake.input.program, snakemake.params.include, snakemake.output.executable)
)
