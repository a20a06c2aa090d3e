"""Number of replicates needed for the target MCSEs of a study. Pure: tables in, tables out."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import special

from recovery.score.measures import Cells, rows_of_measure
from recovery.score.measures.largest_of_noisy import pooled
from recovery.study.settings import Precision

MOST_NEEDED = 1e12  # replicates; a larger number is not reported, as nobody could run it
_KEY = ["model", "prior", "parameter"]
_COLUMNS = ["measure", *_KEY, "wanted", "reached"]
_COLUMNS += ["n_planned", "n_needed", "n_needed_mcse"]


def replicates_needed(
    performance: pd.DataFrame,
    targets: Precision | None,
    level: float,
    n_planned: int,
    cells: Cells | None = None,
) -> pd.DataFrame:
    """Return the number of replicates that each target MCSE needs in one scenario.

    An MCSE falls with the square root of the number of replicates: n_needed =
    n (reached / target)^2, for the cell and parameter that need most. Variances of posterior
    z-scores that do not differ by more than their noise are pooled first, because the largest of
    many noisy ones is far too large. The MCSE of coverage is computed at the nominal level,
    because at an observed 100 % it would be 0. More replicates compensate for failed fits; the
    shares of fits with an interval are pooled too if they do not differ.

    Parameters
    ----------
    performance : DataFrame
        `measures.performance` of the scenario.
    level : float
        Level of the intervals whose coverage has a target.
    n_planned : int
        Number of replicates of the study now.
    cells : mapping
        The scenario's fits, whose z-scores give the correlation of errors between cells;
        without them, cells are treated as independent.

    Returns
    -------
    DataFrame
        measure, model, prior, parameter, wanted, reached, n_planned, n_needed, and
        n_needed_mcse. n_needed is null if it cannot be estimated for some cell.

    References
    ----------
    Morris, White & Crowther (2019), doi:10.1002/sim.8086, section 5.3.
    """
    table = performance[performance["subset"] == "all"]
    rows = []
    if targets and targets.coverage:
        hits = rows_of_measure(table, "coverage", level)
        hits = hits.drop_duplicates(["model", "prior", "n_replicates"])  # the same fits
        reached, noise = _coverage_mcse(hits, level, n_planned)
        rows.append(_row("coverage", hits, reached, targets.coverage, n_planned, noise))
    if targets and targets.bias_relative_to_sd:
        scores = rows_of_measure(table, "z_score", level)
        target = targets.bias_relative_to_sd
        reached, noise = _bias_mcse(table, scores, cells)
        noise = np.hypot(noise, np.sqrt(_share_variance(scores["n_replicates"], n_planned)))
        rows.append(_row("bias_relative_to_sd", scores, reached, target, n_planned, noise))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _row(
    measure: str,
    table: pd.DataFrame,
    reached: pd.Series,
    target: float,
    n_planned: int,
    noise: pd.Series,
) -> dict:
    """The cell and parameter of one measure that need most; `noise` is relative to n_needed."""
    row = {"measure": measure, "wanted": target, "n_planned": n_planned}
    if reached.empty or reached.isna().any():
        return row
    largest = reached[reached >= reached.max() * (1 - 1e-9)].index
    place = table.loc[largest, "mcse"].fillna(0).idxmax()  # among pooled rows, which are equal
    with np.errstate(over="ignore"):
        ratio = (reached[place] / target) ** 2
    if not n_planned * ratio < MOST_NEEDED:
        return row
    return row | {
        **table.loc[place, _KEY],
        "reached": reached[place],
        "n_needed": max(2, math.ceil(round(n_planned * ratio, 6))),
        "n_needed_mcse": n_planned * ratio * noise[place],
    }


def _coverage_mcse(hits: pd.DataFrame, level: float, n_planned: int) -> tuple[pd.Series, pd.Series]:
    """MCSEs of coverage at its nominal level, and the relative standard errors of their squares.

    Shares of fits without an interval are pooled if they do not differ.
    """
    n = hits["n_replicates"].where(hits["value"].notna()).astype(float)
    inverse, error, noise = 1 / n, 0 * n, _share_variance(n, n_planned)
    lacking = noise > 0
    if lacking.any():
        inverse[lacking], error[lacking] = _pooled(
            inverse[lacking].to_numpy(), noise[lacking].to_numpy()
        )
    return np.sqrt(level * (1 - level) * inverse), error / inverse


def _share_variance(n: pd.Series, n_planned: int) -> pd.Series:
    """Variance of a share n / n_planned of fits, relative to its square."""
    return 1 / n - 1 / n_planned


def _pooled(values: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Independent values after pooling those that do not differ, and their standard errors."""

    def pool(places: np.ndarray) -> tuple[float, float]:
        weights = 1 / noise[places] / (1 / noise[places]).sum()
        mean = weights @ values[places]
        return mean, mean * np.sqrt((weights**2 * noise[places]).sum())

    return pooled(values, noise, pool)


