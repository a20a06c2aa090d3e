"""Simulation-based calibration: whether posteriors are what their joint model says.

Truths drawn from the prior have uniform ranks among posterior draws, if program, prior and
sampler are right: Talts et al. (2018), arXiv:1804.06788; Modrak et al. (2023),
doi:10.1214/23-BA1404. A cell is judged only where its program is exact for what simulated
its data, under the same prior.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from recovery import tables
from recovery.families.family import Family
from recovery.plan.design import Cell, Design
from recovery.plan.seeds import rank_rng
from recovery.score.measures.uniformity import SMALLEST_P, holm, p_value
from recovery.study.keys import Study
from recovery.study.methods import NO_PRIOR
from recovery.study.truths import PriorTruth

FAMILY_WISE = 0.01  # chance that any of a study's calibrated quantities is called miscalibrated
MOST_LEFT_OUT = 0.01  # share of replicates without a usable rank, above which nothing is said
FEWEST_REPLICATES = 100  # replicates; with fewer a band is too wide to say anything

CALIBRATED, MISCALIBRATED = "calibrated", "miscalibrated"
INCONCLUSIVE, NOT_APPLICABLE = "inconclusive", "not applicable"
COLUMNS = ["quantity", "n_ranked", "n_left_out", "p_value", "verdict", "reason"]


def reason_not_applicable(
    study: Study, family: Family, truth: str, model: str, prior: str
) -> str | None:
    """Return why calibration does not apply to a cell; None where it does."""
    source = study.truths[truth]
    if prior == NO_PRIOR:
        return "an estimator has no posterior"
    if model in study.estimators:
        return "an approximation is not the posterior of its program"
    if not isinstance(source, PriorTruth):
        return "its truth is not drawn from a prior"
    if study.priors[source.prior] != study.priors[prior]:
        return "its truth is drawn from another prior"
    joint = family.MODELS[source.model].joint if source.model else family.JOINT
    if family.MODELS[model].joint != joint:
        return "its data come from a joint model that the program is not exact for"
    return None


def read_ranks(design: Design, cell: Cell) -> pd.DataFrame:
    """Return the ranks of a cell, those of participants' own coefficients left out.

    Returns
    -------
    DataFrame
        replicate, parameter, rank, max_rank: a row a replicate and quantity.
    """
    columns = ["replicate", "parameter", "rank", "max_rank"]
    estimates = tables.read_frame(design.cell_files("estimates", cell), columns)
    family = design.family
    effects = family.group_coefficients(list(estimates["parameter"].unique())).values()
    return estimates[~estimates["parameter"].isin([name for names in effects for name in names])]


def uniform_values(ranks: pd.DataFrame, fits: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return continuous values that are uniform where ranks are: (rank + v) / (max_rank + 1).

    v is uniform from each fit's own seed. Fits whose smallest bulk ESS is below the number
    of ranked draws are left out.

    Parameters
    ----------
    ranks : DataFrame
        replicate, parameter, rank, max_rank: a row a replicate and quantity.
    fits : DataFrame
        Final attempts: replicate, status, min_ess_bulk, seed.

    Returns
    -------
    dict of ndarray
        Quantity -> values by replicate.
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
    found = {quantity: np.empty(0) for quantity in quantities}
    return found | {name: part.to_numpy() for name, part in table.groupby("parameter")["u"]}


def cell_p_values(ranks: pd.DataFrame, fits: pd.DataFrame, n_planned: int) -> pd.DataFrame:
    """Return the p-value of every quantity of a cell; `judge` corrects them and gives verdicts.

    Its reason is so far what holds whatever the verdict: where some datasets could not be
    simulated, truths are draws from the prior only given that data can be had.
    """
    found, note = uniform_values(ranks, fits), _simulation_note(fits, n_planned)
    if not found:  # every fit failed
        return pd.DataFrame([(None, 0, n_planned, np.nan, "", note)], columns=COLUMNS)
    rows = []
    for quantity, values in found.items():
        n = values.size
        p = p_value(values) if n >= FEWEST_REPLICATES else np.nan
        rows.append((quantity, n, n_planned - n, p, "", note))
    return pd.DataFrame(rows, columns=COLUMNS)


def _simulation_note(fits: pd.DataFrame, n_planned: int) -> str:
    """Say of how many replicates there are no data, and what that makes of their truths."""
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
    """Correct all p-values of a study for their number, and give every cell one verdict.

    Parameters
    ----------
    table : DataFrame
        What `of_cell` and `not_applicable` returned, with the columns `cell`.

    Returns
    -------
    DataFrame
        With `p_corrected` (Holm) and, the same in all rows of a cell, `verdict` and `reason`.
    """
    tested = table["p_value"].notna()
    corrected = np.full(len(table), np.nan)
    corrected[tested] = holm(table.loc[tested, "p_value"].to_numpy())
    table = table.assign(p_corrected=corrected)
    telling = tested.sum() * SMALLEST_P < FAMILY_WISE
    parts = [_cell_with_verdict(part, telling) for _, part in table.groupby(list(cell), sort=False)]
    return pd.concat(parts, ignore_index=True)


def _cell_with_verdict(cell: pd.DataFrame, telling: bool) -> pd.DataFrame:
    """One cell with its verdict; `telling` if the smallest p-value there can be would do."""
    if (cell["verdict"] == NOT_APPLICABLE).all():
        return cell
    planned = (cell["n_ranked"] + cell["n_left_out"]).max()
    failing = cell.loc[cell["p_corrected"] < FAMILY_WISE, "quantity"]
    if cell["n_ranked"].min() < FEWEST_REPLICATES:
        verdict, reason = INCONCLUSIVE, f"fewer than {FEWEST_REPLICATES} replicates have ranks"
    elif cell["n_left_out"].max() > MOST_LEFT_OUT * planned:
        verdict, reason = INCONCLUSIVE, "too many fits failed, or have too few effective draws"
    elif not telling:
        verdict, reason = INCONCLUSIVE, "too many quantities in one study for these p-values"
    elif len(failing):
        verdict, reason = MISCALIBRATED, f"ranks are not uniform: {', '.join(failing)}"
    else:
        verdict, reason = CALIBRATED, ""
    note = cell["reason"].iloc[0]
    return cell.assign(verdict=verdict, reason="; ".join(filter(None, (reason, note))))
