"""Draws of one fit to its estimates and diagnostics; the only import of ArviZ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from arviz_stats.base import array_stats

from recovery.engines.base import Draws
from recovery.tables import quantile_columns


def summarise(draws: Draws, names: Sequence[str], levels: Sequence[float]) -> dict[str, np.ndarray]:
    """Return mean, median, sd, and the intervals' quantiles of each named column.

    Returns
    -------
    dict of ndarray, each of shape (n_names,)
    """
    where = {name: column for column, name in enumerate(draws.names)}
    values = draws.values[:, :, [where[name] for name in names]]
    flat = values.reshape(-1, len(names))
    columns = quantile_columns(levels)
    quantiles = np.quantile(flat, [0.5, *columns.values()], axis=0)
    table = {"mean": flat.mean(axis=0), "median": quantiles[0], "sd": flat.std(axis=0, ddof=1)}
    return table | dict(zip(columns, quantiles[1:], strict=True))


def not_finite(draws: Draws, names: Sequence[str]) -> list[str]:
    """Return those of the named columns that have a draw which is no finite number."""
    finite = np.isfinite(draws.values).all(axis=(0, 1))
    return [name for name in names if not finite[draws.names.index(name)]]


def convergence(draws: Draws, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return rhat, bulk and tail ESS, and the mean's MCSE of each named column, and of lp__.

    Rank-normalised split-rhat; tail ESS is the smaller of those of the 5 % and 95 %
    quantiles. A column that does not vary has NaN for all four.

    Returns
    -------
    dict of ndarray, each of shape (n_names + 1,)
        lp__ stands last.

    References
    ----------
    Vehtari, Gelman, Simpson, Carpenter & Burkner (2021), doi:10.1214/20-BA1221.
    """
    where = {name: column for column, name in enumerate(draws.names)}
    chains = [draws.values[:, :, where[name]] for name in names] + [draws.sampler["lp__"]]
    found = {"rhat": [], "ess_bulk": [], "ess_tail": [], "mcse_mean": []}
    for values in chains:
        varies = np.isfinite(values).all() and np.ptp(values) > 0
        rhat = array_stats.rhat(values) if varies else np.nan
        bulk = array_stats.ess(values, method="bulk") if varies else np.nan
        tail = array_stats.ess(values, method="tail", prob=(0.05, 0.95)) if varies else np.nan
        mcse = array_stats.mcse(values, method="mean") if varies else np.nan
        for name, value in zip(found, (rhat, bulk, tail, mcse), strict=True):
            found[name].append(float(value))
    return {name: np.array(values) for name, values in found.items()}


def diagnose(
    draws: Draws, found: Mapping[str, np.ndarray], max_treedepth: int, thresholds: Mapping
) -> dict[str, float | int | bool]:
    """Return a fit's diagnostics, and whether it converged.

    Parameters
    ----------
    found : dict of ndarray
        What `convergence` returned; parameters that do not vary are passed over.
    max_treedepth : int
        The sampler's setting, at which a trajectory is saturated.
    thresholds : mapping
        max_rhat, min_ess_per_chain, max_divergent, min_ebfmi.
    """
    n_chains = draws.values.shape[0]
    varying = np.isfinite(found["rhat"])
    sampled = varying[-1]  # a chain that moves has a log density that varies
    diagnostics = {
        "n_divergent": int(draws.sampler["divergent__"].sum()),
        "n_max_treedepth": int((draws.sampler["treedepth__"] >= max_treedepth).sum()),
        "min_ebfmi": float(np.min(array_stats.bfmi(draws.sampler["energy__"])))
        if sampled
        else np.nan,
        "max_rhat": _extreme(np.max, found["rhat"][varying]),
        "min_ess_bulk": _extreme(np.min, found["ess_bulk"][varying]),
        "min_ess_tail": _extreme(np.min, found["ess_tail"][varying]),
        "n_leapfrog": int(draws.sampler["n_leapfrog__"].sum()),
    }
    enough = thresholds["min_ess_per_chain"] * n_chains
    diagnostics["converged"] = bool(
        sampled
        and diagnostics["max_rhat"] <= thresholds["max_rhat"]
        and diagnostics["min_ess_bulk"] >= enough
        and diagnostics["min_ess_tail"] >= enough
        and diagnostics["n_divergent"] <= thresholds["max_divergent"]
        and diagnostics["min_ebfmi"] >= thresholds["min_ebfmi"]
    )
    return diagnostics


def _extreme(pick, values: np.ndarray) -> float:
    return float(pick(values)) if values.size else np.nan


def agreement(estimates: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Return how posterior means agree with true values, over the participants of one fit.

    Parameters
    ----------
    estimates, truth : ndarray, shape (n_participants,)

    Returns
    -------
    dict
        rmse, correlation, and shrinkage_slope: that of the least-squares line of estimates
        on true values, 1 without shrinkage and 0 when all estimates are alike. The last
        two are NaN when true values do not vary.
    """
    varies = np.ptp(truth) > 0  # not by squares, which rounding leaves above 0
    centred = truth - truth.mean()
    spread, covariance = centred @ centred, centred @ (estimates - estimates.mean())
    total = np.sqrt(spread * np.square(estimates - estimates.mean()).sum())
    return {
        "rmse": float(np.sqrt(np.mean((estimates - truth) ** 2))),
        "correlation": float(covariance / total) if varies and total > 0 else np.nan,
        "shrinkage_slope": float(covariance / spread) if varies else np.nan,
    }
