"""Performance measures of one parameter in one cell, with Monte Carlo standard errors.

Error is estimate minus the replicate's own truth, and the estimate is the posterior mean.
Formulas: Morris, White & Crowther (2019), doi:10.1002/sim.8086, table 6, where no other
source is named.

Besides its value and MCSE a measure has its influence values: how much each replicate moves
it, to first order. Their mean is 0 and their SD over sqrt(n) an MCSE; differences of two
measures on the same datasets get theirs from the differences of influence values.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from recovery.measures.replicates import Replicates

Z95 = NormalDist().inv_cdf(0.975)  # half a 95 % interval, in standard errors


class Measure(NamedTuple):
    """A value, its Monte Carlo standard error and, for proportions, a 95 % Wilson interval.

    Influence values have shape (n,), in the order of replicates.
    """

    value: float
    mcse: float
    influence: np.ndarray
    lower: float = np.nan
    upper: float = np.nan


ABSENT = Measure(np.nan, np.nan, np.empty(0))


def mean(values: np.ndarray) -> Measure:
    """Mean of a value a replicate; mcse = SD / sqrt(n)."""
    value = values.mean()
    return Measure(value, values.std(ddof=1) / np.sqrt(values.size), values - value)


def proportion(hits: np.ndarray) -> Measure:
    """Share of hits; mcse = sqrt(p (1 - p) / n), with the 95 % Wilson interval."""
    n, p = hits.size, hits.mean()
    return Measure(p, np.sqrt(p * (1 - p) / n), hits - p, *proportion_interval(p, n, 0.95))


def proportion_interval(p: float, n: int, level: float) -> tuple[float, float]:
    """Return the Wilson interval of a proportion p of n.

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


def bias(x: Replicates) -> Measure:
    """Mean error; mcse = SD(error) / sqrt(n)."""
    return mean(x.error)


def relative_bias(x: Replicates) -> Measure:
    """Bias over truth; absent where truth is 0 or varies between replicates."""
    if x.truth_varies or x.truth[0] == 0:
        return ABSENT
    found = bias(x)
    return Measure(
        found.value / x.truth[0], found.mcse / abs(x.truth[0]), found.influence / x.truth[0]
    )


def empirical_se(x: Replicates) -> Measure:
    """SD of error over replicates; mcse = SD(influence) / sqrt(n).

    Morris et al. have value / sqrt(2 (n - 1)), which is the same for many normal errors, and
    half of what it must be for skewed ones.
    """
    value = x.error.std(ddof=1)
    squared = (x.error - x.error.mean()) ** 2
    influence = (squared - squared.mean()) / (2 * value) if value > 0 else np.zeros(len(x))
    return Measure(value, _spread(influence), influence)


def _spread(influence: np.ndarray) -> float:
    """The Monte Carlo standard error of what has these influence values."""
    return influence.std(ddof=1) / np.sqrt(influence.size)


def model_se(x: Replicates) -> Measure:
    """Root mean squared posterior SD; mcse = sqrt(Var(sd^2) / (4 n value^2))."""
    return _root(mean(x.sd**2))


def relative_error_of_model_se(x: Replicates) -> Measure:
    """Model SE over empirical SE, less 1; absent where the empirical SE is 0.

    mcse = SD(influence) / sqrt(n): as for the empirical SE, errors need not be normal, nor
    be independent of posterior SDs.
    """
    empirical, model = empirical_se(x), model_se(x)
    if empirical.value == 0 or model.value == 0:
        return ABSENT
    ratio = model.value / empirical.value
    relative = model.influence / model.value - empirical.influence / empirical.value
    return Measure(ratio - 1, _spread(ratio * relative), ratio * relative)


def mse(x: Replicates) -> Measure:
    """Mean squared error; mcse = sqrt(sum((error^2 - value)^2) / (n (n - 1)))."""
    return mean(x.error**2)


def rmse(x: Replicates) -> Measure:
    """Root of the mean squared error; mcse by the delta method, mcse(MSE) / (2 value)."""
    return _root(mse(x))


def _root(squared: Measure) -> Measure:
    """The root of a mean of squares, by the delta method."""
    value = np.sqrt(squared.value)
    if value == 0:
        return Measure(0.0, 0.0, np.zeros_like(squared.influence))
    return Measure(value, squared.mcse / (2 * value), squared.influence / (2 * value))


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
    ratio = np.divide(x.mcse_mean, x.sd, where=known, out=np.zeros(len(x)))
    found = mean(ratio[known])
    return found._replace(influence=known * (ratio - found.value) / known.mean())


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
    """Share of wrong signs among the intervals that exclude 0.

    Absent where a truth is 0, and for fewer than two intervals.

    References
    ----------
    Gelman & Carlin (2014), doi:10.1177/1745691614551642.
    """
    rejected = _rejected(x, level)
    if x.positive or rejected.sum() < 2 or (x.truth == 0).any():
        return ABSENT
    wrong = np.sign(x.mean) != np.sign(x.truth)
    found = proportion(wrong[rejected])
    return found._replace(influence=rejected * (wrong - found.value) / rejected.mean())


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
    ratio = np.abs(x.mean / x.truth)
    found = mean(ratio[rejected])
    return found._replace(influence=rejected * (ratio - found.value) / rejected.mean())


def _rejected(x: Replicates, level: float) -> np.ndarray:
    low, high = x.bounds[level]
    return (low > 0) | (high < 0)


FROM_ERRORS = ("model_se", "relative_error_of_model_se", "z_score", "contraction", "mcmc_error")
"""Those of estimates that need standard errors, as all of intervals do."""

OF_ESTIMATES: dict[str, Callable[[Replicates], Measure]] = {
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
OF_INTERVALS: dict[str, Callable[[Replicates, float], Measure]] = {
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
