"""Tests of uniform ranks: simultaneous ECDF bands and their p-values.

References
----------
Sailynoja, Burkner & Vehtari (2022), doi:10.1007/s11222-022-10090-6.
"""

from __future__ import annotations

import functools

import numpy as np

POINTS = 100  # the ECDF is compared with its expectation at multiples of 1 / POINTS
SIMULATIONS = 100_000
SMALLEST_P = 1 / (SIMULATIONS + 1)
SEED = 1  # of the simulated samples, so that p-values are reproducible
_PART = 10_000  # simulated samples in memory at once


def band_statistic(values: np.ndarray) -> float:
    """Return the smallest pointwise two-sided tail probability of an ECDF (eq. 7 to 10).

    Parameters
    ----------
    values : ndarray, shape (n,)
        Uniform on (0, 1) under the null hypothesis.
    """
    counts = np.searchsorted(np.sort(values), _points(), side="right")
    return float(_tails(counts[None], values.size)[0])


def p_value(values: np.ndarray) -> float:
    """Return the proportion of uniform samples with a band statistic as small as that of values."""
    simulated = _simulated(values.size)
    at_most = np.searchsorted(simulated, band_statistic(values) * (1 + 1e-12), side="right")
    return (at_most + 1) / (simulated.size + 1)


def band(n: int, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a simultaneous band of the ECDF of n uniform values.

    Returns
    -------
    points, lower, upper : ndarray, shape (POINTS - 1,)
        The ECDF of uniform values is in the band at all points with probability `level`.
    """
    from scipy import stats  # half a second, and only studies of drawn truths need it

    gamma = np.quantile(_simulated(n), 1 - level)
    points = _points()
    lower = stats.binom.ppf(gamma / 2, n, points) / n
    upper = stats.binom.isf(gamma / 2, n, points) / n
    return points, lower, upper


def _points() -> np.ndarray:
    return np.arange(1, POINTS) / POINTS


def _tails(counts: np.ndarray, n: int) -> np.ndarray:
    """The band statistic of every row of `counts`, which has shape (n_samples, POINTS - 1)."""
    at_most, at_least = _binomial(n)
    column = np.arange(POINTS - 1)
    smaller = np.minimum(at_most[column, counts], at_least[column, counts])
    return np.minimum(1.0, 2 * smaller.min(axis=1))


@functools.lru_cache
def _binomial(n: int) -> tuple[np.ndarray, np.ndarray]:
    """P(count <= r) and P(count >= r) at every point, for r from 0 to n."""
    from scipy import stats

    counts, points = np.arange(n + 1), _points()[:, None]
    return stats.binom.cdf(counts, n, points), stats.binom.sf(counts - 1, n, points)


@functools.lru_cache
def _simulated(n: int) -> np.ndarray:
    """Band statistics of `SIMULATIONS` samples of n uniform values, sorted."""
    rng = np.random.default_rng(SEED)
    shares = np.full(POINTS, 1 / POINTS)
    parts = []
    for _ in range(SIMULATIONS // _PART):
        counts = rng.multinomial(n, shares, size=_PART)[:, :-1].cumsum(axis=1)
        parts.append(_tails(counts, n))
    return np.sort(np.concatenate(parts))


def holm(p_values: np.ndarray) -> np.ndarray:
    """Return p-values adjusted for multiple testing, by Holm's (1979) step-down method."""
    from statsmodels.stats.multitest import multipletests  # slow, and figures do not need it

    return multipletests(p_values, method="holm")[1]
