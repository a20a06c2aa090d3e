"""Rule report: the page, and the manifest."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from recovery import jobs

jobs.begin(snakemake.log[0], __file__)

import json

import pandas as pd

from recovery import design, efficiency, families, report, summaries, tables
from recovery.hashing import digest
from recovery.manifest import manifest
from recovery.report import latex, spent
from recovery.report.methods import ademp
from recovery.tables.summaries import SUMMARIES

params = snakemake.params.report
plan = design.restore(snakemake.config, params["sources"])
files = dict(zip(SUMMARIES, snakemake.input.summaries, strict=True))
found = {name: tables.read_frame([file]) for name, file in files.items()}
drawing = tables.read_frame([snakemake.input.figures_costs])
found["costs"] = pd.concat([found["costs"], drawing, efficiency.costs(spent.by_snakemake())])
family = families.find(plan.study.family)
origin = manifest(plan) | {"ademp": ademp(plan, family, found["performance"])}
text = json.dumps(origin, indent=2, allow_nan=False) + "\n"  # ASCII alone
tables.replace(snakemake.output.manifest, lambda beside: beside.write_text(text))
report.write(
    plan,
    snakemake.output.page,
    {name: snakemake.output[name] for name in latex.TABLES},
    origin,
    found,
    summaries.observed(plan),
    list(snakemake.input.figures),
    digest(params),
)
