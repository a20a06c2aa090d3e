"""Outcomes of the fits of a cell: failures, convergence, and causes of non-convergence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from recovery.score.measures.performance_measures import proportion
from recovery.study.methods import LARGEST_PARETO_K
from recovery.study.settings import Convergence

CAUSES = ("rhat", "ess", "divergent", "ebfmi", "other")


def convergence(diagnostics: pd.DataFrame, n_planned: int, min_ebfmi: float) -> pd.DataFrame:
    """Return the outcomes of the fits of one cell, at first and at final attempts.

    The estimates are those of the final attempt: the first that converged or, if none did, the
    last that did not fail.

    Parameters
    ----------
    diagnostics : DataFrame
        The cell's rows of the table `diagnostics`, one per attempt.
    n_planned : int
        Number of planned fits in the cell.
    min_ebfmi : float
        The study's threshold.

    Returns
    -------
    DataFrame
        Two rows, with the columns of the table `convergence` except those of the cell. Rates
        are proportions of all fits, or for divergences, treedepth and E-BFMI of the fits with
        draws, with mcse = sqrt(p (1 - p) / n) and the 95 % Wilson interval.
    """
    first = diagnostics[diagnostics["attempt"] == 1]
    attempts = {"first": first, "final": final_attempts(diagnostics)}
    refitted = int((diagnostics["attempt"] == 2).sum())
    return pd.DataFrame(
        {
            "attempt": name,
            "n_planned": n_planned,
            "n_refitted": refitted,
            **_counts_and_rates(rows, min_ebfmi),
        }
        for name, rows in attempts.items()
    )


def final_attempts(diagnostics: pd.DataFrame) -> pd.DataFrame:
    """Return the row of the final attempt of every fit, in the order of replicates."""
    attempts = diagnostics.assign(ok=diagnostics["status"] == "ok")
    last = attempts.sort_values(["replicate", "ok", "attempt"]).groupby("replicate").tail(1)
    return last.drop(columns="ok")


_SAMPLER_RATES = ("divergent", "max_treedepth", "low_ebfmi")  # of the fits with draws


def _counts_and_rates(diagnostics: pd.DataFrame, min_ebfmi: float) -> dict[str, float]:
    """Counts and rates of outcomes, from one row per fit."""
    ok = (diagnostics["status"] == "ok").to_numpy()
    converged = (diagnostics["converged"] == True).to_numpy()  # noqa: E712
    outcomes = {
        "failed": ~ok,
        "converged": converged,
        "not_converged": ok & ~converged,
        "divergent": (diagnostics["n_divergent"] > 0).to_numpy(),
        "max_treedepth": (diagnostics["n_max_treedepth"] > 0).to_numpy(),
        "low_ebfmi": ~(diagnostics["min_ebfmi"] >= min_ebfmi).to_numpy(),
    }
    row = {
        "n_ok": int(ok.sum()),
        "n_failed": int(outcomes["failed"].sum()),
        "n_unsimulated": int((diagnostics["failed_in"] == "simulation").sum()),
        "n_converged": int(converged.sum()),
        "error": diagnostics["error"].iloc[np.argmin(ok)] if not ok.all() else None,
        "n_high_pareto_k": int((diagnostics["pareto_k"] > LARGEST_PARETO_K).sum()),
        "max_pareto_k": diagnostics["pareto_k"].max(),
    }
    has_draws = ok & diagnostics["n_divergent"].notna().to_numpy()
    for outcome, hits in outcomes.items():
        hits = hits[has_draws] if outcome in _SAMPLER_RATES else hits
        rate = proportion(hits) if hits.size else None
        for part in ("value", "mcse", "lower", "upper"):
            name = f"{outcome}_rate" + ("" if part == "value" else f"_{part}")
            row[name] = getattr(rate, part) if rate else np.nan
    return row


def converged_replicates(diagnostics: pd.DataFrame) -> np.ndarray:
    """Return the sorted numbers of the replicates with a fit that converged."""
    converged = diagnostics.loc[diagnostics["converged"] == True, "replicate"]  # noqa: E712
    return np.unique(converged.to_numpy())


def common_replicates(converged: Sequence[np.ndarray]) -> np.ndarray:
    """Return the replicates that are in all of these sorted arrays."""
    replicates = converged[0]
    for other in converged[1:]:
        if not np.array_equal(replicates, other):  # equal arrays are frequent and need no sorting
            replicates = np.intersect1d(replicates, other, assume_unique=True)
    return replicates


def missed_thresholds(fits: pd.DataFrame, thresholds: Convergence, chains: int) -> pd.DataFrame:
    """Return the thresholds that each fit missed; none if it converged or failed.

    Parameters
    ----------
    fits : DataFrame
        Rows of the table `diagnostics`. If no chain moves, rhat is null and counts as missed.
    chains : int
        Number of chains of a fit.

    Returns
    -------
    DataFrame of bool
        A column for each of `CAUSES`. The cause is `other` if no threshold was missed: estimators
        and approximations have their own rules, and `error` has the reason.
    """
    not_converged = (fits["status"] == "ok") & ~(fits["converged"] == True)  # noqa: E712
    number = fits[["max_rhat", "min_ess_bulk", "min_ess_tail", "min_ebfmi"]].astype(float)
    sampled = not_converged & fits["n_divergent"].notna() & fits["error"].isna()
    ess = number[["min_ess_bulk", "min_ess_tail"]].min(axis=1)
    missed = pd.DataFrame(
        {
            "rhat": ~(number["max_rhat"] <= thresholds.max_rhat),
            "ess": ess < thresholds.min_ess_per_chain * chains,
            "divergent": fits["n_divergent"].astype(float) > thresholds.max_divergent,
            "ebfmi": number["min_ebfmi"] < thresholds.min_ebfmi,
        }
    )
    missed = missed & sampled.to_numpy()[:, None]
    return missed.assign(other=not_converged & ~missed.any(axis=1))


def causes(diagnostics: pd.DataFrame, thresholds: Convergence, chains: int) -> dict[str, list[int]]:
    """Return how many fits of a cell missed each threshold, at first and at final attempts."""
    first = diagnostics[diagnostics["attempt"] == 1]
    tables = [
        missed_thresholds(attempts, thresholds, chains)
        for attempts in (first, final_attempts(diagnostics))
    ]
    return {f"n_missed_{cause}": [int(table[cause].sum()) for table in tables] for cause in CAUSES}
