"""The files of a report: the page, its tables in LaTeX, and the manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from recovery import tables
from recovery.plan.design import Design
from recovery.plan.manifest import manifest
from recovery.report import latex_tables, page
from recovery.report.ademp import ademp
from recovery.report.sections import cost_section
from recovery.score import efficiency, summaries
from recovery.tables.summary_schemas import SUMMARIES


def write(
    design: Design, inputs: Mapping[str, Any], outputs: Mapping[str, str], identity: str
) -> None:
    """Write all files of the report.

    Parameters
    ----------
    inputs : mapping
        `summaries` in the order of `SUMMARIES`, `figures` in that of the figure list, and
        `figures_costs`.
    outputs : mapping
        `page`, `manifest`, and a file for each of `latex_tables.TABLES`.
    identity : str
        The hash of everything that determines the page; stored in it.
    """
    summary = _summaries(inputs["summaries"], inputs["figures_costs"])
    origin = manifest(design) | {"ademp": ademp(design, design.family, summary["performance"])}
    text = json.dumps(origin, indent=2, allow_nan=False) + "\n"  # ASCII only
    tables.replace(outputs["manifest"], lambda temporary: temporary.write_text(text))
    page.write(
        design,
        outputs["page"],
        {name: outputs[name] for name in latex_tables.TABLES},
        origin,
        summary,
        summaries.observed_fits(design),
        list(inputs["figures"]),
        identity,
    )


def _summaries(files: Sequence[str], figures_costs: str) -> dict[str, pd.DataFrame]:
    """Return the summary tables, with the costs of the figures and of Snakemake added."""
    summary = {name: tables.read_frame([file]) for name, file in zip(SUMMARIES, files, strict=True)}
    figures = tables.read_frame([figures_costs])
    snakemake = efficiency.costs(cost_section.by_snakemake())
    summary["costs"] = pd.concat([summary["costs"], figures, snakemake])
    return summary
