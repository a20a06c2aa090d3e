"""How often leave-one-out predictive accuracy selects each joint model.

Programs with the same posterior count once. Fits are compared on the same dataset, so the
standard error of a difference of two fits follows from the differences of single units.
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

CLEAR = 2  # standard errors from which on a difference is clear
_CHOICE = ["left_out", "replicate", "joint", "difference", "chosen", "clear", "n_high_k"]


def programs_by_joint(study: Study, family: Family) -> dict[str, list[str]]:
    """Return the joint models of a study, each with its programs in the study's order."""
    programs: dict[str, list[str]] = {}
    for model in study.models:
        programs.setdefault(family.MODELS[model].joint, []).append(model)
    return programs


def generating_joint(study: Study, family: Family, truth: str) -> str:
    """Return the joint model that generates the data of a truth."""
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
        (model, prior) -> the replicates that converged. The program with most of them represents
        its joint model; if several have equally many, the first in the study.

    Returns
    -------
    DataFrame
        The columns of the table `selection` except those of the scenario; no row if the study
        does not compare models.
    """
    study, family = design.study, design.family
    generating = generating_joint(study, family, design.scenarios[scenario].truth)
    parts = []
    for prior in study.priors if study.selection else ():
        representatives = {
            joint: max(models, key=lambda model: len(converged[model, prior]))
            for joint, models in programs_by_joint(study, family).items()
        }
        rows = []
        for batch in design.data_batches(scenario):
            fits = _fits(design, scenario, representatives, prior, batch)
            rows += choices(fits, len(representatives))
        chosen = pd.DataFrame(rows, columns=_CHOICE)
        for unit in study.selection.leave_out if study.selection else ():
            choices_of_unit = chosen[chosen["left_out"] == unit]
            part = rates(choices_of_unit, list(representatives), study.replicates)
            part = part.assign(prior=prior, left_out=unit, model=part["joint"].map(representatives))
            parts.append(part.assign(right=part["joint"] == generating))
    table = pd.concat(parts) if parts else pd.DataFrame()
    return table.reindex(columns=SUMMARIES["selection"].names)


def _fits(
    design: Design, scenario: str, representatives: Mapping[str, str], prior: str, data_batch: Batch
) -> pd.DataFrame:
    """The table `loo` of every joint model, of the fits to one batch of datasets.

    Reading by batch bounds memory.
    """
    parts = []
    for joint, model in representatives.items():
        cell: Cell = (scenario, model, prior)
        batches = design.batches_within(cell, data_batch)
        table = tables.read_frame([design.cell_file("loo", cell, each) for each in batches])
        parts.append(table.assign(joint=joint))
    return pd.concat(parts)


def choices(fits: pd.DataFrame, n_joints: int) -> list[dict]:
    """Return the rank of every joint model in each dataset with an elpd_loo for all of them.

    Parameters
    ----------
    fits : DataFrame
        joint, replicate, left_out, elpd_loo, n_high_k, pointwise: one row per fit and unit.

    Returns
    -------
    list of dict
        left_out, replicate, joint, difference (elpd_loo minus the largest of the dataset),
        chosen (whether it is the largest), clear (whether it exceeds the second by more than 2
        SE of their difference), n_high_k.
    """
    rows = []
    known = fits[fits["elpd_loo"].notna()]
    for (unit, replicate), dataset in known.groupby(["left_out", "replicate"]):
        if len(dataset) < n_joints:
            continue
        ranked = dataset.sort_values("elpd_loo", ascending=False, kind="stable")
        for place, fit in enumerate(ranked.itertuples()):
            chosen = place == 0
            row = (unit, replicate, fit.joint, fit.elpd_loo - ranked["elpd_loo"].iloc[0])
            clear = chosen and _is_clear(fit.pointwise - ranked["pointwise"].iloc[1])
            rows.append(dict(zip(_CHOICE, (*row, chosen, clear, fit.n_high_k), strict=True)))
    return rows


def _is_clear(differences: np.ndarray) -> bool:
    """Whether the sum of the differences of all units is more than 2 standard errors above 0.

    References
    ----------
    Vehtari, Gelman & Gabry (2017), doi:10.1007/s11222-016-9696-4, equation 24. If models
    have nearly equal predictions, the differences are skewed and their SE is too small: Sivula,
    Magnusson, Matamoros & Vehtari (2020), arXiv:2008.10296.
    """
    error = np.sqrt(differences.size * differences.var(ddof=1))
    return bool(differences.sum() > CLEAR * error)


def rates(chosen: pd.DataFrame, joints: list[str], n_planned: int) -> pd.DataFrame:
    """Return one row per joint model: how often it is chosen, and how often clearly.

    Parameters
    ----------
    chosen : DataFrame
        The rows that `choices` returned for one unit.
    """
    rows = []
    for joint in joints:
        part = chosen[chosen["joint"] == joint]
        n = len(part)
        row = {"joint": joint, "n_replicates": n, "n_left_out": n_planned - n}
        counts = {"n_chosen": "chosen", "n_clear": "clear", "n_high_k": "n_high_k"}
        row |= {name: int(part[column].sum()) for name, column in counts.items()}
        shares = {"chosen": part["chosen"], "clear": part["clear"], "high_k": part["n_high_k"] > 0}
        for name, hits in shares.items() if n else ():
            rate = proportion(hits.to_numpy(dtype=bool))
            row |= {f"{name}_rate": rate.value, f"{name}_rate_mcse": rate.mcse}
            row |= {f"{name}_rate_lower": rate.lower, f"{name}_rate_upper": rate.upper}
        if n > 1:
            difference = mean(part["difference"].to_numpy())
            row |= {
                "elpd_difference": difference.value,
                "elpd_difference_mcse": difference.mcse,
            }
        rows.append(row)
    return pd.DataFrame(rows)
