"""Rule figures: every figure of the study, in every format."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from recovery import jobs

jobs.begin(snakemake.log[0], __file__)

from recovery import costs, design, efficiency, tables
from recovery.figures import draw_all
from recovery.figures.material import Material
from recovery.hashing import digest
from recovery.tables.summaries import COSTS

params = snakemake.params.figures
plan = design.restore(snakemake.config, params["sources"])
formats = ("svg", "pdf", "png")
files = {suffix: list(snakemake.output[suffix]) for suffix in formats}
draw_all(Material(plan), files, digest(params), snakemake.threads)
spent = efficiency.costs({"figures": costs.used()})
tables.write(spent, snakemake.output.costs, COSTS, digest(params))
