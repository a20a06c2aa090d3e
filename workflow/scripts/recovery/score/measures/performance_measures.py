"""Performance measures of one parameter in one cell, with Monte Carlo standard errors.

Error is estimate minus the replicate's own truth, and the estimate is the posterior mean.
Formulas: Morris, White & Crowther (2019), doi:10.1002/sim.8086, table 6, where no other
source is named.

Besides its value and MCSE a measure has its influence values: how much each replicate moves
it. Their mean is 0 and their SD over sqrt(n) an MCSE; differences of two measures on the same
datasets get theirs from the differences of influence values.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from scipy import special

from recovery.score.measures.replicates import Replicates

Z95 = NormalDist().inv_cdf(0.975)  # half a 95 % interval, in standard errors
ROUNDING = 1e-12  # relative to the numbers that differ by it
FEWEST_FOR_SPREAD = 3  # replicates, for the MCSE of what is not a mean
ENOUGH_IF_SKEWED = 200
"""Replicates from which on intervals of RMSE and SDs of exponential errors hold 90 % or more.

In simulations those of the empirical SE and of RMSE held it 85 and 78 % of the time with 20
replicates, 88 and 85 % with 50, 92 and 91 % with 200; with normal errors 94 % with 20.
"""


class Measure(NamedTuple):
    """A value, its Monte Carlo standard error and its 95 % interval of Monte Carlo error.

    Intervals are by Student's t, for ratios and roots on the scale of logarithms, and Wilson's
    for proportions. Influence values have shape (n,), in the order of replicates.
    """

    value: float
    mcse: float
    influence: np.ndarray
    lower: float = np.nan
    upper: float = np.nan
    n: int = 0  # replicates that the value rests on


ABSENT = Measure(np.nan, np.nan, np.empty(0))


@functools.lru_cache(maxsize=10_000)
def half_width(n: int) -> float:
    """Return half a 95 % interval of a mean of n, in standard errors, by Student's t."""
    return float(special.stdtrit(n - 1, 0.975)) if n > 1 else np.nan


def mean(values: np.ndarray) -> Measure:
    """Mean of a value a replicate; mcse = SD / sqrt(n)."""
    value, n = values.mean(), values.size
    mcse = values.std(ddof=1) / np.sqrt(n)
    half = half_width(n) * mcse
    return Measure(value, mcse, values - value, value - half, value + half, n)


def proportion(hits: np.ndarray) -> Measure:
    """Share of hits; mcse = sqrt(p (1 - p) / n), with the 95 % Wilson interval."""
    n, p = hits.size, hits.mean()
    return Measure(p, np.sqrt(p * (1 - p) / n), hits - p, *proportion_interval(p, n, 0.95), n)


