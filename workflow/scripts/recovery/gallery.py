"""Which figures a study has: their names, titles and places. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from recovery.design import Scenario, scenarios_of
from recovery.families.base import Family
from recovery.study import Study

_BY_CONDITION = {
    "bias": ("Bias", "Performance"),
    "rmse": ("Root mean squared error", "Performance"),
    "coverage": ("Coverage", "Performance"),
    "interval_width": ("Width of intervals", "Performance"),
    "convergence": ("Convergence", "Computation"),
    "time": ("Time", "Computation"),
    "recovered": ("Recovered against true", "Estimates"),
    "lines": ("Participants' lines", "Participants"),
    "shrinkage": ("Shrinkage", "Participants"),
}


def words(name: str) -> str:
    """Return a name from the study file as words."""
    return name.replace("_", " ")


def fit_label(family: Family, study: Study, model: str, prior: str) -> str:
    """Return a fit's label: its model, and its prior where the study has several."""
    label = family.MODELS[model].label
    return f"{label}, {words(prior)}" if len(study.priors) > 1 else label


@dataclass(frozen=True)
class Figure:
    """One figure of a study.

    Parameters
    ----------
    kind : str
        What it shows; its caption is `workflow/report/KIND.rst`.
    name : str
        Its file, without the ending.
    title, category : str
        In words.
    scenarios : tuple of Scenario
        Those that it shows: one truth and number of observations, all participant counts.
    dataset : str or None
        The observed dataset that it shows.
    """

    kind: str
    name: str
    title: str
    category: str
    scenarios: tuple[Scenario, ...] = ()
    dataset: str | None = None


def figures(study: Study) -> list[Figure]:
    """Return the figures of a study, in the order of its report."""
    return [*_of_observed(study), *_of_conditions(study), _of_priors()]


def _of_conditions(study: Study) -> Iterator[Figure]:
    conditions: dict[tuple, list[Scenario]] = {}
    for scenario in scenarios_of(study):
        conditions.setdefault((scenario.truth, scenario.observations), []).append(scenario)
    for kind, (title, category) in _BY_CONDITION.items():
        for (truth, observations), scenarios in conditions.items():
            size = f"-x{observations}" if observations else ""
            where = f": {truth}" + (f", {observations} observations each" if observations else "")
            yield Figure(
                kind,
                f"{kind}-{truth}{size}",
                title + (where if len(conditions) > 1 else ""),
                category,
                tuple(scenarios),
            )


def _of_observed(study: Study) -> Iterator[Figure]:
    for name in study.observed:
        yield Figure(
            "observed", f"observed-{name}", f"Observed data: {name}", "Observed data", (), name
        )
        yield Figure(
            "observed_lines",
            f"observed_lines-{name}",
            f"Participants' lines: {name}",
            "Observed data",
            (),
            name,
        )


def _of_priors() -> Figure:
    return Figure("prior_predictive", "prior_predictive", "What each prior expects", "Priors")
