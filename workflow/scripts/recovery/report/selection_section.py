"""Models compared by what they predict of data that were left out."""

from __future__ import annotations

from typing import Any

import pandas as pd

from recovery.families.family import Family
from recovery.plan.figure_list import words
from recovery.score.selection import programs_by_joint
from recovery.study.model import Study


def section(study: Study, family: Family, table: pd.DataFrame) -> dict[str, Any] | None:
    """How often each model is chosen, and how often rightly; None where none are compared.

    Parameters
    ----------
    table : DataFrame
        The summary table `selection`.
    """
    if study.selection is None:
        return None
    labels = {model: family.MODELS[model].label for model in study.models}
    alike = {
        joint: ", ".join(labels[model] for model in models)
        for joint, models in programs_by_joint(study, family).items()
    }
    rows = table.assign(label=table["joint"].map(alike), prior=table["prior"].map(words))
    return {
        "rows": rows.to_dict("records"),
        "labels": labels,
        "n_left_out": int(table["n_left_out"].max()),
        "rightly": _rightly(study, table),
    }


def _rightly(study: Study, table: pd.DataFrame) -> list[dict[str, Any]]:
    """How often the model that generated the data is chosen: the range over scenarios, a unit."""
    right = table[table["right"].astype(bool)]
    found = []
    for unit in study.selection.leave_out if study.selection else ():
        shares = right.loc[right["left_out"] == unit, "chosen_rate"].dropna()
        if len(shares):
            found.append({"unit": unit, "lowest": shares.min(), "highest": shares.max()})
    return found


def of_observed(
    study: Study, loo: pd.DataFrame, dataset: str, fits: list[tuple[str, str]]
) -> list[dict[str, Any]]:
    """A row a unit that is left out of an observed dataset: each fit's row of the table `loo`.

    Parameters
    ----------
    fits : list of (model, prior)
        The columns of the page's table.
    """
    found = []
    for unit in study.selection.leave_out if study.selection else ():
        mine = loo[(loo["scenario"] == dataset) & (loo["left_out"] == unit)]
        known = {(row["model"], row["prior"]): row for row in mine.to_dict("records")}
        found.append({"unit": unit, "fits": [known.get(fit) for fit in fits]})
    return found
