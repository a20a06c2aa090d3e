"""What was found: how fits went, models at a glance, and every cell."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from scipy import stats

from recovery.calibration import NOT_APPLICABLE
from recovery.estimators import method, methods
from recovery.failures import first_line, of_verification
from recovery.families.base import Family
from recovery.gallery import fits_by_prior, words
from recovery.measures import CELL, LARGE_MCMC_ERROR, of_level
from recovery.precision import in_whole_batches
from recovery.study import Study
from recovery.verification import DISAGREE

MOST_REASONS = 5


def totals(convergence: pd.DataFrame) -> dict[str, int]:
    """Return how the fits of the whole study went, finally, and how many were made again."""
    final = convergence[convergence["attempt"] == "final"]
    first = convergence[convergence["attempt"] == "first"]
    counts = ["n_planned", "n_ok", "n_failed", "n_converged", "n_refitted"]
    found = {count: int(final[count].sum()) for count in counts}
    return found | {"n_rescued": found["n_converged"] - int(first["n_converged"].sum())}


def went(convergence: pd.DataFrame) -> pd.DataFrame:
    """How fits went, a row a cell: first attempts, and how many failed at the last."""
    first = convergence[convergence["attempt"] == "first"]
    final = convergence.loc[convergence["attempt"] == "final", [*CELL, "n_failed"]]
    return first.drop(columns="n_failed").merge(final, on=CELL)


def reasons(convergence: pd.DataFrame) -> list[dict[str, Any]]:
    """Why fits failed: the commonest first errors of cells, and in how many each is."""
    final = convergence[convergence["attempt"] == "final"]
    lines = final["error"].dropna().map(first_line)
    counts = lines.value_counts().head(MOST_REASONS)
    return [{"error": error, "n": n} for error, n in counts.items()]


def glance(
    study: Study, family: Family, performance: pd.DataFrame, convergence: pd.DataFrame
) -> list[dict]:
    """A row a model and prior, and one an estimator, over all scenarios."""
    coverage = of_level(performance, "coverage", study.plotted_level)
    rows = []
    for model, prior in fits_by_prior(study):
        cells = convergence[(convergence["prior"] == prior) & (convergence["model"] == model)]
        shares = coverage[(coverage["prior"] == prior) & (coverage["model"] == model)]
        shares = shares[shares["value"].notna()]
        worst = _worst(shares, study.plotted_level) if len(shares) else None
        fits = cells["n_planned"].sum()
        rows.append(
            {
                "model": method(family, model).label,
                "prior": words(prior),
                "fits": int(fits),
                "failed": int(cells["n_failed"].sum()),
                "converged": cells["n_converged"].sum() / fits,
                "coverage": shares["value"].mean() if len(shares) else None,
                "worst": worst,
                "seconds": cells["seconds"].mean(),
                "ess_per_second": cells["ess_per_second"].mean(),
            }
        )
    return rows


def short_chains(performance: pd.DataFrame) -> dict[str, Any] | None:
    """How many cells and parameters have an MCMC error that is not small, and the worst."""
    table = performance[performance["measure"] == "mcmc_error"].dropna(subset="value")
    large = table[table["value"] > LARGE_MCMC_ERROR]
    if large.empty:
        return None
    return {"n": len(large), "of": len(table), **large.loc[large["value"].idxmax()].to_dict()}


def precision(study: Study, family: Family, table: pd.DataFrame) -> dict[str, Any] | None:
    """How many replicates the wanted precision takes; None where the study wants none."""
    if table.empty:
        return None
    most = table["n_needed"].max() if table["n_needed"].notna().all() else None
    labels = {name: method(family, name).label for name in methods(study)}
    return {
        "rows": table.assign(model=table["model"].map(labels)).to_dict("records"),
        "n_needed": most and int(most),
        "in_batches": most and in_whole_batches(study, int(most)),
        "enough": most is not None and most <= study.replicates,
    }


def pareto_k(family: Family, convergence: pd.DataFrame) -> list[dict[str, Any]]:
    """A row an approximation by Pathfinder: fits, how many have a high Pareto k, the largest.

    The largest is NaN where one is infinite.
    """
    final = convergence[convergence["attempt"] == "final"]
    known = final[final["max_pareto_k"].notna() | (final["n_high_pareto_k"] > 0)]
    return [
        {
            "model": method(family, model).label,
            "n": int(mine["n_high_pareto_k"].sum()),
            "fits": int(mine["n_ok"].sum()),
            "largest": mine["max_pareto_k"].max(skipna=False),
        }
        for model, mine in known.groupby("model", sort=False)
    ]


def verified(study: Study, family: Family, table: pd.DataFrame) -> dict[str, Any] | None:
    """How well two engines agree; None where the study asks for one alone."""
    if study.verify is None:
        return None
    rows = table.assign(model=table["model"].map(lambda model: family.MODELS[model].label))
    disagree = rows[rows["verdict"] == DISAGREE]
    return {
        "rows": rows.to_dict("records"),
        "n": int(table.groupby("model", sort=False)["n_fits"].max().sum()),
        "alone": int(table.groupby("model", sort=False)["n_one_sided"].max().sum()),
        "failures": of_verification(rows),
        "disagree": [f"{row.model}, {row.parameter}" for row in disagree.itertuples()],
    }


def calibrated(family: Family, calibration: pd.DataFrame) -> list[dict[str, Any]]:
    """A row a cell to which calibration applies: its verdict, and its least uniform quantity."""
    table = calibration[calibration["verdict"] != NOT_APPLICABLE]
    rows = []
    for (scenario, model, prior), mine in table.groupby(CELL, sort=False):
        rows.append(
            {
                "scenario": scenario,
                "model": family.MODELS[model].label,
                "prior": words(prior),
                "verdict": mine["verdict"].iloc[0],
                "reason": mine["reason"].iloc[0],
                "quantities": int(mine["quantity"].notna().sum()),
                "p_value": mine["p_value"].min(),
                "p_corrected": mine["p_corrected"].min(),
                "n_left_out": int(mine["n_left_out"].max()),
            }
        )
    return rows


def _worst(shares: pd.DataFrame, level: float) -> dict[str, Any]:
    """The lowest of many coverages, low only if chance among so many does not explain it.

    By an exact binomial test at 2.5 %, corrected for how many it is the lowest of.
    """
    lowest = shares.loc[shares["value"].idxmin()].to_dict()
    n = lowest["n_replicates"]
    p_value = stats.binom.cdf(round(lowest["value"] * n), n, level)
    return {**lowest, "low": p_value < 0.025 / len(shares)}


def cells(
    study: Study, family: Family, performance: pd.DataFrame, convergence: pd.DataFrame
) -> list[dict]:
    """A row a cell and parameter."""
    measures = {
        name: of_level(performance, name, study.plotted_level).set_index([*CELL, "parameter"])
        for name in ("bias", "rmse", "coverage")
    }
    went = convergence.set_index(CELL)
    rows = []
    for key, bias in measures["bias"].iterrows():
        cell, parameter = key[:3], key[3]
        row = {name: table.loc[key].to_dict() for name, table in measures.items()}
        rows.append(
            {
                **row,
                "truth": words(bias["truth"]),
                "participants": int(bias["participants"]),
                "observations": _count(bias["observations"]),
                "model": method(family, cell[1]).label,
                "prior": words(cell[2]),
                "parameter": parameter,
                "order": list(family.PARAMETERS).index(parameter),
                "went": went.loc[cell].to_dict(),
            }
        )
    return rows


def _count(observations: float) -> str:
    return "as observed" if math.isnan(observations) else f"{observations:.0f}"
