"""Rule figures: every figure of the study, in every format."""

from recovery import jobs

jobs.begin(snakemake.log[0])

from recovery import checks, costs, efficiency, tables
from recovery.figures import draw_all
from recovery.figures.material import Material
from recovery.hashing import digest

params = snakemake.params.figures
plan = checks.restore(snakemake.config, params["sources"])
formats = ("svg", "pdf", "png")
files = {suffix: list(snakemake.output[suffix]) for suffix in formats}
draw_all(Material(plan), files, digest(params), snakemake.threads)
spent = efficiency.costs({"figures": costs.used()})
tables.write(spent, snakemake.output.costs, tables.COSTS, digest(params))
