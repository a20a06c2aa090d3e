"""The design in words: truths, and the columns that identify cells."""

from __future__ import annotations

from typing import Any

import pandas as pd

from recovery.plan.design import Design
from recovery.plan.figure_list import words
from recovery.score.measures import CELL
from recovery.study.truths import ObservedTruth, PriorTruth


def in_words(truth: Any, diagnostics: pd.DataFrame) -> dict[str, Any]:
    """Return a truth as the page shows it, with the convergence of the observed fit if any."""
    if isinstance(truth, PriorTruth):
        joint = {"joint model": f"the one for which {truth.model} is exact"} if truth.model else {}
        prior = {"drawn for each replicate from the prior": words(truth.prior)} | joint
        return prior | _as_text(truth.design.model_dump(exclude_none=True))
    if isinstance(truth, ObservedTruth):
        source = truth.from_observed
        fit = diagnostics.set_index(CELL).loc[(source.data, source.model, source.prior)]
        return {
            "posterior mean of": f"{source.model} under the prior {words(source.prior)}, "
            f"fitted to {source.data}; the design is that of these data",
            "that fit converged": "yes" if fit["converged"] else "no",
        }
    return _as_text(truth.model_dump(exclude_none=True))


def _as_text(values: dict[str, Any]) -> dict[str, str]:
    return {
        name: ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        for name, value in values.items()
    }


def factors(design: Design) -> list[dict]:
    """Return the columns that identify cells: those with more than one level."""
    study, scenarios = design.study, design.scenarios.values()
    levels = {
        "truth": study.truths,
        "participants": study.participants,
        "observations": {scenario.observations for scenario in scenarios},
        **{f"n_{name}": sizes for name, sizes in study.counted_sizes.items()},
        "model": study.methods,
        "prior": {prior for _, prior in study.fits},
    }
    names = [name for name, values in levels.items() if len(values) > 1] + ["parameter"]
    counts = ("participants", "observations", *(f"n_{name}" for name in study.counted_sizes))
    return [
        {"name": n, "label": n.removeprefix("n_").capitalize(), "numeric": n in counts}
        for n in names
    ]
