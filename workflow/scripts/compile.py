"""Rule compile: one Stan program to the executable that CmdStan runs, unless it stands already."""

from recovery import jobs

jobs.begin(snakemake.log[0])

from pathlib import Path

from recovery import executables
from recovery.engines.base import Program

kept = Path(snakemake.params.kept)
executables.provide(Program(snakemake.input.program, snakemake.params.include, str(kept)))
executables.link(kept, snakemake.output.executable)
