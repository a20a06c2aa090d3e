"""How many participants a wanted performance takes, read between the counts studied. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, special, stats

from recovery.score.measures import rows_of_measure
from recovery.score.measures.monte_carlo import with_bounds
from recovery.score.measures.performance_measures import proportion_interval
from recovery.study.settings import PlanningTarget

REACHED = "reached"
AT_SMALLEST = "at the smallest count"
BEYOND = "beyond the largest count"
UNCLEAR = "not clear"
UNKNOWN = "unknown"

_CELL = ["truth", "observations", "model", "prior"]
_RESULTS = ["n_needed", "lower", "upper", "smallest", "largest", "n_fewest", "n_most"]
_COLUMNS = [*_CELL, "parameter", "measure", "wanted", "n_needed", "lower", "upper", "status"]
_COLUMNS += ["smallest", "largest", "n_fewest", "n_most"]
_LEAST = 1e-12  # share that has a place on the scales, as 0 has none
_CHANCE = 0.01  # of taking noise for a measure that goes the wrong way


@dataclass(frozen=True)
class Scale:
    """Where a measure is about a straight line in the number of participants.

    Parameters
    ----------
    measure : str
        Its name in `measures.performance`.
    share : bool
        Whether it is a share of replicates, which is to be large; else a length, to be small.
    monotone : bool
        Whether more participants make it better, so that what goes against it is noise.
    of_count, of_value, back : callable
        The scales of participants and of values, and back to values.
    slope : callable
        Derivative of `of_value`.
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
        """The sign with which larger is better."""
        return 1 if self.share else -1


def _probit_slope(p: np.ndarray) -> np.ndarray:
    return 1 / stats.norm.pdf(special.ndtri(p))


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
}


@dataclass(frozen=True)
class Curve:
    """A measure over participants: straight between knots on its scale, level outside them.

    Parameters
    ----------
    scale : Scale
    x, y, variance : ndarray, shape (n_knots,)
        On the scale, larger y is better; variances are of independent Monte Carlo errors.
    """

    scale: Scale
    x: np.ndarray
    y: np.ndarray
    variance: np.ndarray

    def at(self, n: np.ndarray) -> np.ndarray:
        """Return y at numbers of participants."""
        return np.interp(self.scale.count_scale(n), self.x, self.y)

    def value(self, n: np.ndarray) -> np.ndarray:
        """Return the measure itself at numbers of participants."""
        return self.scale.inverse(self.scale.better * self.at(n))


@dataclass(frozen=True)
class Bars:
    """The 95 % intervals at the counts studied, as they are plotted, and between the counts.

    Parameters
    ----------
    scale : Scale
    counts : ndarray, shape (n_counts,)
    y, below, above : ndarray, shape (n_counts,)
        On the scale, larger y is better; how far the interval reaches on either side.
    """

    scale: Scale
    counts: np.ndarray
    y: np.ndarray
    below: np.ndarray
    above: np.ndarray

    def first(self, target: float, side: int) -> float:
        """Return the first number from which on an end of the intervals is at the target.

        At the counts it is the plotted bar that decides. Between the last that is not and the
        next, the number is read where the end of the interval crosses the target: both counts'
        independent errors, weighted as the curve weighs them. NaN where the last count is not.

        Parameters
        ----------
        side : int
            1 for the better end, -1 for the worse.

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
        kept = y + side * spread >= target
        kept[0], kept[-1] = False, True  # as the plotted bars say
        return _first_lasting(kept, grid)


def participants_needed(
    performance: pd.DataFrame, planning: Mapping[str, PlanningTarget], level: float
) -> pd.DataFrame:
    """Return how many participants each wanted value takes, for every model and prior.

    It is the smallest number from which on the measure is as wanted, up to the largest count
    studied. The 95 % interval is of Monte Carlo error, not of the interpolation (`Bars.first`).

    Parameters
    ----------
    performance : DataFrame
        `measures.performance` of all scenarios, with their truth, participants, observations.
    planning : mapping
        Parameter -> what is wanted of it.
    level : float
        Of the intervals that widths, power and coverage are of.

    Returns
    -------
    DataFrame
        truth, observations, model, prior, parameter, measure, wanted, n_needed (null: not
        reached), lower (null: no lower bound), upper (null: no upper bound), status,
        smallest and largest, the ends of the counts that have values; n_fewest and n_most
        replicates that one of these values rests on.

    References
    ----------
    Fieller (1954), doi:10.1111/j.2517-6161.1954.tb00159.x.
    """
    table = performance[performance["subset"] == "all"]
    rows = []
    for parameter, wanted in planning.items():
        mine = table[table["parameter"] == parameter]
        for measure, value in wanted.model_dump(exclude_none=True).items():
            its = rows_of_measure(mine, SCALES[measure].measure, level)
            for cell, values in its.groupby(_CELL, sort=False, dropna=False):
                row = dict(zip(_CELL, cell, strict=True))
                row |= {"parameter": parameter, "measure": measure, "wanted": value}
                rows.append(row | _row(values, measure, value))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _row(values: pd.DataFrame, measure: str, wanted: float) -> dict:
    """What one row says, of one cell's values at all counts."""
    values = usable(values, measure)
    if len(values) < 2:
        none = dict.fromkeys(_RESULTS, np.nan)
        return none | {"status": UNKNOWN}
    scale = SCALES[measure]
    smallest, largest = values["participants"].iloc[[0, -1]]
    grid = np.arange(smallest, largest + 1)
    target = scale.better * scale.value_scale(wanted) - 1e-9  # what rounding may take away
    intervals = bars(values, measure, wanted)
    lower, upper = intervals.first(target, 1), intervals.first(target, -1)
    n = _first_lasting(curve(values, measure, wanted).at(grid) >= target, grid)
    n = np.maximum(np.fmin(n, upper), lower)  # where a curve was made to rise, off the bars
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
    """What is said of a number; at either end only what the interval says too."""
    if np.isnan(n):
        return BEYOND if np.isnan(lower) else UNCLEAR
    if n == smallest:
        return AT_SMALLEST if upper == smallest else UNCLEAR
    return REACHED


