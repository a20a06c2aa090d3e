"""How many replicates it takes to know a study's numbers as well as it wants. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import special

from recovery.plan.batch_size import batch_size
from recovery.plan.scenarios import scenarios_of
from recovery.score.measures import Cells, rows_of_measure
from recovery.score.measures.largest_of_noisy import pooled
from recovery.study.keys import Study
from recovery.study.settings import Precision

MOST_NEEDED = 1e12  # beyond which there is no number that anyone could run
_KEY = ["model", "prior", "parameter"]
_COLUMNS = ["measure", *_KEY, "wanted", "reached"]
_COLUMNS += ["n_planned", "n_needed", "n_needed_mcse"]


def replicates_needed(
    performance: pd.DataFrame,
    wanted: Precision | None,
    level: float,
    n_planned: int,
    cells: Cells | None = None,
) -> pd.DataFrame:
    """Return how many replicates each wanted MCSE takes in one scenario.

    An MCSE falls with the square root of the replicates: n wanted = n (reached / wanted)^2,
    for the cell and parameter that need most. Variances of posterior z-scores that do not
    differ by more than their noise are taken together first, since the largest of many noisy
    ones is far too large. Coverage is taken at its nominal level, since an observed 100 % would
    ask for nothing. Fits that failed are made up for by more replicates; shares of fits that have
    an interval which do not differ are taken together too.

    Parameters
    ----------
    performance : DataFrame
        `measures.performance` of the scenario.
    level : float
        Of the intervals whose coverage is meant.
    n_planned : int
        Replicates that the study has now.
    cells : mapping
        The scenario's fits, whose z-scores tell how errors of cells go together; without them
        cells count as independent.

    Returns
    -------
    DataFrame
        measure, model, prior, parameter, wanted, reached, n_planned, n_needed, and
        n_needed_mcse. n_needed is null where the replicates there cannot tell of some cell.

    References
    ----------
    Morris, White & Crowther (2019), doi:10.1002/sim.8086, section 5.3.
    """
    table = performance[performance["subset"] == "all"]
    rows = []
    if wanted and wanted.coverage:
        hits = rows_of_measure(table, "coverage", level)
        hits = hits.drop_duplicates(["model", "prior", "n_replicates"])  # of the same fits
        reached, noise = _coverage_mcse(hits, level, n_planned)
        rows.append(_row("coverage", hits, reached, wanted.coverage, n_planned, noise))
    if wanted and wanted.bias_relative_to_sd:
        scores = table[table["measure"] == "z_score"]
        target = wanted.bias_relative_to_sd
        reached, noise = _bias_mcse(table, scores, cells)
        noise = np.hypot(noise, np.sqrt(_share_variance(scores["n_replicates"], n_planned)))
        rows.append(_row("bias_relative_to_sd", scores, reached, target, n_planned, noise))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _row(
    measure: str,
    table: pd.DataFrame,
    reached: pd.Series,
    wanted: float,
    n_planned: int,
    noise: pd.Series,
) -> dict:
    """The cell and parameter of one measure that need most; `noise` relative to n_needed."""
    row = {"measure": measure, "wanted": wanted, "n_planned": n_planned}
    if reached.empty or reached.isna().any():
        return row
    largest = reached[reached >= reached.max() * (1 - 1e-9)].index
    place = table.loc[largest, "mcse"].fillna(0).idxmax()  # of those taken together
    with np.errstate(over="ignore"):
        ratio = (reached[place] / wanted) ** 2
    if not n_planned * ratio < MOST_NEEDED:
        return row
    return row | {
        **table.loc[place, _KEY],
        "reached": reached[place],
        "n_needed": max(2, math.ceil(round(n_planned * ratio, 6))),
        "n_needed_mcse": n_planned * ratio * noise[place],
    }


def _coverage_mcse(hits: pd.DataFrame, level: float, n_planned: int) -> tuple[pd.Series, pd.Series]:
    """MCSEs of coverage at its nominal level, and the errors of their squares relative to them.

    Shares of fits that lack an interval are taken together where they do not differ.
    """
    n = hits["n_replicates"].where(hits["value"].notna()).astype(float)
    found, error, noise = 1 / n, 0 * n, _share_variance(n, n_planned)
    lacking = noise > 0
    if lacking.any():
        found[lacking], error[lacking] = _pooled(
            found[lacking].to_numpy(), noise[lacking].to_numpy()
        )
    return np.sqrt(level * (1 - level) * found), error / found


def _share_variance(n: pd.Series, n_planned: int) -> pd.Series:
    """Variance of a share n / n_planned of fits, relative to its square."""
    return 1 / n - 1 / n_planned


def _pooled(values: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What `taken_together` returns of independent values."""

    def pool(places: np.ndarray) -> tuple[float, float]:
        weights = 1 / noise[places] / (1 / noise[places]).sum()
        mean = weights @ values[places]
        return mean, mean * np.sqrt((weights**2 * noise[places]).sum())

    return pooled(values, noise, pool)


