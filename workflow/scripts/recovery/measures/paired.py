"""Differences between two cells that were fitted to the same datasets."""

from __future__ import annotations

import numpy as np

from recovery.measures.replicates import Replicates
from recovery.measures.single import Measure, empirical_se


def difference(first: Measure, second: Measure) -> tuple[float, float]:
    """Return first less second, and its MCSE.

    mcse = SD(influence of first - influence of second) / sqrt(n). For bias, MSE, coverage
    and other means this is the standard error of a paired difference, for the others its
    delta method. Absent where either is.
    """
    if np.isnan(first.value) or np.isnan(second.value):
        return np.nan, np.nan
    influence = first.influence - second.influence
    return first.value - second.value, influence.std(ddof=1) / np.sqrt(influence.size)


def relative_precision(first: Replicates, second: Replicates) -> tuple[float, float]:
    """Return the squared ratio of second's empirical SE to first's, less 1, and its mcse.

    mcse by the delta method, from influence values; for many normal errors the same as
    Morris et al.'s 2 (1 + value) sqrt((1 - r^2) / (n - 1)), r the correlation of the errors.
    Absent where an empirical SE is 0.

    References
    ----------
    Morris, White & Crowther (2019), doi:10.1002/sim.8086, table 6.
    """
    one, other = empirical_se(first), empirical_se(second)
    if one.value == 0 or other.value == 0:
        return np.nan, np.nan
    ratio = (other.value / one.value) ** 2
    influence = 2 * ratio * (other.influence / other.value - one.influence / one.value)
    return ratio - 1, influence.std(ddof=1) / np.sqrt(influence.size)
