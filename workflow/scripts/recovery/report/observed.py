"""Fits to observed data, beside what others published."""

from __future__ import annotations

import pandas as pd

from recovery.families.base import Family
from recovery.gallery import fit_label, fits_by_prior
from recovery.report import selected
from recovery.study import Study


def totals(diagnostics: pd.DataFrame) -> dict[str, int]:
    """Return how the fits to observed data went."""
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
    """For every observed dataset, a table of estimates: a row a parameter, a column a fit."""
    found = []
    for name, data in study.observed.items():
        mine = estimates[estimates["scenario"] == name].set_index(["model", "prior", "parameter"])
        went = diagnostics[diagnostics["scenario"] == name].set_index(["model", "prior"])
        fits = fits_by_prior(study)
        found.append(
            {
                "outcomes": [_outcome(went.loc[fit]) for fit in fits],
                "name": name,
                "path": data.path,
                "standardize": data.standardize,
                "published": data.published,
                "fits": [fit_label(family, study, *fit) for fit in fits],
                "loo": selected.of_observed(study, loo, name, fits),
                "rows": [
                    {
                        "parameter": parameter,
                        "estimates": [
                            mine.loc[(*fit, parameter)].to_dict()
                            if (*fit, parameter) in mine.index
                            else None
                            for fit in fits
                        ],
                    }
                    for parameter in family.PARAMETERS
                ],
            }
        )
    return found


def _outcome(fit: pd.Series) -> str:
    if fit["status"] == "failed":
        return f"failed: {fit['error'].splitlines()[0][:80]}"
    if fit["converged"]:
        return "yes"
    return f"no, {fit['error'].partition(':')[0]}" if pd.notna(fit["error"]) else "no"
