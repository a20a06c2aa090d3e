"""Why fits did not converge: which of the study's thresholds they missed. Pure."""

from __future__ import annotations

import pandas as pd

from recovery.measures import final_attempts
from recovery.settings import Convergence

CAUSES = ("rhat", "ess", "divergent", "ebfmi", "other")


def missed(fits: pd.DataFrame, wanted: Convergence, chains: int) -> pd.DataFrame:
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


def counts(diagnostics: pd.DataFrame, wanted: Convergence, chains: int) -> dict[str, list[int]]:
    """Return how many fits of a cell missed each threshold: at first attempts, and finally."""
    first = diagnostics[diagnostics["attempt"] == 1]
    both = [missed(each, wanted, chains) for each in (first, final_attempts(diagnostics))]
    return {f"n_missed_{cause}": [int(each[cause].sum()) for each in both] for cause in CAUSES}
