"""Number of participants that a target needs, interpolated between the studied counts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, special

from recovery.score.decision_rates import YES
from recovery.score.measures import rows_of_measure
from recovery.score.measures.monte_carlo import with_bounds
from recovery.score.measures.performance_measures import proportion_interval
from recovery.study.settings import PlanningTarget

REACHED = "reached"
AT_SMALLEST = "at the smallest count"
BEYOND = "beyond the largest count"
UNCLEAR = "not clear"
UNKNOWN = "unknown"

_RESULTS = ["n_needed", "lower", "upper", "smallest", "largest", "n_fewest", "n_most"]
_COLUMNS = ["parameter", "measure", "level", "wanted", "n_needed", "lower", "upper", "status"]
_COLUMNS += ["smallest", "largest", "n_fewest", "n_most"]
_LEAST = 1e-12  # smallest share that is finite on the scales of shares
_CHANCE = 0.01  # type I error of the test whether a measure is not monotone


@dataclass(frozen=True)
class Scale:
    """Transformations that make a measure nearly linear in the number of participants.

    Parameters
    ----------
    measure : str
        Name of the measure in `planned_values`.
    share : bool
        Whether the measure is a share of replicates (larger is better); otherwise it is a length
        (smaller is better).
    monotone : bool
        Whether the measure improves with participants, so that any decline is noise.
    count_scale, value_scale, inverse : callable
        Transformations of the number of participants and of the value, and the inverse of
        `value_scale`.
    slope : callable
        Derivative of `value_scale`.
    """

    measure: str
    share: bool
    monotone: bool
    count_scale: Callable[[Any], Any]
    value_scale: Callable[[Any], Any]
    inverse: Callable[[Any], Any]
    slope: Callable[[Any], Any]

    @property
    def better(self) -> int:
        """1 if larger values are better, -1 if smaller values are better."""
        return 1 if self.share else -1


def _probit_slope(p: np.ndarray) -> np.ndarray:
    return np.sqrt(2 * np.pi) * np.exp(special.ndtri(p) ** 2 / 2)


def _logit_slope(p: np.ndarray) -> np.ndarray:
    return 1 / (p * (1 - p))


_LOGS = (np.log, np.log, np.exp, np.reciprocal)
_PROBIT = (np.sqrt, special.ndtri, special.ndtr, _probit_slope)
_LOGIT = (np.log, special.logit, special.expit, _logit_slope)
SCALES = {
    "interval_width": Scale("interval_width", False, True, *_LOGS),
    "power": Scale("rejection_rate", True, True, *_PROBIT),
    "coverage": Scale("coverage", True, False, *_LOGIT),
    "rmse": Scale("rmse", False, True, *_LOGS),
    "rate": Scale("rate", True, True, *_PROBIT),
}


@dataclass(frozen=True)
class Curve:
    """A measure by number of participants: linear between knots on its scale, constant outside.

    Parameters
    ----------
    scale : Scale
    x, y, variance : ndarray, shape (n_knots,)
        Knots on the scale, where larger y is better, and the variances of their independent
        Monte Carlo errors.
    """

    scale: Scale
    x: np.ndarray
    y: np.ndarray
    variance: np.ndarray

    def at(self, n: np.ndarray) -> np.ndarray:
        """Return y for numbers of participants."""
        return np.interp(self.scale.count_scale(n), self.x, self.y)

    def value(self, n: np.ndarray) -> np.ndarray:
        """Return the value of the measure for numbers of participants."""
        return self.scale.inverse(self.scale.better * self.at(n))


@dataclass(frozen=True)
class Bars:
    """The plotted 95 % intervals at the studied counts, and intervals between these counts.

    Parameters
    ----------
    scale : Scale
    counts : ndarray, shape (n_counts,)
    y, below, above : ndarray, shape (n_counts,)
        Values on the scale, where larger y is better, and their distances to the worse and the
        better end of the interval.
    """

    scale: Scale
    counts: np.ndarray
    y: np.ndarray
    below: np.ndarray
    above: np.ndarray

    def first(self, target: float, side: int) -> float:
        """Return the smallest number from which on one end of the intervals meets the target.

        At the studied counts, the end is that of the plotted bar. Between the last count that
        misses the target and the next, the end is interpolated, with the independent errors of
        both counts weighted as in the curve. NaN if the largest count misses the target.

        Parameters
        ----------
        side : int
            1 for the better end of the intervals, -1 for the worse.

        References
        ----------
        Zou & Donner (2008), doi:10.1002/sim.3095 (intervals of sums from those of their parts).
        """
        reach = self.above if side > 0 else self.below
        missed = np.flatnonzero(self.y + side * reach < target)
        if not missed.size:
            return self.counts[0]
        last = missed[-1]
        if last + 1 == self.counts.size:
            return np.nan
        grid = np.arange(self.counts[last], self.counts[last + 1] + 1)
        ends = self.scale.count_scale(self.counts[last : last + 2])
        share = (self.scale.count_scale(grid) - ends[0]) / (ends[1] - ends[0])
        y = (1 - share) * self.y[last] + share * self.y[last + 1]
        spread = np.hypot((1 - share) * reach[last], share * reach[last + 1])
        met = y + side * spread >= target
        met[0], met[-1] = False, True  # by the plotted bars
        return _first_of_all_met(met, grid)


def planned_values(performance: pd.DataFrame, decisions: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `performance` of all fits, and the rates of yes of `decisions`.

    For a rate, the parameter is the name of the decision and the measure `rate`.
    """
    yes = decisions[decisions["outcome"] == YES]
    rates = yes.assign(parameter=yes["decision"], measure="rate", value=yes["rate"])
    shared = [name for name in rates if name in performance]
    values = pd.concat([performance, rates[shared]]) if len(rates) else performance
    return values[values["subset"] == "all"]