def largest_mcse(performance: pd.DataFrame, level: float) -> dict[str, dict[str, float]]:
    """Return the largest MCSE of coverage and of bias, and how many replicates it rests on.

    Bias is in posterior SDs (the measure z_score), so that parameters compare. So that noise
    is not taken for a large MCSE, that of bias is of cells that do not differ together, and
    coverage is taken at its nominal level where it does not differ from it clearly (exact
    binomial tests at 5 %, Bonferroni).
    """
    table = performance[performance["subset"] == "all"]
    scores = table[table["measure"] == "z_score"].dropna(subset="mcse")
    hits = rows_of_measure(table, "coverage", level).dropna(subset="mcse")
    n = hits["n_replicates"].to_numpy(dtype=np.int64)
    held = np.rint(hits["value"].to_numpy() * n)
    tail = np.minimum(special.bdtr(held, n, level), special.bdtrc(held - 1, n, level))
    share = hits["value"].where(2 * tail * max(1, len(hits)) < 0.05, level)
    reached = {
        "coverage": (hits, np.sqrt(share * (1 - share) / n)),
        "z_score": (scores, _bias_mcse(table, scores, None)[0]),
    }
    found = {measure: {"mcse": math.nan, "n_replicates": 0} for measure in reached}
    for measure, (rows, mcse) in reached.items():
        if len(mcse):
            place = mcse.idxmax()
            n_replicates = int(rows.loc[place, "n_replicates"])
            found[measure] = {"mcse": float(mcse[place]), "n_replicates": n_replicates}
    return found


def _bias_mcse(
    table: pd.DataFrame, scores: pd.DataFrame, cells: Cells | None
) -> tuple[pd.Series, pd.Series]:
    """MCSEs of mean z-scores, those that do not differ taken together.

    Returns
    -------
    reached, noise : Series
        By the index of `scores`: MCSE, and the standard error of its square relative to it.
    """
    known = scores[scores["mcse"].notna()]
    if len(known) < len(scores):
        return scores["mcse"], scores["mcse"]
    n = known["n_replicates"].to_numpy(dtype=float)
    variance = n * known["mcse"].to_numpy() ** 2
    noise = _noise(table, known)
    influence = _correlation_factor(known, cells)

    def pool(places: np.ndarray) -> tuple[float, float]:
        weights = 1 / noise[places] / (1 / noise[places]).sum()
        mean = weights @ variance[places]
        alone = np.sqrt((weights**2 * noise[places]).sum())
        return mean, mean * alone * influence(places, weights)

    found, error = pooled(variance, noise, pool)
    relative = np.divide(error, found, out=np.zeros(found.size), where=found > 0)
    return pd.Series(np.sqrt(found / n), known.index), pd.Series(relative, known.index)


def _noise(table: pd.DataFrame, scores: pd.DataFrame) -> np.ndarray:
    """Variance of every variance of z-scores relative to it: c / n, c the same for all cells.

    c follows from the MCSEs of empirical SEs, so errors need not be normal; 2 for those that are.
    """
    spread = table[(table["measure"] == "empirical_se") & (table["value"] > 0)]
    relative = 4 * (spread["mcse"] / spread["value"]) ** 2 * spread["n_replicates"]
    n = scores["n_replicates"].to_numpy(dtype=float)
    return np.full(n.size, relative.mean()) / n if relative.notna().any() else 2 / (n - 1)


def _correlation_factor(
    scores: pd.DataFrame, cells: Cells | None
) -> Callable[[np.ndarray, np.ndarray], float]:
    """How many times larger errors of weighted means are than if cells were independent."""

    def of(cells: Cells, place: int) -> tuple[np.ndarray, np.ndarray]:
        model, prior, parameter = scores[_KEY].iloc[place]
        x = cells[model, prior].estimates[parameter].with_standard_error
        squares = (x.error / x.sd - (x.error / x.sd).mean()) ** 2
        return x.replicate, (squares / squares.mean() - 1) / squares.size

    def times(places: np.ndarray, weights: np.ndarray) -> float:
        if cells is None or places.size == 1:
            return 1.0
        together: np.ndarray = np.zeros(0)
        alone = 0.0
        for place, weight in zip(places, weights, strict=True):
            replicate, moved = of(cells, place)
            moved = weight * moved
            alone += moved @ moved
            summed: np.ndarray = np.bincount(replicate, moved, minlength=together.size)
            summed[: together.size] += together
            together = summed
        return float(np.sqrt(together @ together / alone)) if alone > 0 else 1.0

    return times


def most_needed(table: pd.DataFrame) -> int | None:
    """Return how many replicates the scenarios of a study take, of all measures wanted.

    Those of one measure that do not differ by more than their noise are taken together. None
    where the replicates there cannot tell of some scenario.

    Parameters
    ----------
    table : DataFrame
        What `needed` returned, of all scenarios.
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


def in_whole_batches(study: Study, n_needed: int) -> int:
    """Return the fewest replicates, at least so many, that fill the study's largest batches."""
    size = max(batch_size(study, scenario) for scenario in scenarios_of(study))
    return math.ceil(n_needed / size) * size
