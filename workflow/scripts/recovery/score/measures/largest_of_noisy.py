"""Pooling of noisy numbers before their largest is used.

The largest of many estimates of one number is far above it. Numbers that do not differ by more
than their noise are therefore pooled first.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

SEPARATE, POOLED = 0.005, 0.05
"""Adjusted p-values below which a number is separate, and above which it is pooled.

Between them it is pooled in part, so that its value does not jump at a threshold.
"""

Pool = Callable[[np.ndarray], tuple[float, float]]  # places -> mean and its standard error


def pooled(values: np.ndarray, noise: np.ndarray, pool: Pool) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers and their standard errors after pooling those that do not differ.

    From the largest down, a number is separate as long as an F test of its ratio to the mean of
    the smaller ones rejects. The separate numbers are pooled in the same way.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Positive numbers like variances, with noise proportional to the number.
    noise : ndarray, shape (n,)
        Variance of value / true value, for every value.
    pool : callable
        Places of some values -> their weighted mean and its standard error.
    """
    result, error = np.empty(values.size), np.empty(values.size)
    _pool_in_order(np.argsort(values), values, noise, pool, (result, error))
    return result, error


def _pool_in_order(
    places: np.ndarray,
    values: np.ndarray,
    noise: np.ndarray,
    pool: Pool,
    out: tuple[np.ndarray, np.ndarray],
) -> None:
    result, error = out
    n, smallest = places.size, 1.0
    while n > 1 and (p := _p_value(places[:n], values, noise)) < POOLED:
        smallest, n = min(smallest, p), n - 1
    result[places[:n]], error[places[:n]] = pool(places[:n])
    if n == places.size:
        return
    above = places[n:]
    _pool_in_order(above, values, noise, pool, out)
    share = np.clip(np.log(smallest / POOLED) / np.log(SEPARATE / POOLED), 0, 1)
    mean, mean_error = pool(places)
    between = share * (1 - share) * (result[above] - mean) ** 2
    error[above] = np.sqrt(share * error[above] ** 2 + (1 - share) * mean_error**2 + between)
    result[above] = share * result[above] + (1 - share) * mean


def _p_value(places: np.ndarray, values: np.ndarray, noise: np.ndarray) -> float:
    """Bonferroni-adjusted p-value of the last and largest value being equal to the others."""
    others, largest = places[:-1], places[-1]
    freedom = 2 / noise  # of a chi-square with this noise
    mean = np.average(values[others], weights=freedom[others])
    if mean == 0:
        return 1.0 if values[largest] == 0 else 0.0
    ratio = values[largest] / mean
    p = special.fdtrc(freedom[largest], freedom[others].sum(), ratio)
    return min(1.0, float(p) * places.size)
