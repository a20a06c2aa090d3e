"""Costs of fits and studies: the tables `efficiency` and `costs`. Pure: tables in, tables out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from recovery.score.measures import ABSENT, mean


def cell_costs(diagnostics: pd.DataFrame, job_seconds: float, n_bytes: int) -> dict[str, float]:
    """Return the costs of the fits of a cell, and their effective sample sizes per cost.

    Parameters
    ----------
    diagnostics : DataFrame
        The cell's rows of the table `diagnostics`; failed attempts have no costs. Sums are
        over all attempts, means over the first attempt of every fit.
    job_seconds : float
        Processor seconds of the cell's jobs outside their fits.
    n_bytes : int
        Size of the cell's files.

    Returns
    -------
    dict
        The columns of the table `efficiency` except those of the cell. Means over fits have
        mcse = SD / sqrt(n).
    """
    n_fits = diagnostics["replicate"].nunique()
    all_seconds = diagnostics[["warmup_seconds", "sampling_seconds"]].sum(axis=None)
    ok = diagnostics[(diagnostics["status"] == "ok") & (diagnostics["attempt"] == 1)]
    parts = ok[["warmup_seconds", "sampling_seconds"]].astype(float)  # estimators have no warmup
    seconds = parts.sum(axis=1).to_numpy()
    gradients, ess = (ok[name].to_numpy(dtype=float) for name in ("n_leapfrog", "min_ess_bulk"))
    row = {
        "n_measured": len(ok),
        "sampler_seconds": all_seconds,
        "other_seconds": diagnostics["other_seconds"].sum(),
        "job_seconds": job_seconds,
        "bytes_per_fit": n_bytes / n_fits if n_fits else np.nan,
    }
    means = {
        "seconds": seconds,
        "n_leapfrog": gradients,
        "ess_per_second": ess / seconds,
        "ess_per_gradient": ess / gradients,
    }
    for name, values in means.items():
        measure = mean(values) if values.size >= 2 else ABSENT
        row |= {name: measure.value, f"{name}_mcse": measure.mcse}
    return row


def costs(seconds: Mapping[str, float]) -> pd.DataFrame:
    """Return the table `costs`: one row per step."""
    return pd.DataFrame({"step": list(seconds), "seconds": list(seconds.values())})
