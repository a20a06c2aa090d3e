"""What fits and studies cost: the tables `efficiency` and `costs`. Pure: tables in, tables out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from recovery.score.measures import ABSENT, mean


def cell_costs(diagnostics: pd.DataFrame, job_seconds: float, n_bytes: int) -> dict[str, float]:
    """Return what the fits of a cell cost, and what they give for it.

    Parameters
    ----------
    diagnostics : DataFrame
        The cell's rows of the table `diagnostics`; those that failed have no costs. Sums
        are over all attempts, means over the first of every fit.
    job_seconds : float
        Processor seconds of the cell's jobs outside their fits.
    n_bytes : int
        Size of the cell's files.

    Returns
    -------
    dict
        The columns of the table `efficiency` without the cell's own. Means over fits have
        mcse = SD / sqrt(n).
    """
    n_fits = diagnostics["replicate"].nunique()
    every = diagnostics[["warmup_seconds", "sampling_seconds"]].sum(axis=None)
    ok = diagnostics[(diagnostics["status"] == "ok") & (diagnostics["attempt"] == 1)]
    spent = ok[["warmup_seconds", "sampling_seconds"]].astype(float)  # estimators have no warmup
    sampler = spent.sum(axis=1).to_numpy()
    gradients, ess = (ok[name].to_numpy(dtype=float) for name in ("n_leapfrog", "min_ess_bulk"))
    row = {
        "n_measured": len(ok),
        "sampler_seconds": every,
        "other_seconds": diagnostics["other_seconds"].sum(),
        "job_seconds": job_seconds,
        "bytes_per_fit": n_bytes / n_fits if n_fits else np.nan,
    }
    means = {
        "seconds": sampler,
        "n_leapfrog": gradients,
        "ess_per_second": ess / sampler,
        "ess_per_gradient": ess / gradients,
    }
    for name, values in means.items():
        found = mean(values) if values.size >= 2 else ABSENT
        row |= {name: found.value, f"{name}_mcse": found.mcse}
    return row


def costs(seconds: Mapping[str, float]) -> pd.DataFrame:
    """Return the table `costs`: a row a step."""
    return pd.DataFrame({"step": list(seconds), "seconds": list(seconds.values())})
