"""The estimates of one parameter in one cell, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
    median : ndarray, shape (n,), optional
        Posterior median.
    highest_density : mapping of float to pair of ndarray, each of shape (n,)
        The same of highest-density intervals; empty if they are not known.
    scale : {"", "log", "fisher_z"}
        On which bias and RMSE have a meaning too: log for standard deviations, Fisher's z for
        correlations.
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
    median: np.ndarray | None = None
    highest_density: Mapping[float, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    scale: str = ""
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

    @property
    def with_median(self) -> Replicates | None:
        """The replicates with the median as the estimate; None if it is unknown, or the mean."""
        if self.median is None or np.array_equal(self.median, self.mean):
            return None
        return replace(self, mean=self.median)

    @property
    def with_highest_density(self) -> Replicates | None:
        """The replicates with highest-density intervals; None if there are none."""
        known = any(np.isfinite(low).any() for low, _ in self.highest_density.values())
        return replace(self, bounds=self.highest_density) if known else None

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
        if self.median is not None:
            arrays["median"] = self.median[chosen]
        bounds, densest = (
            {level: (low[chosen], high[chosen]) for level, (low, high) in each.items()}
            for each in (self.bounds, self.highest_density)
        )
        return replace(self, **arrays, bounds=bounds, highest_density=densest)


def from_table(
    rows: pd.DataFrame,
    intervals: Mapping[float, tuple[str, str]],
    highest_density: Mapping[float, tuple[str, str]] | None = None,
    **known: Any,
) -> Replicates:
    """Return the Replicates of one parameter in one cell, from rows of a table of estimates.

    Parameters
    ----------
    intervals, highest_density : mapping
        Level -> the columns of the lower and the upper bound.
    **known
        `scale`, `one_sided` and `prior_sd`.
    """
    rows = rows.sort_values("replicate", kind="stable")
    if "mcse_mean" not in rows:
        rows = rows.assign(mcse_mean=np.nan)
    names = ("truth", "mean", "sd", "mcse_mean", *(["median"] if "median" in rows else []))
    columns = {name: rows[name].to_numpy(dtype=float) for name in names}
    bounds, densest = (
        {
            level: (rows[low].to_numpy(dtype=float), rows[high].to_numpy(dtype=float))
            for level, (low, high) in each.items()
        }
        for each in (intervals, highest_density or {})
    )
    return Replicates(
        rows["replicate"].to_numpy(), **columns, bounds=bounds, highest_density=densest, **known
    )
