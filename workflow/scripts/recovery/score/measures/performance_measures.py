"""Performance measures of one parameter in one cell, with Monte Carlo standard errors.

Error is estimate minus the truth of the replicate, and the estimate is the posterior mean.
Formulas are from Morris, White & Crowther (2019), doi:10.1002/sim.8086, table 6, unless another
source is named.

A measure has a value, an MCSE and influence values: the effect of each replicate on the value.
The mean of influence values is 0, and their SD over sqrt(n) is an MCSE. The MCSE of a difference
of two measures on the same datasets follows from the differences of their influence values.
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
ROUNDING = 1e-12  # largest relative difference due to rounding
FEWEST_FOR_SPREAD = 3  # replicates, for the MCSE of a measure that is not a mean
ENOUGH_IF_SKEWED = 200
"""Replicates from which on 95 % intervals of RMSEs and SDs of skewed errors cover 90 % or more.

In simulations with exponential errors, the coverage of the intervals of empirical SE and of RMSE
was 85 and 78 % with 20 replicates, 88 and 85 % with 50, and 92 and 91 % with 200; with normal
errors it was 94 % with 20 replicates.
"""


class Measure(NamedTuple):
    """A value, its Monte Carlo standard error and its 95 % interval of Monte Carlo error.

    Intervals are Student's t intervals (for ratios and roots on the log scale) or, for
    proportions, Wilson intervals. Influence values have shape (n,), in the order of replicates.
    """

    value: float
    mcse: float
    influence: np.ndarray
    lower: float = np.nan
    upper: float = np.nan
    n: int = 0  # replicates that give the value


ABSENT = Measure(np.nan, np.nan, np.empty(0))


@functools.lru_cache(maxsize=10_000)
def half_width(n: int) -> float:
    """Return half the width of the 95 % t interval of a mean of n, in standard errors."""
    return float(special.stdtrit(n - 1, 0.975)) if n > 1 else np.nan


def mean(values: np.ndarray) -> Measure:
    """Mean of one value per replicate; mcse = SD / sqrt(n)."""
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

    The last digits differ from those of statsmodels' `proportion_confint`, whose formula is
    arranged differently and whose lower bound for p = 0 is 1e-17 instead of 0.

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
    """Return the root of a mean square, with a jackknife MCSE.

    mcse is the value times the jackknife standard error of its logarithm: with few replicates,
    this is closer to the spread of repeated studies than the jackknife of the root itself, which
    is used only if the mean square without some replicate is 0. mcse is absent for fewer than
    `FEWEST_FOR_SPREAD` replicates, and 0 if all errors are 0.

    Parameters
    ----------
    left_out : ndarray, shape (n,)
        Mean square of all replicates but one, for each replicate left out.

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
    """A positive measure with relative influence values and an interval on the log scale."""
    n = relative.size
    mcse = value * relative.std(ddof=1) / np.sqrt(n)
    factor = np.exp(half_width(n) * mcse / value)
    return Measure(value, mcse, value * relative, value / factor, value * factor, n)


def _shifted(measure: Measure, by: float) -> Measure:
    """A measure plus a constant."""
    moved = {name: getattr(measure, name) + by for name in ("value", "lower", "upper")}
    return measure._replace(**moved)


def _with_all_influence(measure: Measure, chosen: np.ndarray, values: np.ndarray) -> Measure:
    """The mean of the values of chosen replicates, with influence values of all replicates."""
    weight = (chosen.size - 1) / max(1, measure.n - 1)
    return measure._replace(influence=chosen * (values - measure.value) * weight)


def bias(x: Replicates) -> Measure:
    """Mean error; mcse = SD(error) / sqrt(n)."""
    return mean(x.error)


def relative_bias(x: Replicates) -> Measure:
    """Bias divided by truth; absent if truth is 0 or varies between replicates."""
    return ABSENT if x.truth_varies or x.truth[0] == 0 else mean(x.error / x.truth[0])


def empirical_se(x: Replicates) -> Measure:
    """SD of error over replicates; mcse by the jackknife.

    The MCSE of Morris et al., value / sqrt(2 (n - 1)), is equal for many normal errors, but about
    half the correct MCSE for exponential errors.
    """
    n, centred = len(x), x.error - x.error.mean()
    if np.abs(centred).max() <= ROUNDING * max(np.abs(x.mean).max(), np.abs(x.truth).max()):
        centred = np.zeros(n)
    squares = centred * centred
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
    """Model SE divided by empirical SE, minus 1; absent if either is 0.

    mcse by the jackknife, which does not assume that errors are normal or independent of
    posterior SDs.
    """
    empirical, model = empirical_se(x), model_se(x)
    if empirical.value == 0 or model.value == 0:
        return ABSENT
    return _shifted(ratio(model, empirical), -1)


