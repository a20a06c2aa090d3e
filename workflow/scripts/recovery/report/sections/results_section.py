"""The results on the page: outcomes of fits, a summary of models, and all cells."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from recovery.families.family import Family
from recovery.plan.figure_list import fits_by_prior, words
from recovery.report.number_formats import percent
from recovery.score.calibration import NOT_APPLICABLE
from recovery.score.failures import first_line, verification_failures
from recovery.score.measures import CELL, LARGE_MCMC_ERROR, rows_of_measure
from recovery.score.precision import most_needed
from recovery.score.verification import DISAGREE
from recovery.study.keys import Study
from recovery.study.methods import method

MOST_REASONS = 5


def totals(convergence: pd.DataFrame) -> dict[str, Any]:
    """Return how many fits of the study failed, converged, were repeated and were rescued."""
    final = convergence[convergence["attempt"] == "final"]
    first = convergence[convergence["attempt"] == "first"]
    counts = ["n_planned", "n_ok", "n_failed", "n_converged", "n_refitted"]
    sums: dict[str, int] = {count: int(final[count].sum()) for count in counts}
    return sums | {
        "missed": causes(final),
        "headline": headline(sums["n_planned"], sums["n_failed"], sums["n_converged"]),
        "n_rescued": sums["n_converged"] - int(first["n_converged"].sum()),
    }


def headline(n_planned: int, n_failed: int, n_converged: int) -> str:
    """Return a sentence on how many fits failed and how many did not converge."""
    n_ok = n_planned - n_failed
    n_not = n_ok - n_converged
    not_converged = f"{n_not:,} ({percent(n_not / n_ok)}) did not converge" if n_not else ""
    if n_failed:
        others = "; the others converged" if n_ok else ""
        rest = f"; of the others, {not_converged}" if n_not else others
        return f"{n_failed:,} of {n_planned:,} {_fits(n_planned)} failed{rest}."
    subject = "The fit" if n_planned == 1 else f"All {n_planned:,} fits"
    return f"{subject} ran; {not_converged}." if n_not else f"{subject} ran and converged."


def _fits(n: int) -> str:
    return "fit" if n == 1 else "fits"


_CAUSES = {
    "n_missed_divergent": "divergent transitions",
    "n_missed_ess": "low ESS",
    "n_missed_rhat": "rhat",
    "n_missed_ebfmi": "low E-BFMI",
    "n_missed_other": "the criterion of an estimator or approximation",
}


def causes(cells: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the causes of non-convergence with their numbers of fits, most frequent first."""
    rows = [{"cause": label, "n": int(cells[name].sum())} for name, label in _CAUSES.items()]
    return sorted((row for row in rows if row["n"]), key=lambda row: -row["n"])


def outcomes(convergence: pd.DataFrame) -> pd.DataFrame:
    """Return the first attempts of each cell, with the number of fits that failed finally."""
    first = convergence[convergence["attempt"] == "first"]
    final = convergence.loc[convergence["attempt"] == "final", [*CELL, "n_failed"]]
    return first.drop(columns="n_failed").merge(final, on=CELL)


