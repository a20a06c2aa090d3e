"""Comparisons of models and priors on the same datasets: a row for each pair."""

from __future__ import annotations

from typing import Any

import pandas as pd

from recovery.families.family import Family
from recovery.plan.figure_list import words
from recovery.score.measures import rows_of_measure
from recovery.study.keys import Study
from recovery.study.methods import method

FALSE_ALARMS = 0.05  # familywise, for all differences of one measure
MEASURES = ("rmse", "coverage")


def rows(study: Study, family: Family, comparison: pd.DataFrame) -> list[dict[str, Any]]:
    """Return each pair of models under a prior, then each pair of priors of a model.

    A difference is clear if its p-value is below 5 %, corrected for all differences of the
    measure in the study (Bonferroni). The p-values are those of the table: McNemar's exact test
    for coverage, random signs of the differences of squared errors for RMSE.
    """
    everything = comparison[comparison["subset"] == "all"]
    by_pair: dict[tuple, dict[str, Any]] = {}
    for measure in MEASURES:
        table = rows_of_measure(everything, measure, study.plotted_level)
        table = _with_verdicts(table[table["value"].notna()])
        keys = ["compared", "first", "second", "given"]
        for pair, differences in table.groupby(keys, sort=False):
            row = by_pair.setdefault(pair, _labels(study, family, *pair))
            clearest = differences.loc[differences["p_value"].idxmin()]
            interval = tuple(clearest[["lower", "upper"]]) if measure == "coverage" else None
            row[measure] = clearest.to_dict() | {
                "n": len(differences),
                "n_clear": int(differences["clear"].sum()),
                "interval": interval,
            }
    return sorted(by_pair.values(), key=lambda row: row["compared"])


def _with_verdicts(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with whether each difference is clear; unknown p-values become 1."""
    p = table["p_value"].fillna(1.0)
    return table.assign(p_value=p, clear=p < FALSE_ALARMS / max(1, len(table)))


def _labels(
    study: Study, family: Family, compared: str, first: str, second: str, given: str
) -> dict[str, Any]:
    methods = {name: method(family, name).label for name in study.methods}
    if compared == "model":
        labels = {"first": methods[first], "second": methods[second], "given": words(given)}
    else:
        labels = {"first": words(first), "second": words(second), "given": methods[given]}
    return {"compared": compared, "rmse": None, "coverage": None, **labels}