def participants_needed(
    values: pd.DataFrame,
    planning: Mapping[str, PlanningTarget],
    factors: Iterable[str] = (),
) -> pd.DataFrame:
    """Return the number of participants that each target needs, for every model and prior.

    It is the smallest number from which on the measure meets the target, up to the largest
    studied count. The 95 % interval covers Monte Carlo error, not the error of the interpolation
    (`Bars.first`).

    Parameters
    ----------
    values : DataFrame
        `planned_values` of all scenarios, with their truth, participants, observations.
    planning : mapping
        Parameter or decision -> its targets.
    factors : iterable of str
        Other grouping factors whose numbers of groups, `n_FACTOR`, tell scenarios apart.

    Returns
    -------
    DataFrame
        truth, observations, those of factors, model, prior, parameter, measure, level (of the
        intervals), wanted (the target), n_needed (null: not reached), lower (null: no lower
        bound), upper (null: no upper bound), status, smallest and largest (of the counts with a
        value), n_fewest and n_most (replicates of a value).

    References
    ----------
    Fieller (1954), doi:10.1111/j.2517-6161.1954.tb00159.x.
    """
    key = ["truth", "observations", *(f"n_{name}" for name in factors), "model", "prior"]
    rows = []
    for parameter, wanted in planning.items():
        of_parameter = values[values["parameter"] == parameter]
        for measure, target in wanted.targets.items():
            of_measure = rows_of_measure(of_parameter, SCALES[measure].measure, wanted.interval)
            for cell, at_counts in of_measure.groupby(key, sort=False, dropna=False):
                row = dict(zip(key, cell, strict=True))
                row |= {"parameter": parameter, "measure": measure, "wanted": target}
                row["level"] = at_counts["level"].iloc[0]
                rows.append(row | _row(at_counts, measure, target))
    return pd.DataFrame(rows, columns=[*key, *_COLUMNS])


def _row(values: pd.DataFrame, measure: str, target: float) -> dict:
    """The results of one row, from the values of one cell at all counts."""
    values = usable(values, measure)
    if len(values) < 2:
        return dict.fromkeys(_RESULTS, np.nan) | {"status": UNKNOWN}
    scale = SCALES[measure]
    smallest, largest = values["participants"].iloc[[0, -1]]
    grid = np.arange(smallest, largest + 1)
    scaled_target = scale.better * scale.value_scale(target) - 1e-9  # allows for rounding
    intervals = bars(values, measure, target)
    lower, upper = intervals.first(scaled_target, 1), intervals.first(scaled_target, -1)
    n = _first_of_all_met(curve(values, measure, target).at(grid) >= scaled_target, grid)
    n = np.maximum(np.fmin(n, upper), lower)  # a curve made monotone can leave the bars
    return {
        "n_needed": n,
        "lower": np.nan if lower == smallest else np.fmin(largest, lower),
        "upper": upper,
        "status": _status(n, lower, upper, smallest),
        "smallest": smallest,
        "largest": largest,
        "n_fewest": values["n_replicates"].min(),
        "n_most": values["n_replicates"].max(),
    }


def _status(n: float, lower: float, upper: float, smallest: float) -> str:
    """The status of a number; at either end it is clear only if the interval agrees."""
    if np.isnan(n):
        return BEYOND if np.isnan(lower) else UNCLEAR
    if n == smallest:
        return AT_SMALLEST if upper == smallest else UNCLEAR
    return REACHED


