"""Performance of cells, with Monte Carlo standard errors. Pure: tables in, tables out.

Throughout, error is estimate minus the replicate's own truth, and the estimate is the
posterior mean. Formulas: Morris, White & Crowther (2019), doi:10.1002/sim.8086, table 6.
A measure of fewer than two replicates has neither value nor MCSE.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import pandas as pd

Z95 = NormalDist().inv_cdf(0.975)  # half a 95 % interval, in standard errors
CELL = ["scenario", "model", "prior"]


class Measure(NamedTuple):
    """A value, its Monte Carlo standard error and, for proportions, a 95 % Wilson interval."""

    value: float
    mcse: float
    lower: float = np.nan
    upper: float = np.nan


ABSENT = Measure(np.nan, np.nan)


def bias(error: np.ndarray) -> Measure:
    """Mean error; mcse = SD(error) / sqrt(n)."""
    return Measure(error.mean(), error.std(ddof=1) / np.sqrt(error.size))


def relative_bias(error: np.ndarray, truth: np.ndarray) -> Measure:
    """Bias over truth; absent where truth is 0 or varies between replicates."""
    if truth[0] == 0 or np.ptp(truth) > 0:
        return ABSENT
    found = bias(error)
    return Measure(found.value / truth[0], found.mcse / abs(truth[0]))


def empirical_se(error: np.ndarray) -> Measure:
    """SD of error over replicates; mcse = value / sqrt(2 (n - 1))."""
    value = error.std(ddof=1)
    return Measure(value, value / np.sqrt(2 * (error.size - 1)))


def model_se(sd: np.ndarray) -> Measure:
    """Root mean squared posterior SD; mcse = sqrt(Var(sd^2) / (4 n value^2))."""
    value = np.sqrt(np.mean(sd**2))
    if value == 0:
        return Measure(0.0, 0.0)
    return Measure(value, np.sqrt(np.var(sd**2, ddof=1) / (4 * sd.size * value**2)))


def mse(error: np.ndarray) -> Measure:
    """Mean squared error; mcse = sqrt(sum((error^2 - value)^2) / (n (n - 1)))."""
    return bias(error**2)


def rmse(error: np.ndarray) -> Measure:
    """Root of the mean squared error; mcse by the delta method, mcse(MSE) / (2 value)."""
    squared = mse(error)
    value = np.sqrt(squared.value)
    return Measure(value, squared.mcse / (2 * value) if value > 0 else 0.0)


def proportion(hits: np.ndarray) -> Measure:
    """Share of hits; mcse = sqrt(p (1 - p) / n), with the 95 % Wilson interval."""
    n, p = hits.size, hits.mean()
    return Measure(p, np.sqrt(p * (1 - p) / n), *proportion_interval(p, n, 0.95))


def proportion_interval(p: float, n: int, level: float) -> tuple[float, float]:
    """Return the Wilson interval of a proportion p of n.

    References
    ----------
    Wilson (1927), doi:10.1080/01621459.1927.10502953.
    """
    z = NormalDist().inv_cdf((1 + level) / 2)
    centre = p + z**2 / (2 * n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    lower = 0.0 if p == 0 else (centre - half) / scale
    upper = 1.0 if p == 1 else (centre + half) / scale
    return lower, upper


def of_level(performance: pd.DataFrame, measure: str, level: float) -> pd.DataFrame:
    """Return the rows of one measure, those of one interval level where it has levels."""
    chosen = performance[performance["measure"] == measure]
    return chosen[chosen["level"].isna() | np.isclose(chosen["level"], level)]


def coverage(lower: np.ndarray, upper: np.ndarray, truth: np.ndarray) -> Measure:
    """Share of intervals that contain the truth.

    Parameters
    ----------
    lower, upper, truth : ndarray, shape (n_replicates,)
    """
    return proportion((lower <= truth) & (truth <= upper))


def interval_width(lower: np.ndarray, upper: np.ndarray) -> Measure:
    """Mean width of the intervals; mcse = SD(width) / sqrt(n)."""
    return bias(upper - lower)


def performance(
    estimates: pd.DataFrame,
    converged: pd.DataFrame,
    intervals: dict[float, tuple[str, str]],
    planned: Sequence[tuple[str, str, str, str]] | None = None,
) -> pd.DataFrame:
    """Score every cell and parameter of a table of estimates.

    Parameters
    ----------
    estimates : DataFrame
        Columns scenario, model, prior, replicate, parameter, truth, mean, sd and the
        intervals' quantiles; a row a replicate and parameter.
    converged : DataFrame
        Columns scenario, model, prior, replicate, converged; a row a fit.
    intervals : dict
        Level -> the columns of its lower and upper bound.
    planned : sequence of (scenario, model, prior, parameter), optional
        What to score, in this order; what has no estimates has rows without values. By
        default all that has estimates.

    Returns
    -------
    DataFrame
        scenario, model, prior, parameter, subset, measure, level, value, mcse, lower,
        upper, n_replicates.
    """
    keys = [*CELL, "replicate"]
    flagged = estimates.merge(converged[[*keys, "converged"]], on=keys, how="left")
    flagged = flagged.sort_values("replicate", kind="stable")
    groups = dict(tuple(flagged.groupby([*CELL, "parameter"], sort=False)))
    rows = []
    for cell in planned if planned is not None else groups:
        group = groups.get(cell, flagged.iloc[:0])
        for subset, part in (("all", group), ("converged", group[group["converged"] == True])):  # noqa: E712
            for name, level, found in _scores(part, intervals):
                rows.append((*cell, subset, name, level, *found, len(part)))
    columns = [*CELL, "parameter", "subset", "measure", "level", *Measure._fields, "n_replicates"]
    return pd.DataFrame(rows, columns=columns)


def _scores(
    part: pd.DataFrame, intervals: dict[float, tuple[str, str]]
) -> Iterator[tuple[str, float, Measure]]:
    """Every measure of one cell, parameter and subset: its name, level and value."""
    truth, sd = part["truth"].to_numpy(), part["sd"].to_numpy()
    error = part["mean"].to_numpy() - truth

    def enough(measure: Callable[..., Measure], *arrays: np.ndarray) -> Measure:
        return measure(*arrays) if len(part) >= 2 else ABSENT

    yield "bias", np.nan, enough(bias, error)
    yield "relative_bias", np.nan, enough(relative_bias, error, truth)
    yield "empirical_se", np.nan, enough(empirical_se, error)
    yield "model_se", np.nan, enough(model_se, sd)
    yield "mse", np.nan, enough(mse, error)
    yield "rmse", np.nan, enough(rmse, error)
    for level, (lower, upper) in intervals.items():
        low, high = part[lower].to_numpy(), part[upper].to_numpy()
        yield "coverage", level, enough(coverage, low, high, truth)
        yield "interval_width", level, enough(interval_width, low, high)


def convergence(diagnostics: pd.DataFrame, planned: Sequence[tuple[str, str, str]], n_planned: int):
    """Say for every cell how its fits went and what they cost.

    Parameters
    ----------
    diagnostics : DataFrame
        The table `diagnostics`.
    planned : sequence of (scenario, model, prior)
        Every cell of the study, in the order to show them.
    n_planned : int
        Fits planned in a cell.

    Returns
    -------
    DataFrame
        The table `convergence` without the scenarios' own columns.
    """
    fits = dict(tuple(diagnostics.groupby(CELL, sort=False)))
    nobody = diagnostics.iloc[:0]
    return pd.DataFrame(
        [
            dict(zip(CELL, cell, strict=True)) | _went(fits.get(cell, nobody), n_planned)
            for cell in planned
        ]
    )


def _went(fits: pd.DataFrame, n_planned: int) -> dict[str, float]:
    ok = fits[fits["status"] == "ok"]
    converged = ok["converged"].astype(bool)
    outcomes = {
        "failed": (fits["status"] == "failed").to_numpy(),
        "converged": (fits["converged"] == True).to_numpy(),  # noqa: E712
        "divergent": (fits["n_divergent"] > 0).to_numpy(),
    }
    row = {
        "n_planned": n_planned,
        "n_ok": len(ok),
        "n_failed": int(outcomes["failed"].sum()),
        "n_converged": int(converged.sum()),
    }
    for rate, hits in outcomes.items():
        found = proportion(hits) if hits.size else ABSENT
        for part, value in zip(("", "_mcse", "_lower", "_upper"), found, strict=True):
            row[f"{rate}_rate{part}"] = value
    seconds = (ok["warmup_seconds"] + ok["sampling_seconds"]).to_numpy()
    per_fit = {
        "seconds": seconds,
        "n_leapfrog": ok["n_leapfrog"].to_numpy(dtype=float),
        "ess_per_second": ok["min_ess_bulk"].to_numpy(dtype=float) / seconds,
    }
    for name, values in per_fit.items():
        found = bias(values) if values.size >= 2 else ABSENT
        row |= {name: found.value, f"{name}_mcse": found.mcse}
    return row