def proportion_interval(p: float, n: float, level: float) -> tuple[float, float]:
    """Return the Wilson interval of a proportion p of n; neither p n nor n need be an integer.

    statsmodels' `proportion_confint` gives other last digits, as its formula is arranged
    differently, and a lower bound of 1e-17 instead of 0 for p = 0.

    References
    ----------
    Wilson (1927), doi:10.1080/01621459.1927.10502953.
    """
    z = NormalDist().inv_cdf((1 + level) / 2)
    centre = p + z**2 / (2 * n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    lower = 0.0 if p == 0 else (centre - half) / scale
    upper = 1.0 if p == 1 else (centre + half) / scale
    return lower, upper


def root(mean_square: float, left_out: np.ndarray) -> Measure:
    """Return the root of a mean square, with the jackknife's MCSE.

    The jackknife is of the logarithm, and mcse its standard error times the value: of few
    replicates that is closer to the spread of repeated studies than the root's own, which is
    taken where nothing is left without some replicate. mcse is absent for fewer than
    `FEWEST_FOR_SPREAD` replicates, and 0 where all are 0.

    Parameters
    ----------
    left_out : ndarray, shape (n,)
        The mean square without each replicate.

    References
    ----------
    Efron & Stein (1981), doi:10.1214/aos/1176345462.
    """
    n, value = left_out.size, np.sqrt(mean_square)
    if value == 0 and n >= FEWEST_FOR_SPREAD:
        return Measure(0.0, 0.0, np.zeros(n), 0.0, 0.0, n)
    if n < FEWEST_FOR_SPREAD:
        return Measure(value, np.nan, np.full(n, np.nan), n=n)
    positive = (left_out > 0).all()
    moved = np.log(left_out) / 2 if positive else np.sqrt(np.maximum(left_out, 0)) / value
    return _on_log_scale(value, (n - 1) * (moved.mean() - moved))


def _on_log_scale(value: float, relative: np.ndarray) -> Measure:
    """A positive measure with relative influence values; its interval is of the logarithm."""
    n = relative.size
    mcse = value * relative.std(ddof=1) / np.sqrt(n)
    factor = np.exp(half_width(n) * mcse / value)
    return Measure(value, mcse, value * relative, value / factor, value * factor, n)


def _shifted(measure: Measure, by: float) -> Measure:
    """A measure to which a constant is added."""
    moved = {name: getattr(measure, name) + by for name in ("value", "lower", "upper")}
    return measure._replace(**moved)


def _of_subset(found: Measure, chosen: np.ndarray, values: np.ndarray) -> Measure:
    """A mean of chosen replicates' values, with the influence values of all replicates."""
    weight = (chosen.size - 1) / max(1, found.n - 1)
    return found._replace(influence=chosen * (values - found.value) * weight)


def bias(x: Replicates) -> Measure:
    """Mean error; mcse = SD(error) / sqrt(n)."""
    return mean(x.error)


def relative_bias(x: Replicates) -> Measure:
    """Bias over truth; absent where truth is 0 or varies between replicates."""
    return ABSENT if x.truth_varies or x.truth[0] == 0 else mean(x.error / x.truth[0])


def empirical_se(x: Replicates) -> Measure:
    """SD of error over replicates; mcse by the jackknife.

    Morris et al. have value / sqrt(2 (n - 1)), which is the same for many normal errors, and
    half of what it must be for skewed ones.
    """
    n, away = len(x), x.error - x.error.mean()
    if np.abs(away).max() <= ROUNDING * max(np.abs(x.mean).max(), np.abs(x.truth).max()):
        away = np.zeros(n)
    squares = away * away
    total = squares.sum()
    return root(total / (n - 1), (total - squares * (n / (n - 1))) / max(n - 2, 1))


def model_se(x: Replicates) -> Measure:
    """Root mean squared posterior SD; mcse = sqrt(Var(sd^2) / (4 n value^2))."""
    squares = x.sd * x.sd
    value = squares.mean()
    if value == 0:
        return Measure(0.0, 0.0, np.zeros(len(x)), 0.0, 0.0, len(x))
    return _on_log_scale(np.sqrt(value), (squares / value - 1) / 2)


def relative_error_of_model_se(x: Replicates) -> Measure:
    """Model SE over empirical SE, less 1; absent where either is 0.

    mcse by the jackknife: as for the empirical SE, errors need not be normal, nor be
    independent of posterior SDs.
    """
    empirical, model = empirical_se(x), model_se(x)
    if empirical.value == 0 or model.value == 0:
        return ABSENT
    return _shifted(ratio(model, empirical), -1)


def ratio(first: Measure, second: Measure, power: int = 1) -> Measure:
    """First over second, to a power: roots on the same datasets, by the jackknife."""
    value = (first.value / second.value) ** power
    if first.n < FEWEST_FOR_SPREAD:
        return Measure(value, np.nan, np.full(first.n, np.nan), n=first.n)
    relative = first.influence / first.value - second.influence / second.value
    return _on_log_scale(value, power * relative)


def mse(x: Replicates) -> Measure:
    """Mean squared error; mcse = sqrt(sum((error^2 - value)^2) / (n (n - 1)))."""
    root = rmse(x)
    return mean(x.error * x.error)._replace(lower=root.lower**2, upper=root.upper**2)


def rmse(x: Replicates) -> Measure:
    """Root of the mean squared error; mcse by the jackknife."""
    n, squares = len(x), x.error * x.error
    total = squares.sum()
    return root(total / n, (total - squares) / (n - 1))


def z_score(x: Replicates) -> Measure:
    """Mean error in posterior SDs; absent where an SD is 0.

    References
    ----------
    Schad, Betancourt & Vasishth (2021), doi:10.1037/met0000275, posterior z-score.
    """
    return mean(x.error / x.sd) if (x.sd > 0).all() else ABSENT


def contraction(x: Replicates) -> Measure:
    """Mean of 1 - posterior variance / prior variance; absent where the prior's is not known.

    References
    ----------
    Schad, Betancourt & Vasishth (2021), doi:10.1037/met0000275, posterior contraction.
    """
    return mean(1 - (x.sd / x.prior_sd) ** 2) if np.isfinite(x.prior_sd) else ABSENT


def mcmc_error(x: Replicates) -> Measure:
    """Mean of the posterior mean's MCMC standard error over the posterior SD, where it is known.

    Above `LARGE_MCMC_ERROR` chains are too short for the estimate's own error to be ignored.
    """
    known = np.isfinite(x.mcse_mean) & (x.sd > 0)
    if known.sum() < 2:
        return ABSENT
    relative = np.divide(x.mcse_mean, x.sd, where=known, out=np.zeros(len(x)))
    return _of_subset(mean(relative[known]), known, relative)


LARGE_MCMC_ERROR = 0.1  # adds a hundredth to the variance of errors


def coverage(x: Replicates, level: float) -> Measure:
    """Share of intervals that contain the truth, their ends included."""
    low, high = x.bounds[level]
    return proportion((low <= x.truth) & (x.truth <= high))


def bias_eliminated_coverage(x: Replicates, level: float) -> Measure:
    """Share of intervals that contain the truth plus the bias."""
    low, high = x.bounds[level]
    centre = x.error.mean()
    return proportion((low - x.truth <= centre) & (centre <= high - x.truth))


def interval_width(x: Replicates, level: float) -> Measure:
    """Mean width of the intervals."""
    low, high = x.bounds[level]
    return mean(high - low)


def interval_score(x: Replicates, level: float) -> Measure:
    """Mean width, with 2 / (1 - level) times the distance of each truth that is missed.

    References
    ----------
    Gneiting & Raftery (2007), doi:10.1198/016214506000001437, eq. 43.
    """
    low, high = x.bounds[level]
    missed = np.maximum(low - x.truth, 0) + np.maximum(x.truth - high, 0)
    return mean(high - low + 2 / (1 - level) * missed)


def rejection_rate(x: Replicates, level: float) -> Measure:
    """Share of intervals that exclude 0; absent for a parameter that cannot be negative."""
    return ABSENT if x.positive else proportion(_rejected(x, level))


def type_s_error(x: Replicates, level: float) -> Measure:
    """Share on the wrong side of 0 among the intervals that exclude it.

    Absent where a truth is 0, and for fewer than two intervals.

    References
    ----------
    Gelman & Carlin (2014), doi:10.1177/1745691614551642.
    """
    rejected = _rejected(x, level)
    if x.positive or rejected.sum() < 2 or (x.truth == 0).any():
        return ABSENT
    low, _ = x.bounds[level]
    wrong = (low > 0) != (x.truth > 0)
    return _of_subset(proportion(wrong[rejected]), rejected, wrong)


def type_m_error(x: Replicates, level: float) -> Measure:
    """Mean of |estimate| over |truth| among the intervals that exclude 0.

    Absent where truth is 0 or varies between replicates, and for fewer than two intervals.

    References
    ----------
    Gelman & Carlin (2014), doi:10.1177/1745691614551642 (exaggeration ratio).
    """
    rejected = _rejected(x, level)
    if x.positive or rejected.sum() < 2 or x.truth_varies or x.truth[0] == 0:
        return ABSENT
    magnified = np.abs(x.mean / x.truth)
    return _of_subset(mean(magnified[rejected]), rejected, magnified)


def _rejected(x: Replicates, level: float) -> np.ndarray:
    low, high = x.bounds[level]
    return (low > 0) | (high < 0)


STANDARD_ERROR_MEASURES = (
    "model_se",
    "relative_error_of_model_se",
    "z_score",
    "contraction",
    "mcmc_error",
)
"""Those of estimates that need standard errors, as all of intervals do."""

ESTIMATE_MEASURES: dict[str, Callable[[Replicates], Measure]] = {
    measure.__name__: measure
    for measure in (
        bias,
        relative_bias,
        empirical_se,
        model_se,
        relative_error_of_model_se,
        mse,
        rmse,
        z_score,
        contraction,
        mcmc_error,
    )
}
INTERVAL_MEASURES: dict[str, Callable[[Replicates, float], Measure]] = {
    measure.__name__: measure
    for measure in (
        coverage,
        bias_eliminated_coverage,
        interval_width,
        interval_score,
        rejection_rate,
        type_s_error,
        type_m_error,
    )
}
