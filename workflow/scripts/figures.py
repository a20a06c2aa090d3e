"""Rule figures: every figure of the study, in every format."""

import sys

from recovery import design, families, study
from recovery.figures import draw_all
from recovery.figures.material import Material

sys.stderr = open(snakemake.log[0], "w", buffering=1)

params = snakemake.params.figures
plan = design.Design(
    study.parse(snakemake.config, families.find), design.Sources(**params["sources"])
)
formats = ("svg", "pdf", "png")
files = {suffix: list(snakemake.output[suffix]) for suffix in formats}
draw_all(Material(plan), files, design.digest(params))
