"""Models and priors compared on the same datasets: a row a pair, over all scenarios."""

from __future__ import annotations

from typing import Any

import pandas as pd

from recovery.families.family import Family
from recovery.plan.figure_list import words
from recovery.score.measures import rows_of_measure
from recovery.study.methods import method
from recovery.study.model import Study

FALSE_ALARMS = 0.05  # of all differences of one measure together
MEASURES = ("rmse", "coverage")


def rows(study: Study, family: Family, comparison: pd.DataFrame) -> list[dict[str, Any]]:
    """Return every two models under a prior, then every two priors of a model.

    A difference counts as clear where chance does not explain it, at 5 % for all
    differences of a measure in the study together (Bonferroni), by the table's p-values:
    McNemar's exact test of coverage, random signs of differences of squared errors of RMSE.
    """
    everything = comparison[comparison["subset"] == "all"]
    found: dict[tuple, dict[str, Any]] = {}
    for measure in MEASURES:
        table = rows_of_measure(everything, measure, study.plotted_level)
        table = _judged(table[table["value"].notna()])
        keys = ["compared", "first", "second", "given"]
        for pair, mine in table.groupby(keys, sort=False):
            row = found.setdefault(pair, _labels(study, family, *pair))
            clearest = mine.loc[mine["p_value"].idxmin()]
            interval = tuple(clearest[["lower", "upper"]]) if measure == "coverage" else None
            row[measure] = clearest.to_dict() | {
                "n": len(mine),
                "n_clear": int(mine["clear"].sum()),
                "interval": interval,
            }
    return sorted(found.values(), key=lambda row: row["compared"])


def _judged(table: pd.DataFrame) -> pd.DataFrame:
    """With the p-value of every difference, 1 where none is known, and whether it is clear."""
    p = table["p_value"].fillna(1.0)
    return table.assign(p_value=p, clear=p < FALSE_ALARMS / max(1, len(table)))


def _labels(
    study: Study, family: Family, compared: str, first: str, second: str, given: str
) -> dict[str, Any]:
    model = {name: method(family, name).label for name in study.methods}
    if compared == "model":
        labels = {"first": model[first], "second": model[second], "given": words(given)}
    else:
        labels = {"first": words(first), "second": words(second), "given": model[given]}
    return {"compared": compared, "rmse": None, "coverage": None, **labels}
