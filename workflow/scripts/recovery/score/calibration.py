"""Simulation-based calibration: tests of whether posteriors are correct for their joint model.

Truths drawn from the prior have uniform ranks among posterior draws if program, prior and
sampler are correct: Talts et al. (2018), arXiv:1804.06788; Modrak et al. (2023),
doi:10.1214/23-BA1404. A cell is tested only if its truths are drawn from its prior and its
program is exact for the data-generating mechanism.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from recovery import tables
from recovery.families.family import Family
from recovery.families.priors import content_of, fixed_by
from recovery.plan.design import Cell, Design
from recovery.plan.seeds import rank_rng
from recovery.score.measures.uniformity import SMALLEST_P, holm, p_value
from recovery.study.keys import Study
from recovery.study.methods import NO_PRIOR
from recovery.study.truths import PriorTruth

FAMILY_WISE = 0.01  # chance of a false "miscalibrated" among all quantities of a study
MOST_LEFT_OUT = 0.01  # largest share of replicates without a usable rank for a verdict
FEWEST_REPLICATES = 100  # replicates; with fewer, the test has too little power

CALIBRATED, MISCALIBRATED = "calibrated", "miscalibrated"
INCONCLUSIVE, NOT_APPLICABLE = "inconclusive", "not applicable"
COLUMNS = ["quantity", "n_ranked", "n_left_out", "p_value", "verdict", "reason"]


def reason_not_applicable(
    study: Study, family: Family, truth: str, model: str, prior: str
) -> str | None:
    """Return why calibration does not apply to a cell; None if it applies."""
    source = study.truths[truth]
    if prior == NO_PRIOR:
        return "an estimator has no posterior"
    if model in study.estimators:
        return "an approximation is not the posterior of its program"
    if not isinstance(source, PriorTruth):
        return "its truth is not drawn from a prior"
    if content_of(study.priors[source.prior]) != content_of(study.priors[prior]):
        return "its truth is drawn from another prior"
    joint = family.MODELS[source.model].joint if source.model else family.JOINT
    if family.MODELS[model].joint != joint:
        return "its data come from a joint model that the program is not exact for"
    return None


def read_ranks(design: Design, cell: Cell) -> pd.DataFrame:
    """Return the ranks of a cell; participants' coefficients and what a prior fixes have none.

    Returns
    -------
    DataFrame
        replicate, parameter, rank, max_rank: one row per replicate and quantity.
    """
    columns = ["replicate", "parameter", "rank", "max_rank"]
    estimates = tables.read_frame(design.cell_files("estimates", cell), columns)
    family = design.family
    effects = family.group_coefficients(list(estimates["parameter"].unique())).values()
    left_out = {name for names in effects for name in names}
    left_out |= fixed_by(design.study.priors.get(cell[2]))
    return estimates[~estimates["parameter"].isin(left_out)]


def uniform_values(ranks: pd.DataFrame, fits: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return (rank + v) / (max_rank + 1), which is continuous and uniform if ranks are uniform.

    v is uniform, from the seed of each fit. Fits whose smallest bulk ESS is below the number
    of ranked draws are left out.

    Parameters
    ----------
    ranks : DataFrame
        replicate, parameter, rank, max_rank: one row per replicate and quantity.
    fits : DataFrame
        Final attempts: replicate, status, min_ess_bulk, seed.

    Returns
    -------
    dict of ndarray
        Quantity -> values, in the order of replicates.
    """
    table = ranks.merge(fits[["replicate", "status", "min_ess_bulk", "seed"]], on="replicate")
    table = table[(table["status"] == "ok") & (table["min_ess_bulk"] >= table["max_rank"])]
    quantities = list(dict.fromkeys(ranks["parameter"]))
    jitter = {
        seed: dict(zip(quantities, rank_rng(seed, "jitter").random(len(quantities)), strict=True))
        for seed in table["seed"].unique()
    }
    keys = zip(table["seed"], table["parameter"], strict=True)
    v = np.array([jitter[seed][quantity] for seed, quantity in keys])
    table = table.assign(u=(table["rank"] + v) / (table["max_rank"] + 1))
    table = table.sort_values("replicate", kind="stable")
    values = {quantity: np.empty(0) for quantity in quantities}
    return values | {name: part.to_numpy() for name, part in table.groupby("parameter")["u"]}


