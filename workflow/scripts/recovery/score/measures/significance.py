"""P-values of paired differences that keep small error rates, for few pairs too."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from recovery.score.measures.paired_differences import SHARES, discordant
from recovery.score.measures.performance_measures import ROUNDING, Measure

MEANS = (
    *("bias", "relative_bias", "z_score", "contraction", "mcmc_error"),
    *("interval_width", "interval_score"),
)
_STEPS = 100
_CLOSE = 1e-9


def p_value(name: str, first: Measure, second: Measure) -> float:
    """Return the two-sided p-value of no difference between two cells; NaN without a test.

    Proportions have McNemar's exact test; means the larger p-value of Student's t and of t with a
    correction for skewness; MSE and RMSE a test of random signs of the differences of squared
    errors. Other measures have no test that keeps its error rate with few replicates.

    References
    ----------
    McNemar (1947), doi:10.1007/BF02295996.
    """
    known = name in (*SHARES, *MEANS, "mse")
    if not known or math.isnan(first.value) or math.isnan(second.value):
        return math.nan
    if name in SHARES:
        return mcnemar(*discordant(first, second))
    centred, value = first.influence - second.influence, first.value - second.value
    n = centred.size
    spread = math.sqrt(float((centred * centred).sum()) / n)
    scale = max(abs(each.value) + each.mcse * math.sqrt(n) for each in (first, second))
    if not math.isfinite(scale):
        return math.nan
    if spread <= ROUNDING * scale:  # every pair has the same difference
        return 1.0 if abs(value) <= ROUNDING * scale else 2.0 ** (1 - n)
    return random_signs(centred + value) if name == "mse" else student(value, centred, spread)


def mcnemar(first_alone: int, second_alone: int) -> float:
    """Return the exact p-value of a difference of two proportions of the same datasets."""
    fewer, both = min(first_alone, second_alone), first_alone + second_alone
    return min(1.0, 2 * float(special.bdtr(fewer, both, 0.5)))


def student(mean: float, centred: np.ndarray, spread: float) -> float:
    """Return the larger p-value of a mean of 0 by Student's t and by t corrected for skewness.

    Student's t is exact for normal values; for skewed values its p-value is too small on one
    side.

    Parameters
    ----------
    centred : ndarray, shape (n,)
        The values minus their mean.
    spread : float
        The root of their mean square.

    References
    ----------
    Hall (1992), doi:10.1111/j.2517-6161.1992.tb01872.x, section 4 (cubic transformation).
    """
    n = centred.size
    t = mean / (spread * math.sqrt(n / (n - 1)))
    skewness = float((centred * centred * centred).sum()) / n / spread**3
    corrected = t + skewness * t**2 / 3 + skewness**2 * t**3 / 27 + skewness / (6 * n)
    least = min(abs(t), abs(corrected)) * math.sqrt(n)
    return 2 * float(special.stdtr(n - 1, -least))


def random_signs(values: np.ndarray) -> float:
    """Return the p-value of the sum of the values, if either sign of each is equally likely.

    The assumption holds for differences of squared errors of two cells with exchangeable errors,
    and with normal errors of equal variance. The saddlepoint approximation of Lugannani & Rice
    replaces the enumeration of 2^n signs.

    References
    ----------
    Robinson (1982), doi:10.1111/j.2517-6161.1982.tb01191.x; Lugannani & Rice (1980),
    doi:10.2307/1426607.
    """
    size = np.abs(values)
    total, largest = abs(float(values.sum())), size.max()
    size, total = size / largest, total / largest
    smallest = 2.0 ** (1 - np.count_nonzero(size))
    if total >= size.sum() * (1 - _CLOSE):  # all values have one sign
        return smallest
    s = _saddlepoint(size, total)
    at = s * size
    generating = float((at + np.log1p(np.exp(-2 * at))).sum()) - size.size * math.log(2)
    w = math.sqrt(max(0.0, 2 * (s * total - generating)))
    u = s * math.sqrt(_curvature(size, np.tanh(at)))
    if w < 1e-3:
        return 1.0
    density = math.exp(-(w**2) / 2) / math.sqrt(2 * math.pi)
    tail = float(special.ndtr(-w)) + density * (1 / u - 1 / w)
    return min(1.0, max(2 * tail, smallest))


def _saddlepoint(size: np.ndarray, total: float) -> float:
    """The point at which the cumulant function of a sum with random signs has slope `total`.

    Newton's method starts below it and stays below it, because the slope is concave.
    """
    s = total / float((size * size).sum())
    for _ in range(_STEPS):
        slope = np.tanh(s * size)
        missing = total - float((slope * size).sum())
        if missing <= _CLOSE * total:
            break
        s += missing / _curvature(size, slope)
    return s


def _curvature(size: np.ndarray, slope: np.ndarray) -> float:
    moved = size * slope
    return float((size * size - moved * moved).sum())
