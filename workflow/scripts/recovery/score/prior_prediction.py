"""What each prior expects before any data: outcomes of datasets that are drawn from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from recovery import tables
from recovery.common.errors import StudyError
from recovery.common.worker import ChildLostError, in_child
from recovery.families.family import Columns, Fields, SimulationError
from recovery.families.priors import NamedPriors, content_of
from recovery.plan.design import Design
from recovery.plan.scenarios import Scenario
from recovery.plan.seeds import prior_predictive_seed
from recovery.score.measures.performance_measures import ABSENT, proportion

PREDICTIVE_DRAWS = 100
"""Draws whose first participant is kept for figures."""
DATASETS = 400
"""Draws in all, for shares of outcomes."""
CENTRAL = (0.05, 0.95)
"""Quantiles around the central 90 % of outcomes."""
KEPT = 1000  # outcomes of a dataset; of a larger one, as many quantiles
POINTS = ["prior", "draw", "kind", "x", "y"]
SHARES = ["prior", "category", "share", "share_mcse", "lower", "upper"]


def predicted(design: Design) -> dict[str, pd.DataFrame]:
    """Return the tables `prior_predictive`, `prior_outcomes` and `prior_categories` of a study.

    Every draw from a prior simulates a dataset of the study's first scenario, with the predictors
    of its first dataset where the family can. Draws whose data cannot be simulated are counted,
    and left out of every other number.
    """
    study, first_design = design.study, _first_design(design)
    predict = _PriorPrediction(design, first_design)
    points, rows, categories = [pd.DataFrame(columns=POINTS)], [], []
    with in_child(predict, study.guest_seconds, "simulation") as drawn:
        for name, prior in study.priors.items():
            reason = _reason_for_none(prior, first_design)
            draws = _Draws() if reason else _draws(drawn, name)
            points += [pd.DataFrame({"prior": name, **each}) for each in draws.points]
            rows.append({"prior": name, "reason": reason, **_outcomes(draws, study.plausible)})
            categories += [
                {"prior": name, **row} for row in _categories(draws, design.family.CATEGORIES)
            ]
    return {
        "prior_predictive": pd.concat([each for each in points if len(each)] or points),
        "prior_outcomes": pd.DataFrame(rows),
        "prior_categories": pd.DataFrame(categories, columns=SHARES),
    }


def _reason_for_none(prior: Fields, first_design: Columns | int | None) -> str | None:
    """Why nothing can be drawn from a prior; None if there is no reason."""
    if isinstance(prior, NamedPriors) and prior.improper:
        return f"the prior is flat for {', '.join(prior.improper)}"
    return "no dataset of the study could be simulated" if first_design is None else None


@dataclass
class _Draws:
    """The datasets drawn from a prior.

    Parameters
    ----------
    points : list of mapping
        What figures show of the first draws.
    outcomes : list of ndarray
        Outcomes of each dataset, at most `KEPT`.
    outside : list of tuple
        The shares of each dataset's outcomes below and above the plausible range.
    shares : list of ndarray
        The shares of categories in each dataset, if outcomes are categories.
    errors : list of str
        Why draws could not be simulated.
    """

    points: list[dict[str, Any]] = field(default_factory=list)
    outcomes: list[np.ndarray] = field(default_factory=list)
    outside: list[tuple[float, float]] = field(default_factory=list)
    shares: list[np.ndarray] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def _draws(drawn: Callable, prior: str) -> _Draws:
    """Draw datasets from a prior; stop after a draw that crashes or times out."""
    draws = _Draws()
    for draw in range(1, DATASETS + 1):
        try:
            points, outcomes, outside, shares = drawn(prior)
        except ChildLostError as lost:
            draws.errors.append(str(lost))
            break
        except (SimulationError, StudyError) as error:
            draws.errors.append(str(error))
            continue
        if draw <= PREDICTIVE_DRAWS:
            draws.points += [{"draw": draw, **each} for each in points]
        draws.outcomes.append(outcomes)
        draws.outside.append(outside)
        draws.shares.append(shares)
    return draws


def _outcomes(draws: _Draws, plausible: tuple[float | None, float | None] | None) -> dict[str, Any]:
    """Return the columns of the table `prior_outcomes` of one prior, without `reason`."""
    low, high = plausible or (None, None)
    row: dict[str, Any] = {
        "n_draws": len(draws.outcomes) + len(draws.errors),
        "n_failed": len(draws.errors),
        "error": draws.errors[0] if draws.errors else None,
    }
    for end, probability in zip(("lower", "upper"), CENTRAL, strict=True):
        row[end], row[f"{end}_mcse"] = _quantile(draws.outcomes, probability)
    row |= {"plausible_low": low, "plausible_high": high}
    below, above = np.array(draws.outside, dtype=float).reshape(-1, 2).T
    known = plausible is not None and below.size > 0
    for name, shares in (("below", below), ("above", above), ("outside", below + above)):
        row[name], row[f"{name}_mcse"] = mean_share(shares) if known else (np.nan, np.nan)
    rate = proportion(below + above > 0) if known else ABSENT
    row |= {f"datasets_rate_{part}": getattr(rate, part) for part in ("mcse", "lower", "upper")}
    return row | {"datasets_rate": rate.value}


def _categories(draws: _Draws, categories: Sequence[int]) -> list[dict[str, Any]]:
    """Return the rows of the table `prior_categories` of one prior, without its name."""
    if not draws.shares:
        return []
    rows = []
    for category, shares in zip(categories, np.array(draws.shares).T, strict=True):
        share, error = mean_share(shares)
        lower, upper = np.quantile(shares, CENTRAL)
        rows.append(dict(zip(SHARES[1:], (category, share, error, lower, upper), strict=True)))
    return rows


def mean_share(shares: np.ndarray) -> tuple[float, float]:
    """Return the mean of a share over datasets, and its Monte Carlo standard error.

    Outcomes of a dataset are not independent, datasets are.
    """
    error = shares.std(ddof=1) / np.sqrt(shares.size) if shares.size > 1 else np.nan
    return float(shares.mean()), float(error)


def _quantile(datasets: Sequence[np.ndarray], probability: float) -> tuple[float, float]:
    """Return a quantile of the outcomes of all datasets, and its Monte Carlo standard error.

    The error is half the distance between the quantiles at one standard error of the share of
    outcomes up to the quantile, on either side (Woodruff 1952, doi:10.1080/01621459.1952.10483443).
    """
    if not datasets:
        return np.nan, np.nan
    pooled = np.concatenate(datasets)
    value = np.quantile(pooled, probability, method="inverted_cdf")
    _, error = mean_share(np.array([np.mean(each <= value) for each in datasets]))
    if np.isnan(error):
        return float(value), np.nan
    around = np.clip([probability - error, probability + error], 0, 1)
    low, high = np.quantile(pooled, around, method="inverted_cdf")
    return float(value), float(high / 2 - low / 2)


class _PriorPrediction:
    """Simulates from a prior, draw after draw, in a child process that keeps the generators.

    Parameters
    ----------
    first_design : dict of ndarray or int
        The result of `_first_design`.
    """

    def __init__(self, design: Design, first_design: Columns | int | None):
        self.study, self.first_design = design.study, first_design
        self.family, scenario = design.family, _first_scenario(design)
        self.participants, self.sizes = scenario.participants, dict(scenario.sizes)
        self.grid: Columns = {}
        if self.family.AXES is not None and isinstance(first_design, dict):
            first = first_design[self.family.PARTICIPANT] == 1
            rows = {name: values[first] for name, values in first_design.items()}
            self.grid = self.family.line_grid(rows)
        self.generators: dict[str, np.random.Generator] = {}

    def __call__(
        self, prior: str
    ) -> tuple[list[dict], np.ndarray, tuple[float, float], np.ndarray]:
        """Draw a dataset from a prior.

        Returns
        -------
        points : list of dict
            The first participant's expected line, if the family has lines, and its outcomes.
        outcomes : ndarray
        outside : tuple
            The shares of outcomes below and above the plausible range.
        shares : ndarray
            The share of every category of outcomes; empty if they are no categories.
        """
        assert self.first_design is not None
        family, rng = self.family, self._generator(prior)
        columns, values = family.simulate_joint(
            family.JOINT,
            self.study.priors[prior],
            {},
            self.participants,
            self.first_design,
            rng,
            self.sizes,
        )
        y = columns[family.OUTCOME]
        low, high = self.study.plausible or (None, None)
        below = 0.0 if low is None else float(np.mean(y < low))
        above = 0.0 if high is None else float(np.mean(y > high))
        shares = np.array([np.mean(y == category) for category in family.CATEGORIES])
        return self._points(columns, values), _few(y), (below, above), shares

    def _generator(self, prior: str) -> np.random.Generator:
        """The generator of a prior, which continues from draw to draw."""
        if prior not in self.generators:
            content = content_of(self.study.priors[prior])
            seed = prior_predictive_seed(self.study.seed, content)
            self.generators[prior] = np.random.default_rng(seed)
        return self.generators[prior]

    def _points(self, columns: Columns, values: dict[str, float]) -> list[dict]:
        family, axis = self.family, self.family.AXES
        first = columns[family.PARTICIPANT] == 1
        x = columns[axis.x][first] if axis else np.nan
        outcome = {"kind": "outcome", "x": x, "y": columns[family.OUTCOME][first]}
        if not axis:
            return [outcome]
        line = {"x": self.grid[axis.x], "y": family.expected(values, self.grid)}
        return [{"kind": "line", **line}, outcome]


def _few(outcomes: np.ndarray) -> np.ndarray:
    """Outcomes, or, of many, their quantiles."""
    if outcomes.size <= KEPT:
        return outcomes
    return np.quantile(outcomes, (np.arange(KEPT) + 0.5) / KEPT, method="inverted_cdf")


def _first_scenario(design: Design) -> Scenario:
    return next(iter(design.scenarios.values()))


def _first_design(design: Design) -> Columns | int | None:
    """The rows of a study's first dataset, or the number of rows of a participant.

    The rows if the family has a line or can simulate with an observed design, otherwise their
    number; None if no dataset of the first batch could be simulated.
    """
    family, scenario = design.family, _first_scenario(design)
    takes_rows = any(map(family.determines_truth, family.MODELS))
    if family.AXES is None and not takes_rows:
        return scenario.observations
    file = design.dataset_file("data", scenario.name, design.data_batches(scenario.name)[0])
    data = tables.read(file)
    if not data["replicate"].size:
        return None
    first = data["replicate"] == data["replicate"].min()
    return {name: data[name][first] for name in family.COLUMNS}
