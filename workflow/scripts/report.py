"""Rule report: the page, its tables in LaTeX, and the manifest."""

import os
import sys

sys.path.insert(0, os.environ["RECOVERY_SCRIPTS"])

from recovery.common import jobs

jobs.begin(snakemake.log[0])

from recovery.common.hashing import digest
from recovery.plan import design
from recovery.report import report_files

params = snakemake.params.report
plan = design.restore(params["study"], params["sources"])
inputs, outputs = dict(snakemake.input.items()), dict(snakemake.output.items())
report_files.write(plan, inputs, outputs, digest(params))
