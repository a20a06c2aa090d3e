"""Rule compile: one Stan program to the executable that CmdStan runs, unless it is there."""

import os
import sys

sys.path.insert(0, os.environ["RECOVERY_SCRIPTS"])

from recovery.common import jobs

jobs.begin(snakemake.log[0])

from recovery.engines import executables
from recovery.engines.protocol import Program

params = snakemake.params.compile
kept = executables.path_of(snakemake.wildcards.model, params["hash"])
executables.ensure_compiled(Program(params["path"], params["include"], str(kept)))
executables.link(kept, snakemake.output.executable)
