"""The largest of many noisy numbers: which do not differ, and what those have together.

The largest of many estimates of one number is far above it. Those that do not differ by more
than their noise are therefore taken together before the largest is sought.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

SEPARATE, POOLED = 0.005, 0.05
"""P-values, corrected for how many there are, at which a number stands apart or does not.

Between them it does in part, so that a threshold does not decide alone.
"""

Pool = Callable[[np.ndarray], tuple[float, float]]  # places -> mean and its standard error


def pooled(values: np.ndarray, noise: np.ndarray, pool: Pool) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers with those pooled that do not differ, and their standard errors.

    From the largest down a number stands apart while it is larger than the others explain: by
    an F test of its ratio to their mean. Those that stand apart are pooled in the same way.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Positive, like variances: noise is proportional to the number.
    noise : ndarray, shape (n,)
        Variance of value / true value, of every value.
    pool : callable
        The weighted mean of some values, by their places, and its standard error.
    """
    found, error = np.empty(values.size), np.empty(values.size)
    _pool_in_order(np.argsort(values), values, noise, pool, (found, error))
    return found, error


def _pool_in_order(
    places: np.ndarray,
    values: np.ndarray,
    noise: np.ndarray,
    pool: Pool,
    out: tuple[np.ndarray, np.ndarray],
) -> None:
    found, error = out
    n, smallest = places.size, 1.0
    while n > 1 and (p := _p_value(places[:n], values, noise)) < POOLED:
        smallest, n = min(smallest, p), n - 1
    found[places[:n]], error[places[:n]] = pool(places[:n])
    if n == places.size:
        return
    above = places[n:]
    _pool_in_order(above, values, noise, pool, out)
    share = np.clip(np.log(smallest / POOLED) / np.log(SEPARATE / POOLED), 0, 1)
    mean, its_error = pool(places)
    between = share * (1 - share) * (found[above] - mean) ** 2
    error[above] = np.sqrt(share * error[above] ** 2 + (1 - share) * its_error**2 + between)
    found[above] = share * found[above] + (1 - share) * mean


def _p_value(places: np.ndarray, values: np.ndarray, noise: np.ndarray) -> float:
    """Of the last and largest being as large as the others, corrected for how many there are."""
    others, largest = places[:-1], places[-1]
    freedom = 2 / noise  # of a chi-square with this noise
    mean = np.average(values[others], weights=freedom[others])
    if mean == 0:
        return 1.0 if values[largest] == 0 else 0.0
    ratio = values[largest] / mean
    p = special.fdtrc(freedom[largest], freedom[others].sum(), ratio)
    return min(1.0, float(p) * places.size)
