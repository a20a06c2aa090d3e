"""Estimates and diagnostics from the draws of one fit; the only import of ArviZ in a job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from recovery.engines.protocol import Draws
from recovery.fit import chain_statistics
from recovery.tables import highest_density_columns, quantile_columns

_ROUNDING = 1e-8  # of a log density
_SAME = 1e-12  # largest relative difference of two equal values that were computed


def summarise(draws: Draws, names: Sequence[str], levels: Sequence[float]) -> dict[str, np.ndarray]:
    """Return mean, median, sd and the bounds of the intervals of each named column.

    A single draw, which is a mode, has mean and median only. Intervals are central and of highest
    density: the shortest that holds its share of the draws (Hyndman 1996,
    doi:10.1080/00031305.1996.10474359).

    Returns
    -------
    dict of ndarray, each of shape (n_names,)
    """
    where = {name: column for column, name in enumerate(draws.names)}
    values = draws.values[:, :, [where[name] for name in names]]
    flat = values.reshape(-1, len(names))
    if len(flat) == 1:
        return {"mean": flat[0], "median": flat[0]}
    columns = quantile_columns(levels)
    with np.errstate(over="ignore", invalid="ignore"):  # draws too large to be squared
        ordered = np.sort(flat.T, axis=1)
        quantiles = chain_statistics.quantiles_of(ordered, [0.5, *columns.values()])
        mean, sd = flat.mean(axis=0), flat.std(axis=0, ddof=1)
    constant = ordered[:, 0] == ordered[:, -1]
    mean, sd = np.where(constant, flat[0], mean), np.where(constant, 0.0, sd)
    table = {"mean": mean, "median": quantiles[0], "sd": sd}
    table |= dict(zip(columns, quantiles[1:], strict=True))
    for level in levels:
        bounds = chain_statistics.highest_density(ordered, level)
        table |= dict(zip(highest_density_columns(level), bounds, strict=True))
    return table


def evenly_spaced(draws: Draws, names: Sequence[str], number: int) -> dict[str, np.ndarray]:
    """Return `number` draws of each named column, evenly spaced over all chains."""
    where = {name: column for column, name in enumerate(draws.names)}
    flat = draws.values.reshape(-1, len(draws.names))
    places = np.linspace(0, len(flat) - 1, number).round().astype(int)
    return {name: flat[places, where[name]] for name in names}


def rank(draws: np.ndarray, truth: float, rng: np.random.Generator) -> int:
    """Return the number of draws below the truth, with ties broken at random.

    Draws that differ from the truth by rounding only are ties.
    """
    tied = np.abs(draws - truth) <= _SAME * abs(truth)
    return int((~tied & (draws < truth)).sum()) + int(rng.integers(0, int(tied.sum()) + 1))


def means_and_hits(
    draws: Draws, names: Sequence[str], truth: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of each named column, and whether its central interval contains the truth.

    The bounds are the interval's quantiles and belong to it. To save the sort, draws are counted,
    and a quantile is computed only if the truth is between the two draws that it interpolates.

    Parameters
    ----------
    truth : ndarray, shape (n_names,)

    Returns
    -------
    mean, hit : ndarray, shape (n_names,)
    """
    where = {name: column for column, name in enumerate(draws.names)}
    values = draws.values[:, :, [where[name] for name in names]].reshape(-1, len(names))
    low, high = quantile_columns([level]).values()
    at_least_low = _beyond_quantile(values, truth, low, np.less_equal)
    at_most_high = _beyond_quantile(values, truth, high, np.greater_equal)
    with np.errstate(over="ignore"):
        return values.mean(axis=0), at_least_low & at_most_high


def _beyond_quantile(
    values: np.ndarray, truth: np.ndarray, probability: float, relation: np.ufunc
) -> np.ndarray:
    """Whether each column's quantile has this relation to the truth: less_equal, greater_equal."""
    tail = probability if relation is np.less_equal else 1 - probability
    place = int(tail * (len(values) - 1))  # the quantile is between this draw and the next
    n_in_tail = np.count_nonzero(relation(values, truth), axis=0)
    between = np.flatnonzero(n_in_tail == place + 1)
    beyond = n_in_tail > place + 1
    quantile = np.quantile(values[:, between], probability, axis=0)
    beyond[between] = relation(quantile, truth[between])
    return beyond


