"""How often each joint model is chosen by its leave-one-out predictive accuracy.

Programs that share a posterior count once. Fits are compared on the same dataset, so that a
difference of two has a standard error from the differences of single units.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from recovery import tables
from recovery.families.family import Family
from recovery.plan.batch_size import Batch
from recovery.plan.design import Cell, Design
from recovery.score.measures import mean, proportion
from recovery.study.keys import Study
from recovery.study.truths import PriorTruth
from recovery.tables.summary_schemas import SUMMARIES

CLEAR = 2  # standard errors of a difference
_CHOICE = ["left_out", "replicate", "joint", "difference", "chosen", "clear", "n_high_k"]


def programs_by_joint(study: Study, family: Family) -> dict[str, list[str]]:
    """Return the joint models of a study, each with its programs in the study's order."""
    found: dict[str, list[str]] = {}
    for model in study.models:
        found.setdefault(family.MODELS[model].joint, []).append(model)
    return found


def generating_joint(study: Study, family: Family, truth: str) -> str:
    """Return the joint model that the data of a truth come from."""
    source = study.truths[truth]
    if isinstance(source, PriorTruth) and source.model:
        return family.MODELS[source.model].joint
    return family.JOINT


def rates_of_scenario(
    design: Design, scenario: str, converged: Mapping[tuple[str, str], np.ndarray]
) -> pd.DataFrame:
    """Return how often each joint model is chosen in one scenario.

    Parameters
    ----------
    converged : mapping
        (model, prior) -> the replicates that converged. Of the programs of a joint model the
        one with most of them stands for it, the first in the study where they are equal.

    Returns
    -------
    DataFrame
        The columns of the table `selection` without the scenario's own; no row where the
        study does not compare models.
    """
    study, family = design.study, design.family
    right = generating_joint(study, family, design.scenarios[scenario].truth)
    parts = []
    for prior in study.priors if study.selection else ():
        standing = {
            joint: max(models, key=lambda model: len(converged[model, prior]))
            for joint, models in programs_by_joint(study, family).items()
        }
        rows = []
        for batch in design.batches(scenario):
            rows += choices(_fits(design, scenario, standing, prior, batch), len(standing))
        chosen = pd.DataFrame(rows, columns=_CHOICE)
        for unit in study.selection.leave_out if study.selection else ():
            mine = chosen[chosen["left_out"] == unit]
            found = rates(mine, list(standing), study.replicates).assign(prior=prior, left_out=unit)
            found["model"] = found["joint"].map(standing)
            parts.append(found.assign(right=found["joint"] == right))
    found = pd.concat(parts) if parts else pd.DataFrame()
    return found.reindex(columns=SUMMARIES["selection"].names)


def _fits(
    design: Design, scenario: str, standing: Mapping[str, str], prior: str, batch: Batch
) -> pd.DataFrame:
    """One batch of the table `loo` of every joint model; a batch at a time bounds memory."""
    parts = []
    for joint, model in standing.items():
        cell: Cell = (scenario, model, prior)
        table = tables.read_frame([design.cell_file("loo", cell, batch)])
        parts.append(table.assign(joint=joint))
    return pd.concat(parts)


def choices(fits: pd.DataFrame, n_joints: int) -> list[dict]:
    """Return how every joint model does in each dataset that has an elpd_loo of all of them.

    Parameters
    ----------
    fits : DataFrame
        joint, replicate, left_out, elpd_loo, n_high_k, pointwise: a row a fit and unit.

    Returns
    -------
    list of dict
        left_out, replicate, joint, difference (elpd_loo less the largest of the dataset),
        chosen (whether it is the largest), clear (whether it is by more than 2 SE of its
        difference to the second), n_high_k.
    """
    rows = []
    known = fits[fits["elpd_loo"].notna()]
    for (unit, replicate), mine in known.groupby(["left_out", "replicate"]):
        if len(mine) < n_joints:
            continue
        ranked = mine.sort_values("elpd_loo", ascending=False, kind="stable")
        for place, fit in enumerate(ranked.itertuples()):
            chosen = place == 0
            row = (unit, replicate, fit.joint, fit.elpd_loo - ranked["elpd_loo"].iloc[0])
            clear = chosen and _is_clear(fit.pointwise - ranked["pointwise"].iloc[1])
            rows.append(dict(zip(_CHOICE, (*row, chosen, clear, fit.n_high_k), strict=True)))
    return rows


def _is_clear(apart: np.ndarray) -> bool:
    """Whether a sum of differences, one a unit, is more than 2 standard errors above 0.

    References
    ----------
    Vehtari, Gelman & Gabry (2017), doi:10.1007/s11222-016-9696-4, equation 24. Where models
    predict nearly alike the differences are skewed, and their SE is too small: Sivula,
    Magnusson, Matamoros & Vehtari (2020), arXiv:2008.10296.
    """
    return bool(apart.sum() > CLEAR * np.sqrt(apart.size * apart.var(ddof=1)))


def rates(chosen: pd.DataFrame, joints: list[str], n_planned: int) -> pd.DataFrame:
    """Return a row a joint model: how often it is chosen, and how often that is clear.

    Parameters
    ----------
    chosen : DataFrame
        What `choices` found, of one unit.
    """
    rows = []
    for joint in joints:
        mine = chosen[chosen["joint"] == joint]
        n = len(mine)
        row = {"joint": joint, "n_replicates": n, "n_left_out": n_planned - n}
        counts = {"n_chosen": "chosen", "n_clear": "clear", "n_high_k": "n_high_k"}
        row |= {name: int(mine[column].sum()) for name, column in counts.items()}
        shares = {"chosen": mine["chosen"], "clear": mine["clear"], "high_k": mine["n_high_k"] > 0}
        for name, hits in shares.items() if n else ():
            found = proportion(hits.to_numpy(dtype=bool))
            row |= {f"{name}_rate": found.value, f"{name}_rate_mcse": found.mcse}
            row |= {f"{name}_rate_lower": found.lower, f"{name}_rate_upper": found.upper}
        if n > 1:
            away = mean(mine["difference"].to_numpy())
            row |= {"elpd_difference": away.value, "elpd_difference_mcse": away.mcse}
        rows.append(row)
    return pd.DataFrame(rows)
