"""The estimates of one parameter in one cell, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Replicates:
    """The estimates of one parameter in every replicate, sorted by replicate.

    Parameters
    ----------
    replicate : ndarray of int, shape (n,)
    truth, mean, sd : ndarray, shape (n,)
        True value, and posterior mean and standard deviation. For an estimator, `mean` is the
        estimate and `sd` its standard error, NaN if it has none.
    mcse_mean : ndarray, shape (n,)
        MCMC standard error of `mean`; NaN if it is not known.
    bounds : mapping of float to pair of ndarray, each of shape (n,)
        Interval level -> lower and upper bounds; NaN without a standard error.
    one_sided : bool
        Whether the parameter, or its prior, is on one side of 0, so that intervals exclude it.
    prior_sd : float
        Standard deviation of the prior; NaN if it is not known.
    """

    replicate: np.ndarray
    truth: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    mcse_mean: np.ndarray
    bounds: Mapping[float, tuple[np.ndarray, np.ndarray]]
    one_sided: bool = False
    prior_sd: float = np.nan

    @property
    def error(self) -> np.ndarray:
        """Estimate minus the truth of the replicate."""
        return self.mean - self.truth

    @property
    def truth_varies(self) -> bool:
        """Whether the truth differs between replicates."""
        return bool(np.ptp(self.truth) > 0)

    @property
    def with_standard_error(self) -> Replicates:
        """The replicates with a standard error and intervals."""
        known = ~np.isnan(self.sd)
        for low, high in self.bounds.values():
            known &= ~np.isnan(low) & ~np.isnan(high)
        return self.subset(self.replicate[known])

    def __len__(self) -> int:
        return self.replicate.size

    def subset(self, replicates: np.ndarray) -> Replicates:
        """Return the replicates with these numbers; the same object if these are all."""
        if np.array_equal(self.replicate, replicates):
            return self
        chosen = np.isin(self.replicate, replicates, assume_unique=True)
        if chosen.all():
            return self
        names = ("replicate", "truth", "mean", "sd", "mcse_mean")
        arrays = {name: getattr(self, name)[chosen] for name in names}
        bounds = {level: (low[chosen], high[chosen]) for level, (low, high) in self.bounds.items()}
        return replace(self, **arrays, bounds=bounds)


def from_table(
    rows: pd.DataFrame, intervals: Mapping[float, tuple[str, str]], **known: Any
) -> Replicates:
    """Return the Replicates of one parameter in one cell, from rows of a table of estimates.

    Parameters
    ----------
    intervals : mapping
        Level -> the columns of its lower and upper bound.
    **known
        `one_sided` and `prior_sd`.
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
