"""Rule report: the page, and the manifest."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from recovery.common import jobs

jobs.begin(snakemake.log[0], __file__)

import json

import pandas as pd

from recovery import families, tables
from recovery.common.hashing import digest
from recovery.plan import design
from recovery.plan.manifest import manifest
from recovery.report import cost_section, latex_tables, page
from recovery.report.ademp import ademp
from recovery.score import efficiency, summaries
from recovery.tables.summary_schemas import SUMMARIES

params = snakemake.params.report
plan = design.restore(snakemake.config, params["sources"])
files = dict(zip(SUMMARIES, snakemake.input.summaries, strict=True))
found = {name: tables.read_frame([file]) for name, file in files.items()}
drawing = tables.read_frame([snakemake.input.figures_costs])
found["costs"] = pd.concat([found["costs"], drawing, efficiency.costs(cost_section.by_snakemake())])
family = families.find(plan.study.family)
origin = manifest(plan) | {"ademp": ademp(plan, family, found["performance"])}
text = json.dumps(origin, indent=2, allow_nan=False) + "\n"  # ASCII alone
tables.replace(snakemake.output.manifest, lambda beside: beside.write_text(text))
page.write(
    plan,
    snakemake.output.page,
    {name: snakemake.output[name] for name in latex_tables.TABLES},
    origin,
    found,
    summaries.observed(plan),
    list(snakemake.input.figures),
    digest(params),
)