def usable(values: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return the counts, in order, at which a measure has a value with a place on its scale."""
    known = np.isfinite(values["value"]) & np.isfinite(values["mcse"])
    if not SCALES[measure].share:
        known &= values["value"] > 0
    return values[known].sort_values("participants")


def curve(values: pd.DataFrame, measure: str, wanted: float) -> Curve:
    """Return the curve through one measure of a cell, a row a count, as `usable` gives them.

    Widths and RMSE fall about as n^(-1/2), so their logarithms are straight in log n. The
    power of a z-test is Phi(d sqrt(n) - z), so its probit is straight in sqrt(n). Coverage
    has no such law; its logit is taken as straight in log n.

    What goes against the direction in which more participants lead is pooled (isotonic
    regression with weights 1 / variance, a pooled block being one knot at its mean count),
    unless Monte Carlo error does not explain it, as where a prior near the truth makes the
    errors of few participants small. Coverage has no direction.

    References
    ----------
    Oron & Flournoy (2017), doi:10.1080/19466315.2017.1286256 (centred isotonic regression).
    """
    scale = SCALES[measure]
    x = scale.count_scale(values["participants"].to_numpy(dtype=float))
    y, error = _on_scale(values, scale, wanted)
    fitted = Curve(scale, x, scale.better * y, error**2)
    return _made_monotone(fitted) if scale.monotone else fitted


def bars(values: pd.DataFrame, measure: str, wanted: float) -> Bars:
    """Return the plotted intervals of one measure of a cell, a row a count, on its scale.

    Wilson's of shares, of lengths those of `with_bounds`.
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
    y = scale.better * _on_scale(values, scale, wanted)[0]
    counts = values["participants"].to_numpy(dtype=float)
    return Bars(scale, counts, y, y - worse, better - y)


def _on_scale(values: pd.DataFrame, scale: Scale, wanted: float) -> tuple[np.ndarray, np.ndarray]:
    """Values on their scale, and their standard errors there."""
    value, mcse = values["value"].to_numpy(dtype=float), values["mcse"].to_numpy(dtype=float)
    if scale.share:
        return _proportions(value, values["n_replicates"].to_numpy(dtype=float), wanted, scale)
    return scale.value_scale(value), mcse * scale.slope(value)


def _proportions(
    p: np.ndarray, n: np.ndarray, wanted: float, scale: Scale
) -> tuple[np.ndarray, np.ndarray]:
    """Shares of n on their scale, and their standard errors, where none or all are hits too.

    None counts as half a hit and all as half a miss; but none is less than any wanted share, and
    all as much as any, since more cannot be observed. Standard errors are at the share with two
    hits and two misses added.

    References
    ----------
    Agresti & Coull (1998), doi:10.1080/00031305.1998.10480550.
    """
    half, target = 0.5 / (n + 1), scale.value_scale(wanted)
    least = np.minimum(scale.value_scale(half), target - 1e-6)
    most = np.maximum(scale.value_scale(1 - half), target)
    adjusted = (p * n + 2) / (n + 4)
    error = np.sqrt(adjusted * (1 - adjusted) / (n + 4)) * scale.slope(adjusted)
    return np.clip(scale.value_scale(p), least, most), error


def _made_monotone(rough: Curve) -> Curve:
    """The curve made to rise, unless it falls by more than Monte Carlo error explains."""
    weights = 1 / np.maximum(rough.variance, 1e-12)
    found = optimize.isotonic_regression(rough.y, weights=weights)
    against = (weights * (rough.y - found.x) ** 2).sum()
    # Largest under the least favourable curve, a level one: chi-bar-square, below chi-square.
    if against > stats.chi2.isf(_CHANCE, rough.y.size - 1):
        return rough
    starts = found.blocks[:-1]
    total = np.add.reduceat(weights, starts)
    return Curve(
        rough.scale,
        np.add.reduceat(weights * rough.x, starts) / total,
        found.x[starts],
        np.add.reduceat(weights**2 * rough.variance, starts) / total**2,
    )


def _first_lasting(kept: np.ndarray, grid: np.ndarray) -> float:
    """The first number of the grid from which on all are kept; NaN where the last is not."""
    missed = np.flatnonzero(~kept)
    first = missed[-1] + 1 if missed.size else 0
    return grid[first] if first < grid.size else np.nan
