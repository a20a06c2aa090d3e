"""Rule report: the page, and the manifest."""

import json
import sys

from recovery import checks, report, summaries, tables
from recovery.design import digest
from recovery.manifest import manifest

sys.stderr = open(snakemake.log[0], "w", buffering=1)

params = snakemake.params.report
plan = checks.restore(snakemake.config, params["sources"])
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
    digest(params),
)
