"""Models compared by their predictions of left-out data."""

from __future__ import annotations

from typing import Any

import pandas as pd

from recovery.families.family import Family
from recovery.plan.figure_list import words
from recovery.score.selection import programs_by_joint
from recovery.study.keys import Study


def section(study: Study, family: Family, table: pd.DataFrame) -> dict[str, Any] | None:
    """Return how often each model is chosen, and how often correctly; None without selection.

    Parameters
    ----------
    table : DataFrame
        The summary table `selection`.
    """
    if study.selection is None:
        return None
    labels = {model: family.MODELS[model].label for model in study.models}
    joint_labels = {
        joint: ", ".join(labels[model] for model in models)
        for joint, models in programs_by_joint(study, family).items()
    }
    rows = table.assign(label=table["joint"].map(joint_labels), prior=table["prior"].map(words))
    return {
        "rows": rows.to_dict("records"),
        "labels": labels,
        "n_left_out": int(table["n_left_out"].max()),
        "correct": _correct_rates(study, table),
    }


def _correct_rates(study: Study, table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return for each unit the range over scenarios of how often the true model is chosen."""
    right = table[table["right"].astype(bool)]
    ranges = []
    for unit in study.selection.leave_out if study.selection else ():
        shares = right.loc[right["left_out"] == unit, "chosen_rate"].dropna()
        if len(shares):
            ranges.append({"unit": unit, "lowest": shares.min(), "highest": shares.max()})
    return ranges


def observed_rows(
    study: Study, loo: pd.DataFrame, dataset: str, fits: list[tuple[str, str]]
) -> list[dict[str, Any]]:
    """Return for each left-out unit of an observed dataset the row of `loo` of each fit.

    Parameters
    ----------
    fits : list of (model, prior)
        The columns of the page's table.
    """
    rows = []
    for unit in study.selection.leave_out if study.selection else ():
        of_unit = loo[(loo["scenario"] == dataset) & (loo["left_out"] == unit)]
        by_fit = {(row["model"], row["prior"]): row for row in of_unit.to_dict("records")}
        rows.append({"unit": unit, "fits": [by_fit.get(fit) for fit in fits]})
    return rows
