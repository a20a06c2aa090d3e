"""Rule figures: every figure of the study, in every format."""

import os
import sys

sys.path.insert(0, os.environ["RECOVERY_SCRIPTS"])

from recovery.common import jobs

jobs.begin(snakemake.log[0])

from recovery import tables
from recovery.common.hashing import digest
from recovery.figures import draw_all
from recovery.plan import design
from recovery.score import efficiency
from recovery.tables.summary_schemas import COSTS

params = snakemake.params.figures
plan = design.restore(params["study"], params["sources"])
formats = ("svg", "pdf", "png")
files = {suffix: list(snakemake.output[suffix]) for suffix in formats}
draw_all(plan, files, digest(params), snakemake.threads)
costs = efficiency.costs({"figures": jobs.processor_seconds()})
tables.write(costs, snakemake.output.costs, COSTS, digest(params))