def usable(values: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return the counts, in order, at which a measure has a value that is finite on its scale."""
    known = np.isfinite(values["value"]) & np.isfinite(values["mcse"])
    if not SCALES[measure].share:
        known &= values["value"] > 0
    return values[known].sort_values("participants")


def curve(values: pd.DataFrame, measure: str, target: float) -> Curve:
    """Return the curve of one measure of a cell, from the rows that `usable` returns.

    Widths and RMSE fall about as n^(-1/2), so their logarithms are linear in log n. The power of
    a z-test is Phi(d sqrt(n) - z), so its probit is linear in sqrt(n). Coverage has no such law;
    its logit is assumed to be linear in log n.

    Values that decline with more participants are pooled (isotonic regression with weights
    1 / variance; a pooled block is one knot at its mean count), unless Monte Carlo error does
    not explain the decline: a prior near the truth can make errors small with few participants.
    Coverage is not assumed to improve with participants.

    References
    ----------
    Oron & Flournoy (2017), doi:10.1080/19466315.2017.1286256 (centred isotonic regression).
    """
    scale = SCALES[measure]
    x = scale.count_scale(values["participants"].to_numpy(dtype=float))
    y, error = _on_scale(values, scale, target)
    rough = Curve(scale, x, scale.better * y, error**2)
    return _monotone(rough) if scale.monotone else rough


def bars(values: pd.DataFrame, measure: str, target: float) -> Bars:
    """Return the plotted intervals of one measure of a cell, from the rows that `usable` returns.

    Wilson intervals for shares; the intervals of `with_bounds` for lengths.
    """
    scale = SCALES[measure]
    value, n = (values[name].to_numpy(dtype=float) for name in ("value", "n_replicates"))
    if scale.share:
        pairs = zip(value, n, strict=True)
        ends = np.array([proportion_interval(*pair, 0.95) for pair in pairs]).T
        ends = np.clip(ends, _LEAST, 1 - _LEAST)
    else:
        ends = with_bounds(values)[["upper", "lower"]].to_numpy(dtype=float).T
        ends = np.maximum(ends, np.finfo(float).tiny)
    worse, better = scale.better * scale.value_scale(ends)
    y = scale.better * _on_scale(values, scale, target)[0]
    counts = values["participants"].to_numpy(dtype=float)
    return Bars(scale, counts, y, y - worse, better - y)


def _on_scale(values: pd.DataFrame, scale: Scale, target: float) -> tuple[np.ndarray, np.ndarray]:
    """Values on their scale, and their standard errors there."""
    value, mcse = values["value"].to_numpy(dtype=float), values["mcse"].to_numpy(dtype=float)
    if scale.share:
        return _proportions(value, values["n_replicates"].to_numpy(dtype=float), target, scale)
    return scale.value_scale(value), mcse * scale.slope(value)


def _proportions(
    p: np.ndarray, n: np.ndarray, target: float, scale: Scale
) -> tuple[np.ndarray, np.ndarray]:
    """Shares of n on their scale, and their standard errors; both are finite for 0 and 1 too.

    A share of 0 counts as half a hit and a share of 1 as half a miss. But 0 is below every target,
    and 1 meets every target, since more cannot be observed. Standard errors are those of the share
    with two hits and two misses added.

    References
    ----------
    Agresti & Coull (1998), doi:10.1080/00031305.1998.10480550.
    """
    half, scaled_target = 0.5 / (n + 1), scale.value_scale(target)
    least = np.minimum(scale.value_scale(half), scaled_target - 1e-6)
    most = np.maximum(scale.value_scale(1 - half), scaled_target)
    adjusted = (p * n + 2) / (n + 4)
    error = np.sqrt(adjusted * (1 - adjusted) / (n + 4)) * scale.slope(adjusted)
    return np.clip(scale.value_scale(p), least, most), error


def _monotone(rough: Curve) -> Curve:
    """The curve made monotone, unless it falls by more than Monte Carlo error explains."""
    weights = 1 / np.maximum(rough.variance, 1e-12)
    fit = optimize.isotonic_regression(rough.y, weights=weights)
    distance = (weights * (rough.y - fit.x) ** 2).sum()
    # A constant curve is least favourable: there it is chi-bar-square, smaller than chi-square.
    if distance > special.chdtri(rough.y.size - 1, _CHANCE):
        return rough
    starts = fit.blocks[:-1]
    total = np.add.reduceat(weights, starts)
    return Curve(
        rough.scale,
        np.add.reduceat(weights * rough.x, starts) / total,
        fit.x[starts],
        np.add.reduceat(weights**2 * rough.variance, starts) / total**2,
    )


def _first_of_all_met(met: np.ndarray, grid: np.ndarray) -> float:
    """The first number of the grid from which on all meet the target; NaN if the last misses it."""
    missed = np.flatnonzero(~met)
    first = missed[-1] + 1 if missed.size else 0
    return grid[first] if first < grid.size else np.nan
