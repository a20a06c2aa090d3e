"""What was found: how fits went, models at a glance, and every cell."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from recovery.families.family import Family
from recovery.plan.figure_list import fits_by_prior, words
from recovery.report.number_formats import percent
from recovery.score.calibration import NOT_APPLICABLE
from recovery.score.failures import first_line, verification_failures
from recovery.score.measures import CELL, LARGE_MCMC_ERROR, rows_of_measure
from recovery.score.precision import in_whole_batches, most_needed
from recovery.score.verification import DISAGREE
from recovery.study.methods import method
from recovery.study.model import Study

MOST_REASONS = 5


def totals(convergence: pd.DataFrame) -> dict[str, Any]:
    """Return how the fits of the whole study went, finally, and how many were made again."""
    final = convergence[convergence["attempt"] == "final"]
    first = convergence[convergence["attempt"] == "first"]
    counts = ["n_planned", "n_ok", "n_failed", "n_converged", "n_refitted"]
    found: dict[str, Any] = {count: int(final[count].sum()) for count in counts}
    found["missed"] = causes(final)
    found["headline"] = headline(found["n_planned"], found["n_failed"], found["n_converged"])
    return found | {"n_rescued": found["n_converged"] - int(first["n_converged"].sum())}


def headline(n_planned: int, n_failed: int, n_converged: int) -> str:
    """Return in a sentence how many of some fits failed, and how many did not converge."""
    n_ok = n_planned - n_failed
    astray = n_ok - n_converged
    share = f"{astray:,} ({percent(astray / n_ok)}) did not converge" if astray else ""
    if n_failed:
        rest = f"; of the others {share}" if astray else "; the others converged" if n_ok else ""
        return f"{n_failed:,} of {n_planned:,} {_fits(n_planned)} failed{rest}."
    all_of_them = "The fit" if n_planned == 1 else f"All {n_planned:,} fits"
    return f"{all_of_them} ran; {share}." if astray else f"{all_of_them} ran and converged."


def _fits(n: int) -> str:
    return "fit" if n == 1 else "fits"


_CAUSES = {
    "n_missed_divergent": "divergences",
    "n_missed_ess": "low ESS",
    "n_missed_rhat": "rhat",
    "n_missed_ebfmi": "low E-BFMI",
    "n_missed_other": "the own rule of an estimator or approximation",
}


def causes(cells: pd.DataFrame) -> list[dict[str, Any]]:
    """Why fits of cells did not converge: the causes, each with its fits, commonest first."""
    found = [{"cause": label, "n": int(cells[name].sum())} for name, label in _CAUSES.items()]
    return sorted((each for each in found if each["n"]), key=lambda each: -each["n"])


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


def unsimulated(convergence: pd.DataFrame) -> list[str]:
    """Of which scenarios some datasets could not be simulated, and how many: most first."""
    final = convergence[convergence["attempt"] == "final"]
    counts = final.groupby("scenario", sort=False)[["n_unsimulated", "n_planned"]].max()
    counts = counts[counts["n_unsimulated"] > 0].sort_values("n_unsimulated", ascending=False)
    named = [
        f"{row.Index}: {row.n_unsimulated:,} of {row.n_planned:,}"
        for row in counts.head(MOST_REASONS).itertuples()
    ]
    more = len(counts) - len(named)
    return [*named, *([f"and in {more:,} more scenarios"] if more else [])]


def glance(
    study: Study, family: Family, performance: pd.DataFrame, convergence: pd.DataFrame
) -> list[dict]:
    """A row a model and prior, and one an estimator, over all scenarios."""
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
                **_covered(shares, planned),
                "worst": worst,
                "seconds": _over_fits(cells, "seconds"),
                "ess_per_second": _over_fits(cells, "ess_per_second"),
            }
        )
    return rows


def _covered(shares: pd.DataFrame, planned: int) -> dict[str, Any]:
    """The share of all intervals that hold the truth, and what it were with those that lack.

    Parameters
    ----------
    shares : DataFrame
        Coverages of cells and parameters, each of as many intervals as it has replicates.
    planned : int
        How many intervals there were, had every fit all of them.
    """
    n = int(shares["n_replicates"].sum())
    if n == 0:
        return {"coverage": None, "intervals": 0, "planned": planned, "bounds": None}
    hits = (shares["value"] * shares["n_replicates"]).sum()
    bounds = (hits / planned, (hits + planned - n) / planned)
    return {"coverage": hits / n, "intervals": n, "planned": planned, "bounds": bounds}


def _over_fits(cells: pd.DataFrame, mean: str) -> float:
    """The mean over all fits, of cells' means and how many fits each rests on."""
    known = cells[cells[mean].notna()]
    n = known["n_measured"]
    return (known[mean] * n).sum() / n.sum() if n.sum() else math.nan


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
    needed = most_needed(table)
    labels = {name: method(family, name).label for name in study.methods}
    return {
        "rows": table.assign(model=table["model"].map(labels)).to_dict("records"),
        "n_needed": needed,
        "in_batches": needed and in_whole_batches(study, needed),
        "enough": needed is not None and needed <= study.replicates,
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
        "failures": verification_failures(rows),
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
                "n_ranked": int(mine["n_ranked"].min()),
                "n_left_out": int(mine["n_left_out"].max()),
            }
        )
    return rows


def _worst(shares: pd.DataFrame, level: float) -> dict[str, Any]:
    """The coverage least likely by chance; low only if being the least of many does not explain it.

    By exact binomial tests at 2.5 %, corrected for how many there are. Where all rest on as many
    intervals it is the lowest.
    """
    n = shares["n_replicates"].to_numpy()
    p_values = stats.binom.cdf(np.rint(shares["value"] * n), n, level)
    place = np.lexsort([shares["value"], p_values])[0]
    return {**shares.iloc[place].to_dict(), "low": p_values[place] < 0.025 / len(shares)}


def cells(
    study: Study, family: Family, performance: pd.DataFrame, convergence: pd.DataFrame
) -> list[dict]:
    """A row a cell and parameter."""
    measures = {
        name: rows_of_measure(performance, name, study.plotted_level).set_index(
            [*CELL, "parameter"]
        )
        for name in ("bias", "rmse", "coverage", "coverage_lower_bound", "coverage_upper_bound")
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
