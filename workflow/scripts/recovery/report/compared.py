"""Models and priors compared on the same datasets: a row a pair, over all scenarios."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from recovery.families.base import Family
from recovery.gallery import words
from recovery.measures import of_level
from recovery.study import Study

MEASURES = ("rmse", "coverage")
FALSE_ALARMS = 0.05  # of all differences of one measure together


def rows(study: Study, family: Family, comparison: pd.DataFrame) -> list[dict[str, Any]]:
    """Return every two models under a prior, then every two priors of a model.

    A difference counts as clear where chance does not explain it, at 5 % for all
    differences of a measure in the study together (Bonferroni, t with n_pairs - 1 degrees
    of freedom).
    """
    everything = comparison[comparison["subset"] == "all"]
    found: dict[tuple, dict[str, Any]] = {}
    for measure in MEASURES:
        table = of_level(everything, measure, study.plotted_level)
        table = _judged(table[table["value"].notna()])
        keys = ["compared", "first", "second", "given"]
        for pair, mine in table.groupby(keys, sort=False):
            row = found.setdefault(pair, _labels(study, family, *pair))
            clearest = mine.loc[mine["t"].idxmax()].to_dict()
            row[measure] = clearest | {"n": len(mine), "n_clear": int(mine["clear"].sum())}
    return sorted(found.values(), key=lambda row: row["compared"])


def _judged(table: pd.DataFrame) -> pd.DataFrame:
    """With |t| of every difference, and whether it is clear."""
    sure = table["mcse"] == 0
    size = table["value"].abs()
    t = np.where(sure, np.where(size > 0, np.inf, 0.0), size / table["mcse"].where(~sure, 1.0))
    limit = stats.t.isf(FALSE_ALARMS / (2 * max(1, len(table))), table["n_pairs"] - 1)
    return table.assign(t=t, clear=t > limit)


def _labels(
    study: Study, family: Family, compared: str, first: str, second: str, given: str
) -> dict[str, Any]:
    model = {name: family.MODELS[name].label for name in study.models}
    if compared == "model":
        labels = {"first": model[first], "second": model[second], "given": words(given)}
    else:
        labels = {"first": words(first), "second": words(second), "given": model[given]}
    return {"compared": compared, "rmse": None, "coverage": None, **labels}