def non_finite(draws: Draws, names: Sequence[str]) -> list[str]:
    """Return the named columns and the sampler's columns that have a non-finite draw."""
    where = {name: column for column, name in enumerate(draws.names)}
    finite = np.isfinite(draws.values).all(axis=(0, 1))
    columns = [name for name in names if not finite[where[name]]]
    return columns + [
        name for name, values in draws.sampler.items() if not np.isfinite(values).all()
    ]


def convergence(draws: Draws, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return `chain_statistics.convergence` of each named column, and of lp__.

    Returns
    -------
    dict of ndarray, each of shape (n_names + 1,)
        lp__ is the last.
    """
    where = {name: column for column, name in enumerate(draws.names)}
    columns = [draws.values[:, :, where[name]] for name in names] + [draws.sampler["lp__"]]
    return chain_statistics.convergence(np.stack(columns))


def monte_carlo_errors(
    draws: Draws, names: Sequence[str], levels: Sequence[float]
) -> dict[str, np.ndarray]:
    """Return the MCSE of each named column's sd, median and bounds of intervals.

    Returns
    -------
    dict of ndarray, each of shape (n_names,)
        `mcse_` and the name of a column of `summarise`.
    """
    where = {name: column for column, name in enumerate(draws.names)}
    values = np.stack([draws.values[:, :, where[name]] for name in names])
    quantiles = {"median": 0.5, **quantile_columns(levels)}
    errors = chain_statistics.quantile_errors(values, [*quantiles.values()])
    table = {"sd": chain_statistics.sd_errors(values)} | dict(zip(quantiles, errors, strict=True))
    return {f"mcse_{name}": values for name, values in table.items()}


def relative_efficiency(draws: Draws, names: Sequence[str]) -> float:
    """Return the mean effective sample size of the named columns, over the number of draws.

    ArviZ's `loo` uses the same mean for all observations. Constant columns are left out; if all
    are constant, the efficiency is 1.
    """
    where = {name: column for column, name in enumerate(draws.names)}
    values = np.stack([draws.values[:, :, where[name]] for name in names])
    varying = values[np.ptp(values, axis=(1, 2)) > 0]
    efficiencies = chain_statistics.ess(chain_statistics.split_chains(varying)) / values[0].size
    return float(efficiencies.mean()) if len(varying) else 1.0


def _smoothed_weights(log_ratios: np.ndarray, efficiency: float) -> tuple[np.ndarray, float]:
    """Return Pareto-smoothed log weights of draws, and Pareto k; ValueError if no tail fits."""
    from arviz_stats.base import array_stats  # type: ignore[attr-defined] # half a second

    return array_stats.psislw(-log_ratios, r_eff=efficiency)


def leave_one_out(log_likelihood: np.ndarray, efficiency: float) -> tuple[np.ndarray, ...]:
    """Return the leave-one-out log predictive density of each unit.

    The method is Pareto-smoothed importance sampling. If the largest importance ratios are equal,
    no tail can be fitted to them: the ratios are used without smoothing, and k is infinite.

    Parameters
    ----------
    log_likelihood : ndarray, shape (n_units, n_draws)
    efficiency : float
        `relative_efficiency`.

    Returns
    -------
    elpd, p_loo, k : ndarray, shape (n_units,)
        NaN, with k infinite, for a unit with a non-finite log likelihood.

    References
    ----------
    Vehtari, Gelman & Gabry (2017), doi:10.1007/s11222-016-9696-4; Vehtari, Simpson, Gelman,
    Yao & Gabry (2024), arXiv:1507.02646.
    """
    columns = np.full((3, len(log_likelihood)), np.nan)
    for place, values in enumerate(log_likelihood):
        columns[:, place] = _leave_unit_out(values, efficiency)
    return tuple(columns)


def _leave_unit_out(values: np.ndarray, efficiency: float) -> tuple[float, float, float]:
    if not np.isfinite(values).all():
        return np.nan, np.nan, np.inf
    try:
        weights, k = _smoothed_weights(-values, efficiency)
    except ValueError:
        weights, k = -values - _log_sum(-values), np.inf
    elpd = _log_sum(weights + values)
    lpd = _log_sum(values) - np.log(values.size)  # of the unit as a part of the data
    return elpd, lpd - elpd, k if np.isfinite(k) else np.inf


def _log_sum(values: np.ndarray) -> float:
    """Logarithm of the sum of exponentials.

    scipy's `logsumexp` gives other last digits: it excludes the largest term from the sum.
    """
    top = values.max()
    return top + np.log(np.exp(values - top).sum())


def pareto_k(log_ratios: np.ndarray) -> float:
    """Return Pareto k of importance ratios, the shape of the tail of the largest ratios.

    Parameters
    ----------
    log_ratios : ndarray, shape (n_draws,)
        Log density minus the log density of the approximation; non-finite values are left out.

    Returns
    -------
    float
        0 if all ratios are equal, because the approximation is exact; infinite if no tail can
        be fitted, for example to few draws.

    References
    ----------
    Vehtari, Simpson, Gelman, Yao & Gabry (2024), arXiv:1507.02646.
    """
    finite = log_ratios[np.isfinite(log_ratios)]
    if finite.size and np.ptp(finite) < _ROUNDING:
        return 0.0
    try:
        _, k = _smoothed_weights(finite, 1.0)
    except ValueError:
        return np.inf
    return float(k) if np.isfinite(k) else np.inf


def largest_reliable_k(n_draws: int) -> float:
    """Return the largest Pareto k for which importance sampling is reliable.

    References
    ----------
    Vehtari, Simpson, Gelman, Yao & Gabry (2024), arXiv:1507.02646, section 3.2.4.
    """
    return min(1 - 1 / np.log10(n_draws), 0.7)


def diagnose(
    draws: Draws, statistics: Mapping[str, np.ndarray], max_treedepth: int, thresholds: Mapping
) -> dict[str, float | int | bool]:
    """Return a fit's diagnostics, and whether it converged.

    Parameters
    ----------
    statistics : dict of ndarray
        What `convergence` returns. Parameters that are constant over all draws of all chains are
        left out.
    max_treedepth : int
        The sampler's setting; a trajectory of this depth is saturated.
    thresholds : mapping
        max_rhat, min_ess_per_chain, max_divergent, min_ebfmi.
    """
    n_chains = draws.values.shape[0]
    varying = ~np.all([np.isnan(values) for values in statistics.values()], axis=0)
    # The log density of a chain that moves varies.
    moved = bool((np.ptp(draws.sampler["lp__"], axis=1) > 0).all())
    diagnostics = {
        "n_divergent": int(draws.sampler["divergent__"].sum()),
        "n_max_treedepth": int((draws.sampler["treedepth__"] >= max_treedepth).sum()),
        "min_ebfmi": _smallest_ebfmi(draws) if moved else np.nan,
        "max_rhat": _extreme_or_nan(np.max, statistics["rhat"][varying]),
        "min_ess_bulk": _extreme_or_nan(np.min, statistics["ess_bulk"][varying]),
        "min_ess_tail": _extreme_or_nan(np.min, statistics["ess_tail"][varying]),
        "n_leapfrog": int(draws.sampler["n_leapfrog__"].sum()),
    }
    min_ess = thresholds["min_ess_per_chain"] * n_chains
    diagnostics["converged"] = bool(
        moved
        and diagnostics["max_rhat"] <= thresholds["max_rhat"]
        and diagnostics["min_ess_bulk"] >= min_ess
        and diagnostics["min_ess_tail"] >= min_ess
        and diagnostics["n_divergent"] <= thresholds["max_divergent"]
        and diagnostics["min_ebfmi"] >= thresholds["min_ebfmi"]
    )
    return diagnostics


def _smallest_ebfmi(draws: Draws) -> float:
    """Smallest E-BFMI of all chains; NaN if the energy of a chain does not vary."""
    energy = draws.sampler["energy__"]
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.square(np.diff(energy, axis=1)).mean(axis=1)
        return float(np.min(steps / energy.var(axis=1, ddof=1)))


def _extreme_or_nan(pick: Callable[[np.ndarray], Any], values: np.ndarray) -> float:
    return float(pick(values)) if values.size else np.nan
