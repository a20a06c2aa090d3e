"""The 95 % intervals of Monte Carlo error that figures draw and planning reads. Pure."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import optimize, special


def half_width(mcse: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Return half the 95 % interval of a mean of n, by Student's t with n - 1 degrees."""
    return special.stdtrit(np.maximum(n - 1, 1), 0.975) * mcse


def with_bounds(table: pd.DataFrame) -> pd.DataFrame:
    """Return measures with the bounds of their 95 % Monte Carlo intervals.

    Those that the table has, else Student's t over the MCSE.
    """
    spread = half_width(table["mcse"], table["n_replicates"])
    return table.assign(
        lower=table["lower"].fillna(table["value"] - spread),
        upper=table["upper"].fillna(table["value"] + spread),
    )


def paired_difference(first_alone: int, second_alone: int, n: int) -> tuple[float, float]:
    """Return the 95 % score interval of a difference of two shares of the same n.

    Parameters
    ----------
    first_alone, second_alone : int
        Pairs in which the first is a hit and the second is not, and the other way round.

    References
    ----------
    Tango (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B.
    """
    value, z = (first_alone - second_alone) / n, special.ndtri(0.975)

    def excess(difference: float) -> float:
        """By how much the score statistic squared is above z squared, at a true difference."""
        b = (2 * n - first_alone + second_alone) * difference - first_alone - second_alone
        c = -second_alone * difference * (1 - difference)
        second = (np.sqrt(max(b**2 - 8 * n * c, 0)) - b) / (4 * n)
        variance = n * (2 * second + difference * (1 - difference))
        return n**2 * (value - difference) ** 2 - z**2 * variance

    # The statistic is 0 at the value itself, where its variance may be 0 too: begin beside it.
    def bound(end: float) -> float:
        if value == end or excess(end) <= 0:
            return end
        return float(optimize.brentq(excess, end, value + 1e-9 * (end - value)))

    return bound(-1.0), bound(1.0)
