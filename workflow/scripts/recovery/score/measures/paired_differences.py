"""Differences between two cells that were fitted to the same datasets."""

from __future__ import annotations

import numpy as np

from recovery.score.measures.monte_carlo import paired_difference
from recovery.score.measures.performance_measures import Measure, empirical_se, half_width, ratio
from recovery.score.measures.replicates import Replicates


def difference(first: Measure, second: Measure) -> tuple[float, float]:
    """Return first minus second, and its MCSE.

    mcse = SD(influence of first - influence of second) / sqrt(n). For bias, MSE, coverage
    and other means this is the standard error of a paired difference, for other measures it is
    the jackknife's. Both are NaN if either measure is absent.
    """
    if np.isnan(first.value) or np.isnan(second.value):
        return np.nan, np.nan
    influence = first.influence - second.influence
    return first.value - second.value, influence.std(ddof=1) / np.sqrt(influence.size)


def relative_precision(first: Replicates, second: Replicates) -> tuple[float, float]:
    """Return the squared ratio of second's empirical SE to first's, minus 1, and its MCSE.

    The MCSE is the jackknife's; for many normal errors it equals Morris et al.'s
    2 (1 + value) sqrt((1 - r^2) / (n - 1)), r the correlation of the errors. Both are NaN if an
    empirical SE is 0.

    References
    ----------
    Morris, White & Crowther (2019), doi:10.1002/sim.8086, table 6.
    """
    one, other = empirical_se(first), empirical_se(second)
    if one.value == 0 or other.value == 0:
        return np.nan, np.nan
    precision = ratio(other, one, power=2)
    return precision.value - 1, precision.mcse


def interval(
    name: str, value: float, mcse: float, measures: tuple[Measure, Measure], n: int
) -> tuple[float, float]:
    """Return the 95 % interval of Monte Carlo error of a difference of n pairs.

    Proportions have the score interval, which proportions of 0 and 1 have too. Type S errors are
    proportions of different replicates: their interval combines the two Wilson intervals. Other
    measures have Student's t interval, relative precision on the log scale.

    References
    ----------
    Newcombe (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
    """
    if np.isnan(mcse):
        return np.nan, np.nan
    half = half_width(n)
    if name == "relative_precision":
        factor = np.exp(half * mcse / (1 + value))
        return (1 + value) / factor - 1, (1 + value) * factor - 1
    if name in (*SHARES, "bias_eliminated_coverage"):
        return paired_difference(*discordant(*measures), n)
    if name == "type_s_error":
        first, second = measures
        below = np.hypot(first.value - first.lower, second.upper - second.value)
        above = np.hypot(first.upper - first.value, second.value - second.lower)
        return value - below, value + above
    return value - half * mcse, value + half * mcse


SHARES = ("coverage", "rejection_rate")


def discordant(first: Measure, second: Measure) -> tuple[int, int]:
    """Return the number of pairs with a hit of the first only, and of the second only."""
    ahead = np.rint(first.influence + first.value - second.influence - second.value)
    return int((ahead > 0).sum()), int((ahead < 0).sum())
