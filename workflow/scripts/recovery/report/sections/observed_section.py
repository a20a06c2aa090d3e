"""Fits to observed data, next to published estimates."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from recovery.families.family import Family
from recovery.plan.figure_list import fit_label, fits_by_prior
from recovery.report.sections import selection_section
from recovery.score.measures import fit_outcomes
from recovery.study.keys import Study


def totals(diagnostics: pd.DataFrame) -> dict[str, int]:
    """Return how many fits to observed data failed and how many did not converge."""
    if diagnostics.empty:
        return {"n_planned": 0, "n_failed": 0, "n_not_converged": 0}
    failed = diagnostics["status"] == "failed"
    return {
        "n_planned": len(diagnostics),
        "n_failed": int(failed.sum()),
        "n_not_converged": int((~failed & ~diagnostics["converged"].astype(bool)).sum()),
    }


def rows(
    study: Study,
    family: Family,
    estimates: pd.DataFrame,
    diagnostics: pd.DataFrame,
    loo: pd.DataFrame,
) -> list[dict]:
    """Return a table for each observed dataset: a row for each parameter, a column for each fit."""
    datasets = []
    for name, data in study.observed.items():
        table = estimates[estimates["scenario"] == name].set_index(["model", "prior", "parameter"])
        outcomes = diagnostics[diagnostics["scenario"] == name].set_index(["model", "prior"])
        fits = fits_by_prior(study)
        datasets.append(
            {
                "outcomes": [
                    _outcome(outcomes.loc[fit], _estimates_of(table, fit), study) for fit in fits
                ],
                "name": name,
                "path": data.path,
                "standardize": data.standardize,
                "published": data.published,
                "fits": [fit_label(family, study, *fit) for fit in fits],
                "loo": selection_section.observed_rows(study, loo, name, fits),
                "rows": [
                    {
                        "parameter": parameter,
                        "estimates": [
                            table.loc[(*fit, parameter)].to_dict()
                            if (*fit, parameter) in table.index
                            else None
                            for fit in fits
                        ],
                    }
                    for parameter in family.PARAMETERS
                ],
            }
        )
    return datasets


def _estimates_of(estimates: pd.DataFrame, fit: tuple[str, str]) -> pd.DataFrame:
    """Return the rows of one model under one prior."""
    return estimates[estimates.index.droplevel("parameter").isin([fit])]


def _outcome(fit: pd.Series, estimates: pd.DataFrame, study: Study) -> str:
    """Return whether a fit converged and, if not, which thresholds it missed and where."""
    if fit["status"] == "failed":
        return f"failed: {fit['error'].splitlines()[0][:80]}"
    if fit["converged"]:
        return "yes"
    if pd.notna(fit["error"]):
        return f"no, {fit['error'].partition(':')[0]}"
    return ", ".join(["no", *_missed(fit, estimates, study)])


def _missed(fit: pd.Series, estimates: pd.DataFrame, study: Study) -> Iterator[str]:
    """Yield the thresholds that a fit missed, in words."""
    thresholds, chains = study.convergence, study.sampler.chains
    min_ess = thresholds.min_ess_per_chain * chains
    causes = fit_outcomes.missed_thresholds(fit.to_frame().T, thresholds, chains).iloc[0]
    if causes["rhat"] and pd.isna(fit["max_rhat"]):
        yield "no chain moved"
        return
    if causes["rhat"]:
        where = _where(estimates, "rhat", fit["max_rhat"])
        yield f"rhat {fit['max_rhat']:.3f} of {where} (at most {thresholds.max_rhat})"
    for kind in ("bulk", "tail") if causes["ess"] else ():
        least = fit[f"min_ess_{kind}"]
        if least < min_ess:
            where = _where(estimates, f"ess_{kind}", least)
            yield f"{kind} ESS {least:,.0f} of {where} (at least {min_ess:g})"
    if causes["divergent"]:
        yield f"{fit['n_divergent']:.0f} divergent transitions (at most {thresholds.max_divergent})"
    if causes["ebfmi"]:
        yield f"E-BFMI {fit['min_ebfmi']:.2f} (at least {thresholds.min_ebfmi})"
    if fit["n_max_treedepth"] > 0:
        yield f"{fit['n_max_treedepth']:.0f} trajectories stopped at max_treedepth"


def _where(estimates: pd.DataFrame, diagnostic: str, worst: float) -> str:
    """Return the parameter with the worst value of a fit, or the log density if none has it."""
    parameters = estimates.index.get_level_values("parameter")
    matches = parameters[np.isclose(estimates[diagnostic].astype(float), worst)]
    return matches[0] if len(matches) else "the log density"
