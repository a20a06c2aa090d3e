"""The estimates of one parameter in one cell, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Replicates:
    """What was estimated in every replicate, sorted by replicate.

    Parameters
    ----------
    replicate : ndarray of int, shape (n,)
    truth, mean, sd : ndarray, shape (n,)
        The replicate's own truth, the posterior's mean and standard deviation; or an estimate
        and its standard error, NaN where it has none.
    mcse_mean : ndarray, shape (n,)
        Monte Carlo standard error of `mean` within its fit; NaN where it is not known.
    bounds : mapping of float to pair of ndarray, each of shape (n,)
        Interval level -> lower and upper bounds; NaN where there is no standard error.
    positive : bool
        Whether the parameter cannot be negative.
    prior_sd : float
        Standard deviation of the prior; NaN where it is not known.
    """

    replicate: np.ndarray
    truth: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    mcse_mean: np.ndarray
    bounds: Mapping[float, tuple[np.ndarray, np.ndarray]]
    positive: bool = False
    prior_sd: float = np.nan

    @property
    def error(self) -> np.ndarray:
        """Estimate minus the replicate's own truth."""
        return self.mean - self.truth

    @property
    def truth_varies(self) -> bool:
        """Whether replicates have different truths."""
        return bool(np.ptp(self.truth) > 0)

    @property
    def with_standard_error(self) -> Replicates:
        """Those that have a standard error, and with it intervals."""
        known = ~np.isnan(self.sd)
        for low, high in self.bounds.values():
            known &= ~np.isnan(low) & ~np.isnan(high)
        return self.subset(self.replicate[known])

    def __len__(self) -> int:
        return self.replicate.size

    def subset(self, which: np.ndarray) -> Replicates:
        """Return some of the replicates: those of these numbers."""
        if np.array_equal(self.replicate, which):
            return self
        keep = np.isin(self.replicate, which, assume_unique=True)
        if keep.all():
            return self
        arrays = ("replicate", "truth", "mean", "sd", "mcse_mean")
        chosen = {name: getattr(self, name)[keep] for name in arrays}
        bounds = {level: (low[keep], high[keep]) for level, (low, high) in self.bounds.items()}
        return replace(self, **chosen, bounds=bounds)


def from_table(
    rows: pd.DataFrame, intervals: Mapping[float, tuple[str, str]], **known: Any
) -> Replicates:
    """Return the rows of one parameter in one cell of a table of estimates.

    Parameters
    ----------
    intervals : mapping
        Level -> the columns of its lower and upper bound.
    **known
        `positive` and `prior_sd`.
    """
    rows = rows.sort_values("replicate", kind="stable")
    if "mcse_mean" not in rows:
        rows = rows.assign(mcse_mean=np.nan)
    columns = {
        name: rows[name].to_numpy(dtype=float) for name in ("truth", "mean", "sd", "mcse_mean")
    }
    bounds = {
        level: (rows[low].to_numpy(dtype=float), rows[high].to_numpy(dtype=float))
        for level, (low, high) in intervals.items()
    }
    return Replicates(rows["replicate"].to_numpy(), **columns, bounds=bounds, **known)
