"""Rule compile: one Stan program to the executable that CmdStan runs, unless it stands already."""

from recovery import jobs

jobs.begin(snakemake.log[0])

from recovery import executables
from recovery.engines.base import Program

kept = executables.kept_of(snakemake.wildcards.model, snakemake.params.program)
executables.provide(Program(snakemake.input.program, snakemake.params.include, str(kept)))
executables.link(kept, snakemake.output.executable)
