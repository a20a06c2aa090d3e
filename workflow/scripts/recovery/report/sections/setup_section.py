"""The design in words: truths, and the columns that identify cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from recovery.plan.design import Design
from recovery.plan.figure_list import words
from recovery.report.ademp import listed
from recovery.score.measures import CELL
from recovery.study.keys import Study
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


def _as_text(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: _value(value) for name, value in values.items()}


def _value(value: Any) -> str:
    """A value of a truth in words: `participant: Intercept 0.2, condition 0.05`."""
    if isinstance(value, Mapping):
        nested = any(isinstance(each, Mapping) for each in value.values())
        parts = [f"{name}{':' if nested else ''} {_value(each)}" for name, each in value.items()]
        return (" | " if nested else ", ").join(parts)
    if isinstance(value, tuple):
        return ", ".join(map(_value, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def sizes_in_words(study: Study) -> str:
    """Return the numbers of other groups, to follow participants: `, 12 and 24 groups of item`."""
    groups = [f"{listed(sizes)} groups of {name}" for name, sizes in study.counted_sizes.items()]
    return "".join(f", {each}" for each in groups)


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
