"""The 95 % intervals of Monte Carlo error that figures draw and planning reads. Pure."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import special


def half_width(mcse: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Return half the 95 % interval of a mean of n, by Student's t with n - 1 degrees."""
    return special.stdtrit(np.maximum(n - 1, 1), 0.975) * mcse


def with_bounds(table: pd.DataFrame) -> pd.DataFrame:
    """Return measures with the bounds of their 95 % Monte Carlo intervals.

    Wilson's where a measure has them, else Student's t over its MCSE.
    """
    spread = half_width(table["mcse"], table["n_replicates"])
    return table.assign(
        lower=table["lower"].fillna(table["value"] - spread),
        upper=table["upper"].fillna(table["value"] + spread),
    )
