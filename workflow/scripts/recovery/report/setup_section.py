"""What was asked, in words: truths, and the columns that tell cells apart."""

from __future__ import annotations

from typing import Any

import pandas as pd

from recovery.plan.design import Design
from recovery.plan.figure_list import words
from recovery.score.measures import CELL
from recovery.study.truths import ObservedTruth, PriorTruth


def in_words(truth: Any, diagnostics: pd.DataFrame) -> dict[str, Any]:
    """A truth as the page shows it; one from an observed fit says how that fit went."""
    if isinstance(truth, PriorTruth):
        joint = {"joint model": f"the one that {truth.model} is exact for"} if truth.model else {}
        drawn = {"drawn for every replicate from the prior": words(truth.prior)} | joint
        return drawn | _plain(truth.design.model_dump(exclude_none=True))
    if isinstance(truth, ObservedTruth):
        source = truth.from_observed
        fit = diagnostics.set_index(CELL).loc[(source.data, source.model, source.prior)]
        return {
            "posterior mean of": f"{source.model} under the prior {words(source.prior)}, "
            f"fitted to {source.data}, whose design it takes",
            "that fit converged": "yes" if fit["converged"] else "no",
        }
    return _plain(truth.model_dump(exclude_none=True))


def _plain(values: dict[str, Any]) -> dict[str, str]:
    return {
        name: ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        for name, value in values.items()
    }


def factors(design: Design) -> list[dict]:
    """The columns that tell cells apart: only those that differ between any two."""
    study, scenarios = design.study, design.scenarios.values()
    levels = {
        "truth": study.truths,
        "participants": study.participants,
        "observations": {scenario.observations for scenario in scenarios},
        "model": study.methods,
        "prior": {prior for _, prior in study.fits},
    }
    names = [name for name, values in levels.items() if len(values) > 1] + ["parameter"]
    counts = ("participants", "observations")
    return [{"name": n, "label": n.capitalize(), "numeric": n in counts} for n in names]