def reasons(convergence: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the most frequent first errors of cells, each with its number of cells."""
    final = convergence[convergence["attempt"] == "final"]
    lines = final["error"].dropna().map(first_line)
    counts = lines.value_counts().head(MOST_REASONS)
    return [{"error": error, "n": n} for error, n in counts.items()]


def unsimulated(convergence: pd.DataFrame) -> list[str]:
    """Return the scenarios and numbers of datasets that could not be simulated, most first."""
    final = convergence[convergence["attempt"] == "final"]
    counts = final.groupby("scenario", sort=False)[["n_unsimulated", "n_planned"]].max()
    counts = counts[counts["n_unsimulated"] > 0].sort_values("n_unsimulated", ascending=False)
    lines = [
        f"{row.Index}: {row.n_unsimulated:,} of {row.n_planned:,}"
        for row in counts.head(MOST_REASONS).itertuples()
    ]
    more = len(counts) - len(lines)
    return [*lines, *([f"and {more:,} more scenarios"] if more else [])]


def model_rows(
    study: Study, family: Family, performance: pd.DataFrame, convergence: pd.DataFrame
) -> list[dict]:
    """Return a row for each model and prior and for each estimator, over all scenarios."""
    coverage = rows_of_measure(performance, "coverage", study.plotted_level)
    rows = []
    for model, prior in fits_by_prior(study):
        cells = convergence[(convergence["prior"] == prior) & (convergence["model"] == model)]
        shares = coverage[(coverage["prior"] == prior) & (coverage["model"] == model)]
        planned = len(shares) * study.replicates
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
                "causes": causes(cells),
                **_pooled_coverage(shares, planned),
                "worst": worst,
                "seconds": _over_fits(cells, "seconds"),
                "ess_per_second": _over_fits(cells, "ess_per_second"),
            }
        )
    return rows


def _pooled_coverage(shares: pd.DataFrame, planned: int) -> dict[str, Any]:
    """Return the coverage of all intervals, and its bounds over the missing intervals.

    Parameters
    ----------
    shares : DataFrame
        Coverages of cells and parameters; `n_replicates` is their number of intervals.
    planned : int
        Number of intervals if no fit lacks one.
    """
    n = int(shares["n_replicates"].sum())
    if n == 0:
        return {"coverage": None, "intervals": 0, "planned": planned, "bounds": None}
    hits = (shares["value"] * shares["n_replicates"]).sum()
    bounds = (hits / planned, (hits + planned - n) / planned)
    return {"coverage": hits / n, "intervals": n, "planned": planned, "bounds": bounds}


def _over_fits(cells: pd.DataFrame, mean: str) -> float:
    """Return the mean over all fits, from the means of cells and their numbers of fits."""
    known = cells[cells[mean].notna()]
    n = known["n_measured"]
    return (known[mean] * n).sum() / n.sum() if n.sum() else math.nan


def short_chains(performance: pd.DataFrame) -> dict[str, Any] | None:
    """Return how many cells and parameters have a large MCMC error, and the worst of them."""
    table = performance[performance["measure"] == "mcmc_error"].dropna(subset="value")
    large = table[table["value"] > LARGE_MCMC_ERROR]
    if large.empty:
        return None
    return {"n": len(large), "n_all": len(table), **large.loc[large["value"].idxmax()].to_dict()}


def precision(study: Study, family: Family, table: pd.DataFrame) -> dict[str, Any] | None:
    """Return how many replicates the target precision needs; None without a target."""
    if table.empty:
        return None
    needed = most_needed(table)
    labels = {name: method(family, name).label for name in study.methods}
    return {
        "rows": table.assign(model=table["model"].map(labels)).to_dict("records"),
        "n_needed": needed,
        "enough": needed is not None and needed <= study.replicates,
    }


def pareto_k(family: Family, convergence: pd.DataFrame) -> list[dict[str, Any]]:
    """Return for each Pathfinder approximation its fits, those with high Pareto k, the largest k.

    The largest is NaN if any k is infinite.
    """
    final = convergence[convergence["attempt"] == "final"]
    known = final[final["max_pareto_k"].notna() | (final["n_high_pareto_k"] > 0)]
    return [
        {
            "model": method(family, model).label,
            "n": int(fits["n_high_pareto_k"].sum()),
            "fits": int(fits["n_ok"].sum()),
            "largest": fits["max_pareto_k"].max(skipna=False),
        }
        for model, fits in known.groupby("model", sort=False)
    ]


def verification(study: Study, family: Family, table: pd.DataFrame) -> dict[str, Any] | None:
    """Return how well two engines agree; None if the study does not verify fits."""
    if study.verify is None:
        return None
    rows = table.assign(model=table["model"].map(lambda model: family.MODELS[model].label))
    disagree = rows[rows["verdict"] == DISAGREE]
    return {
        "rows": rows.to_dict("records"),
        "n": int(table.groupby("model", sort=False)["n_fits"].max().sum()),
        "one_engine": int(table.groupby("model", sort=False)["n_one_sided"].max().sum()),
        "failures": verification_failures(rows),
        "disagree": [f"{row.model}, {row.parameter}" for row in disagree.itertuples()],
    }


def calibration(family: Family, table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return verdict and smallest p-values of each cell to which calibration applies."""
    applicable = table[table["verdict"] != NOT_APPLICABLE]
    rows = []
    for (scenario, model, prior), quantities in applicable.groupby(CELL, sort=False):
        rows.append(
            {
                "scenario": scenario,
                "model": family.MODELS[model].label,
                "prior": words(prior),
                "verdict": quantities["verdict"].iloc[0],
                "reason": quantities["reason"].iloc[0],
                "quantities": int(quantities["quantity"].notna().sum()),
                "p_value": quantities["p_value"].min(),
                "p_corrected": quantities["p_corrected"].min(),
                "n_ranked": int(quantities["n_ranked"].min()),
                "n_left_out": int(quantities["n_left_out"].max()),
            }
        )
    return rows


def _worst(shares: pd.DataFrame, level: float) -> dict[str, Any]:
    """Return the coverage that chance explains least; with equal numbers of intervals, the lowest.

    It is low if its exact binomial test rejects at 2.5 %, corrected for the number of coverages.
    """
    n = shares["n_replicates"].to_numpy()
    p_values = special.bdtr(np.rint(shares["value"].to_numpy() * n), n, level)
    least = np.lexsort([shares["value"], p_values])[0]
    return {**shares.iloc[least].to_dict(), "low": p_values[least] < 0.025 / len(shares)}


def cells(
    study: Study, family: Family, performance: pd.DataFrame, convergence: pd.DataFrame
) -> list[dict]:
    """Return a row for each cell and parameter."""
    measures = {
        name: rows_of_measure(performance, name, study.plotted_level).set_index(
            [*CELL, "parameter"]
        )
        for name in ("bias", "rmse", "coverage", "coverage_lower_bound", "coverage_upper_bound")
    }
    fits = convergence.set_index(CELL)
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
                **{f"n_{name}": _count(bias[f"n_{name}"]) for name in study.counted_sizes},
                "model": method(family, cell[1]).label,
                "prior": words(cell[2]),
                "parameter": parameter,
                "order": list(family.PARAMETERS).index(parameter),
                "fits": fits.loc[cell].to_dict(),
            }
        )
    return rows


def _count(observations: float) -> str:
    return "as observed" if math.isnan(observations) else f"{observations:.0f}"
