"""Rule outcome: lines on the outcomes of all fits; fails if no fit gave estimates."""

import os
import sys

sys.path.insert(0, os.environ["RECOVERY_SCRIPTS"])

from recovery.common import jobs

jobs.begin(snakemake.log[0])

from recovery import tables
from recovery.common.hashing import digest
from recovery.plan import design
from recovery.score import failures

params = snakemake.params.outcome
lines = failures.outcome_or_error(design.restore(params["study"], params["sources"]))
tables.write_lines(snakemake.output.lines, [*lines, digest(params)])
