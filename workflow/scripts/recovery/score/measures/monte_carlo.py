"""95 % intervals of Monte Carlo error, for figures and planning. Pure."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import optimize, special


def half_width(mcse: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Return half the 95 % interval of a mean of n, by Student's t with n - 1 df."""
    return special.stdtrit(np.maximum(n - 1, 1), 0.975) * mcse


def with_bounds(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the bounds of 95 % Monte Carlo intervals for every measure.

    Bounds that the table lacks are from Student's t and the MCSE.
    """
    spread = half_width(table["mcse"], table["n_replicates"])
    return table.assign(
        lower=table["lower"].fillna(table["value"] - spread),
        upper=table["upper"].fillna(table["value"] + spread),
    )


def paired_difference(first_alone: int, second_alone: int, n: int) -> tuple[float, float]:
    """Return the 95 % score interval of a difference of two proportions of the same n.

    Parameters
    ----------
    first_alone, second_alone : int
        Number of pairs with a hit of the first only, and of the second only.

    References
    ----------
    Tango (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B.
    """
    value, z = (first_alone - second_alone) / n, special.ndtri(0.975)

    def excess(difference: float) -> float:
        """Squared score statistic minus z squared, times its variance, at a true difference."""
        b = (2 * n - first_alone + second_alone) * difference - first_alone - second_alone
        c = -second_alone * difference * (1 - difference)
        second = (np.sqrt(max(b**2 - 8 * n * c, 0)) - b) / (4 * n)
        variance = n * (2 * second + difference * (1 - difference))
        return n**2 * (value - difference) ** 2 - z**2 * variance

    # At the value itself, the statistic and perhaps its variance are 0: the search ends before it.
    def bound(end: float) -> float:
        if value == end or excess(end) <= 0:
            return end
        return float(optimize.brentq(excess, end, value + 1e-9 * (end - value)))

    return bound(-1.0), bound(1.0)
