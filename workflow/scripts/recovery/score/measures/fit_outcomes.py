"""How the fits of a cell went, and what that says of numbers that rest on some of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from recovery.score.measures.single import proportion
from recovery.study.methods import LARGEST_PARETO_K
from recovery.study.settings import Convergence

CAUSES = ("rhat", "ess", "divergent", "ebfmi", "other")


def convergence(diagnostics: pd.DataFrame, n_planned: int, min_ebfmi: float) -> pd.DataFrame:
    """Say how the fits of one cell went: at their first attempts, and finally.

    The final attempt is the one that estimates are of: the first that converged, else the
    last that did not fail.

    Parameters
    ----------
    diagnostics : DataFrame
        The cell's rows of the table `diagnostics`, one an attempt.
    n_planned : int
        Fits planned in the cell.
    min_ebfmi : float
        The study's threshold.

    Returns
    -------
    DataFrame
        Two rows: the columns of the table `convergence` without the cell's own. Rates are
        shares of all fits (of divergences, treedepth and E-BFMI: of those that drew), with
        mcse = sqrt(p (1 - p) / n) and the 95 % Wilson interval.
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
    """Return the row of every fit's final attempt, by replicate."""
    order = diagnostics.assign(ok=diagnostics["status"] == "ok")
    last = order.sort_values(["replicate", "ok", "attempt"]).groupby("replicate").tail(1)
    return last.drop(columns="ok")


_SAMPLER_RATES = ("divergent", "max_treedepth", "low_ebfmi")  # of fits that drew


def _counts_and_rates(diagnostics: pd.DataFrame, min_ebfmi: float) -> dict[str, float]:
    """Counts and rates of one row a fit."""
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
    drew = ok & diagnostics["n_divergent"].notna().to_numpy()
    for rate, hits in outcomes.items():
        hits = hits[drew] if rate in _SAMPLER_RATES else hits
        found = proportion(hits) if hits.size else None
        for part in ("value", "mcse", "lower", "upper"):
            name = f"{rate}_rate" + ("" if part == "value" else f"_{part}")
            row[name] = getattr(found, part) if found else np.nan
    return row


def converged_replicates(diagnostics: pd.DataFrame) -> np.ndarray:
    """Return the numbers of the replicates whose fit converged, in order."""
    good = diagnostics.loc[diagnostics["converged"] == True, "replicate"]  # noqa: E712
    return np.unique(good.to_numpy())


def common_replicates(converged: Sequence[np.ndarray]) -> np.ndarray:
    """Return the replicates that are in all of these sorted arrays."""
    found = converged[0]
    for other in converged[1:]:
        if not np.array_equal(found, other):  # often all are the same: no sorting then
            found = np.intersect1d(found, other, assume_unique=True)
    return found


def missed_thresholds(fits: pd.DataFrame, wanted: Convergence, chains: int) -> pd.DataFrame:
    """Return which thresholds each fit missed; none where it converged or failed.

    Parameters
    ----------
    fits : DataFrame
        Rows of the table `diagnostics`. Where no chain moved, rhat is not there and missed.
    chains : int
        Of every fit.

    Returns
    -------
    DataFrame of bool
        A column for each of `CAUSES`; `other` where none of the thresholds is: estimators and
        approximations have rules of their own, and say in `error` which.
    """
    lost = (fits["status"] == "ok") & ~(fits["converged"] == True)  # noqa: E712
    number = fits[["max_rhat", "min_ess_bulk", "min_ess_tail", "min_ebfmi"]].astype(float)
    drew = lost & fits["n_divergent"].notna() & fits["error"].isna()
    ess = number[["min_ess_bulk", "min_ess_tail"]].min(axis=1)
    found = pd.DataFrame(
        {
            "rhat": ~(number["max_rhat"] <= wanted.max_rhat),
            "ess": ess < wanted.min_ess_per_chain * chains,
            "divergent": fits["n_divergent"].astype(float) > wanted.max_divergent,
            "ebfmi": number["min_ebfmi"] < wanted.min_ebfmi,
        }
    )
    found = found & drew.to_numpy()[:, None]
    return found.assign(other=lost & ~found.any(axis=1))


def causes(diagnostics: pd.DataFrame, wanted: Convergence, chains: int) -> dict[str, list[int]]:
    """Return how many fits of a cell missed each threshold: at first attempts, and finally."""
    first = diagnostics[diagnostics["attempt"] == 1]
    both = [
        missed_thresholds(each, wanted, chains) for each in (first, final_attempts(diagnostics))
    ]
    return {f"n_missed_{cause}": [int(each[cause].sum()) for each in both] for cause in CAUSES}