def cell_p_values(ranks: pd.DataFrame, fits: pd.DataFrame, n_planned: int) -> pd.DataFrame:
    """Return the p-value of every quantity of a cell; `with_verdicts` corrects them later.

    The column `reason` has a note that holds for every verdict: if some datasets could not be
    simulated, truths are draws from the prior conditional on data that can be simulated.
    """
    uniform, note = uniform_values(ranks, fits), _simulation_note(fits, n_planned)
    if not uniform:  # every fit failed
        return pd.DataFrame([(None, 0, n_planned, np.nan, "", note)], columns=COLUMNS)
    rows = []
    for quantity, values in uniform.items():
        n = values.size
        p = p_value(values) if n >= FEWEST_REPLICATES else np.nan
        rows.append((quantity, n, n_planned - n, p, "", note))
    return pd.DataFrame(rows, columns=COLUMNS)


def _simulation_note(fits: pd.DataFrame, n_planned: int) -> str:
    """The number of datasets that could not be simulated, and what that means for truths."""
    n = int((fits["failed_in"] == "simulation").sum())
    if not n:
        return ""
    return (
        f"{n} of {n_planned} datasets could not be simulated, so truths are draws from the prior "
        "only where data can be simulated"
    )


def not_applicable(reason: str) -> pd.DataFrame:
    """Return the row of a cell to which calibration does not apply."""
    row = (None, 0, 0, np.nan, NOT_APPLICABLE, reason)
    return pd.DataFrame([row], columns=COLUMNS)


def with_verdicts(table: pd.DataFrame, cell: Sequence[str]) -> pd.DataFrame:
    """Adjust all p-values of a study for multiple testing, and give every cell one verdict.

    Parameters
    ----------
    table : DataFrame
        Rows of `cell_p_values` and `not_applicable`, with the columns `cell`.

    Returns
    -------
    DataFrame
        With `p_corrected` (Holm) and, the same in all rows of a cell, `verdict` and `reason`.
    """
    tested = table["p_value"].notna()
    corrected = np.full(len(table), np.nan)
    corrected[tested] = holm(table.loc[tested, "p_value"].to_numpy())
    table = table.assign(p_corrected=corrected)
    attainable = tested.sum() * SMALLEST_P < FAMILY_WISE
    parts = [
        _cell_with_verdict(part, attainable) for _, part in table.groupby(list(cell), sort=False)
    ]
    return pd.concat(parts, ignore_index=True)


def _cell_with_verdict(cell: pd.DataFrame, attainable: bool) -> pd.DataFrame:
    """One cell with its verdict; `attainable` if the smallest possible p-value is significant."""
    if (cell["verdict"] == NOT_APPLICABLE).all():
        return cell
    planned = (cell["n_ranked"] + cell["n_left_out"]).max()
    rejected = cell.loc[cell["p_corrected"] < FAMILY_WISE, "quantity"]
    if cell["n_ranked"].min() < FEWEST_REPLICATES:
        verdict, reason = INCONCLUSIVE, f"fewer than {FEWEST_REPLICATES} replicates have ranks"
    elif cell["n_left_out"].max() > MOST_LEFT_OUT * planned:
        verdict, reason = INCONCLUSIVE, "too many fits failed, or have too few effective draws"
    elif not attainable:
        verdict, reason = INCONCLUSIVE, "too many quantities in one study for these p-values"
    elif len(rejected):
        verdict, reason = MISCALIBRATED, f"ranks are not uniform: {', '.join(rejected)}"
    else:
        verdict, reason = CALIBRATED, ""
    note = cell["reason"].iloc[0]
    return cell.assign(verdict=verdict, reason="; ".join(filter(None, (reason, note))))
