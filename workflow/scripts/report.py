"""Rule report: the page, and the manifest."""

import json

from recovery import design, families, report, study, summaries, tables
from recovery.manifest import manifest

params = snakemake.params.report
plan = design.Design(
    study.parse(snakemake.config, families.find), design.Sources(**params["sources"])
)
origin = manifest(plan)
text = json.dumps(origin, indent=2)
tables.replace(snakemake.output.manifest, lambda beside: beside.write_text(text + "\n"))
report.write(
    plan,
    snakemake.output.page,
    origin,
    tables.read_frame([snakemake.input.performance]),
    tables.read_frame([snakemake.input.convergence]),
    summaries.observed(plan),
    list(snakemake.input.figures),
    design.digest(params),
)
