"""How many replicates it takes to know a study's numbers as well as it wants. Pure."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from recovery.measures import of_level
from recovery.scenarios import batch_size, scenarios_of
from recovery.settings import Precision
from recovery.study import Study

MOST_NEEDED = 1e12  # beyond which there is no number that anyone could run
_COLUMNS = ["measure", "model", "prior", "parameter", "wanted", "reached"]
_COLUMNS += ["n_planned", "n_needed", "n_needed_mcse"]


def needed(
    performance: pd.DataFrame, wanted: Precision | None, level: float, n_planned: int
) -> pd.DataFrame:
    """Return how many replicates each wanted MCSE takes in one scenario.

    An MCSE falls with the square root of the replicates: n wanted = n (reached / wanted)^2,
    for the cell and parameter that need most. Coverage is taken at its nominal level, since
    an observed 100 % would ask for nothing. Fits that failed are made up for by more replicates.

    Parameters
    ----------
    performance : DataFrame
        `measures.performance` of the scenario.
    level : float
        Of the intervals whose coverage is meant.
    n_planned : int
        Replicates that the study has now.

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
        hits = of_level(table, "coverage", level)
        reached = np.sqrt(level * (1 - level) / hits["n_replicates"].where(hits["value"].notna()))
        rows.append(_row("coverage", hits, reached, wanted.coverage, n_planned, 0.0))
    if wanted and wanted.bias_relative_to_sd:
        scores = table[table["measure"] == "z_score"]
        # of a squared standard error: 2 / (n - 1) of its square, for normal errors
        noise = math.sqrt(2 / max(n_planned - 1, 1))
        target = wanted.bias_relative_to_sd
        rows.append(_row("bias_relative_to_sd", scores, scores["mcse"], target, n_planned, noise))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _row(
    measure: str,
    table: pd.DataFrame,
    reached: pd.Series,
    wanted: float,
    n_planned: int,
    noise: float,
) -> dict:
    """The cell and parameter of one measure that need most; `noise` relative to n_needed."""
    row = {"measure": measure, "wanted": wanted, "n_planned": n_planned}
    if reached.isna().any():
        return row
    place = reached.idxmax()
    with np.errstate(over="ignore"):
        ratio = (reached[place] / wanted) ** 2
    if not n_planned * ratio < MOST_NEEDED:
        return row
    return row | {
        **table.loc[place, ["model", "prior", "parameter"]],
        "reached": reached[place],
        "n_needed": max(2, math.ceil(round(n_planned * ratio, 6))),
        "n_needed_mcse": n_planned * ratio * noise,
    }


def in_whole_batches(study: Study, n_needed: int) -> int:
    """Return the fewest replicates, at least so many, that fill the study's largest batches."""
    size = max(batch_size(study, scenario) for scenario in scenarios_of(study))
    return math.ceil(n_needed / size) * size