def ratio(first: Measure, second: Measure, power: int = 1) -> Measure:
    """Ratio of two roots on the same datasets, to a power; mcse by the jackknife."""
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
    """Mean of error divided by posterior SD; absent if an SD is 0.

    References
    ----------
    Schad, Betancourt & Vasishth (2021), doi:10.1037/met0000275, posterior z-score.
    """
    return mean(x.error / x.sd) if (x.sd > 0).all() else ABSENT


def contraction(x: Replicates) -> Measure:
    """Mean of 1 - posterior variance / prior variance; absent if the prior variance is unknown.

    References
    ----------
    Schad, Betancourt & Vasishth (2021), doi:10.1037/met0000275, posterior contraction.
    """
    return mean(1 - (x.sd / x.prior_sd) ** 2) if np.isfinite(x.prior_sd) else ABSENT


def mcmc_error(x: Replicates) -> Measure:
    """Mean ratio of the MCMC standard error of the posterior mean to the posterior SD.

    It uses the replicates with a known MCMC standard error. If it is above `LARGE_MCMC_ERROR`,
    chains are too short for MCMC error to be ignored.
    """
    known = np.isfinite(x.mcse_mean) & (x.sd > 0)
    if known.sum() < 2:
        return ABSENT
    relative = np.divide(x.mcse_mean, x.sd, where=known, out=np.zeros(len(x)))
    return _with_all_influence(mean(relative[known]), known, relative)


LARGE_MCMC_ERROR = 0.1  # MCMC error then adds 1 % to the variance of errors


def coverage(x: Replicates, level: float) -> Measure:
    """Share of intervals that contain the truth; an end of an interval is part of it."""
    return proportion(holds_truth(x, level))


def holds_truth(x: Replicates, level: float) -> np.ndarray:
    """Whether each interval contains the truth; its ends, up to rounding, are part of it."""
    low, high = x.bounds[level]
    slack = ROUNDING * np.abs(x.truth)
    return (low - slack <= x.truth) & (x.truth <= high + slack)


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
    """Mean of width plus 2 / (1 - level) times the distance from interval to truth.

    References
    ----------
    Gneiting & Raftery (2007), doi:10.1198/016214506000001437, eq. 43.
    """
    low, high = x.bounds[level]
    distance = np.maximum(low - x.truth, 0) + np.maximum(x.truth - high, 0)
    return mean(high - low + 2 / (1 - level) * distance)


def rejection_rate(x: Replicates, level: float) -> Measure:
    """Share of intervals that exclude 0; absent for a parameter on one side of 0."""
    return ABSENT if x.one_sided else proportion(_rejected(x, level))


def type_s_error(x: Replicates, level: float) -> Measure:
    """Share of intervals on the wrong side of 0 among those that exclude 0.

    Absent if a truth is 0, and for fewer than two such intervals.

    References
    ----------
    Gelman & Carlin (2014), doi:10.1177/1745691614551642.
    """
    rejected = _rejected(x, level)
    if x.one_sided or rejected.sum() < 2 or (x.truth == 0).any():
        return ABSENT
    low, _ = x.bounds[level]
    wrong = (low > 0) != (x.truth > 0)
    return _with_all_influence(proportion(wrong[rejected]), rejected, wrong)


def type_m_error(x: Replicates, level: float) -> Measure:
    """Mean of |estimate| / |truth| among the fits whose interval excludes 0.

    Absent if truth is 0 or varies between replicates, and for fewer than two such fits.

    References
    ----------
    Gelman & Carlin (2014), doi:10.1177/1745691614551642 (exaggeration ratio).
    """
    rejected = _rejected(x, level)
    if x.one_sided or rejected.sum() < 2 or x.truth_varies or x.truth[0] == 0:
        return ABSENT
    exaggeration = np.abs(x.mean / x.truth)
    return _with_all_influence(mean(exaggeration[rejected]), rejected, exaggeration)


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
"""Measures of estimates that need standard errors, as all measures of intervals do."""

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
