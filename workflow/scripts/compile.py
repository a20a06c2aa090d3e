"""Rule compile: one Stan program to the executable that CmdStan runs, unless it stands already."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from recovery.common import jobs

jobs.begin(snakemake.log[0], __file__)

from recovery.engines import executables
from recovery.engines.protocol import Program

kept = executables.kept(snakemake.wildcards.model, snakemake.params.program)
executables.provide(Program(snakemake.input.program, snakemake.params.include, str(kept)))
executables.link(kept, snakemake.output.executable)
