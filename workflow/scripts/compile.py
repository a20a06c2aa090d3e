"""Rule compile: the executable of one Stan program for CmdStan, compiled unless it exists."""

import os
import sys

sys.path.insert(0, os.environ["RECOVERY_SCRIPTS"])

from recovery.common import jobs

jobs.begin(snakemake.log[0])

from recovery.engines import executables
from recovery.engines.protocol import Program

params = snakemake.params.compile
executable = executables.path_of(snakemake.wildcards.model, params["hash"])
executables.ensure_compiled(Program(params["path"], params["include"], str(executable)))
executables.link(executable, snakemake.output.executable)