def largest_mcse(performance: pd.DataFrame, level: float) -> dict[str, dict[str, float]]:
    """Return the largest MCSE of coverage and of bias, and the number of replicates of each.

    Bias is in posterior SDs (the measure z_score), so that parameters are comparable. Noise must
    not pass for a large MCSE: for bias, cells that do not differ are pooled; for coverage, the
    MCSE is at the nominal level unless coverage clearly differs from it (exact binomial tests at
    5 %, Bonferroni).
    """
    table = performance[performance["subset"] == "all"]
    scores = rows_of_measure(table, "z_score", level).dropna(subset="mcse")
    hits = rows_of_measure(table, "coverage", level).dropna(subset="mcse")
    n = hits["n_replicates"].to_numpy(dtype=np.int64)
    n_hits = np.rint(hits["value"].to_numpy() * n)
    tail = np.minimum(special.bdtr(n_hits, n, level), special.bdtrc(n_hits - 1, n, level))
    share = hits["value"].where(2 * tail * max(1, len(hits)) < 0.05, level)
    reached = {
        "coverage": (hits, np.sqrt(share * (1 - share) / n)),
        "z_score": (scores, _bias_mcse(table, scores, None)[0]),
    }
    largest = {measure: {"mcse": math.nan, "n_replicates": 0} for measure in reached}
    for measure, (rows, mcse) in reached.items():
        if len(mcse):
            place = mcse.idxmax()
            n_replicates = int(rows.loc[place, "n_replicates"])
            largest[measure] = {"mcse": float(mcse[place]), "n_replicates": n_replicates}
    return largest


def _bias_mcse(
    table: pd.DataFrame, scores: pd.DataFrame, cells: Cells | None
) -> tuple[pd.Series, pd.Series]:
    """MCSEs of mean z-scores, after pooling those that do not differ.

    Returns
    -------
    reached, noise : Series
        With the index of `scores`: MCSE, and the relative standard error of its square.
    """
    known = scores[scores["mcse"].notna()]
    if len(known) < len(scores):
        return scores["mcse"], scores["mcse"]
    n = known["n_replicates"].to_numpy(dtype=float)
    variance = n * known["mcse"].to_numpy() ** 2
    noise = _noise(table, known)
    factor = _correlation_factor(known, cells)

    def pool(places: np.ndarray) -> tuple[float, float]:
        weights = 1 / noise[places] / (1 / noise[places]).sum()
        mean = weights @ variance[places]
        independent = np.sqrt((weights**2 * noise[places]).sum())
        return mean, mean * independent * factor(places, weights)

    pooled_variance, error = pooled(variance, noise, pool)
    positive = pooled_variance > 0
    relative = np.divide(error, pooled_variance, out=np.zeros(error.size), where=positive)
    return pd.Series(np.sqrt(pooled_variance / n), known.index), pd.Series(relative, known.index)


def _noise(table: pd.DataFrame, scores: pd.DataFrame) -> np.ndarray:
    """Relative variance of every variance of z-scores: c / n, with the same c for all cells.

    c is computed from the MCSEs of empirical SEs, so errors need not be normal; for normal errors
    c is 2.
    """
    spread = rows_of_measure(table, "empirical_se", np.nan)
    spread = spread[spread["value"] > 0]
    relative = 4 * (spread["mcse"] / spread["value"]) ** 2 * spread["n_replicates"]
    n = scores["n_replicates"].to_numpy(dtype=float)
    return np.full(n.size, relative.mean()) / n if relative.notna().any() else 2 / (n - 1)


def _correlation_factor(
    scores: pd.DataFrame, cells: Cells | None
) -> Callable[[np.ndarray, np.ndarray], float]:
    """Factor by which correlation between cells enlarges the standard error of a weighted mean."""

    def influence(cells: Cells, place: int) -> tuple[np.ndarray, np.ndarray]:
        model, prior, parameter = scores[_KEY].iloc[place]
        x = cells[model, prior].estimates[parameter].with_standard_error
        squares = (x.error / x.sd - (x.error / x.sd).mean()) ** 2
        return x.replicate, (squares / squares.mean() - 1) / squares.size

    def factor(places: np.ndarray, weights: np.ndarray) -> float:
        if cells is None or places.size == 1:
            return 1.0
        total: np.ndarray = np.zeros(0)  # influence of every replicate, summed over cells
        independent = 0.0
        for place, weight in zip(places, weights, strict=True):
            replicate, moved = influence(cells, place)
            moved = weight * moved
            independent += moved @ moved
            summed: np.ndarray = np.bincount(replicate, moved, minlength=total.size)
            summed[: total.size] += total
            total = summed
        return float(np.sqrt(total @ total / independent)) if independent > 0 else 1.0

    return factor


def most_needed(table: pd.DataFrame) -> int | None:
    """Return the number of replicates that all target MCSEs of a study need, in every scenario.

    Scenarios that do not differ by more than their noise are pooled for each measure. None if the
    number cannot be estimated for some scenario.

    Parameters
    ----------
    table : DataFrame
        Rows of `replicates_needed`, of all scenarios.
    """
    if table["n_needed"].isna().any():
        return None
    return max(_largest_needed(rows) for _, rows in table.groupby("measure"))


def _largest_needed(rows: pd.DataFrame) -> int:
    n = rows["n_needed"].to_numpy(dtype=float, copy=True)
    error = rows["n_needed_mcse"].to_numpy(dtype=float)
    noisy = error > 0
    if noisy.any():
        n[noisy], _ = _pooled(n[noisy], (error[noisy] / n[noisy]) ** 2)
    return math.ceil(round(n.max(), 6))
