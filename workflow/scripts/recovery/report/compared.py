"""Models and priors compared on the same datasets: a row a pair, over all scenarios."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from recovery.estimators import method, methods
from recovery.families.base import Family
from recovery.gallery import words
from recovery.measures import of_level
from recovery.monte_carlo import paired_difference
from recovery.study import Study

FALSE_ALARMS = 0.05  # of all differences of one measure together
FEWEST_PAIRS = 10


def rows(study: Study, family: Family, comparison: pd.DataFrame) -> list[dict[str, Any]]:
    """Return every two models under a prior, then every two priors of a model.

    A difference counts as clear where chance does not explain it, at 5 % for all
    differences of a measure in the study together (Bonferroni): of coverage by McNemar's
    exact test, of RMSE by Student's t, which skewed errors make a guide only, and from
    `FEWEST_PAIRS` on.
    """
    everything = comparison[comparison["subset"] == "all"]
    found: dict[tuple, dict[str, Any]] = {}
    for measure in JUDGES:
        table = of_level(everything, measure, study.plotted_level)
        table = _judged(table[table["value"].notna()], JUDGES[measure])
        keys = ["compared", "first", "second", "given"]
        for pair, mine in table.groupby(keys, sort=False):
            row = found.setdefault(pair, _labels(study, family, *pair))
            clearest = mine.loc[mine["p_value"].idxmin()]
            interval = paired_difference(*_alone(clearest)) if measure == "coverage" else None
            row[measure] = clearest.to_dict() | {
                "n": len(mine),
                "n_clear": int(mine["clear"].sum()),
                "interval": interval,
            }
    return sorted(found.values(), key=lambda row: row["compared"])


def _judged(table: pd.DataFrame, judge: Callable[[pd.Series], float]) -> pd.DataFrame:
    """With the p-value of every difference, and whether it is clear."""
    p = np.array([judge(row) for _, row in table.iterrows()])
    return table.assign(p_value=p, clear=p < FALSE_ALARMS / max(1, len(table)))


def mcnemar(row: pd.Series) -> float:
    """Return the exact p-value of a difference of two coverages.

    References
    ----------
    McNemar (1947), doi:10.1007/BF02295996.
    """
    first, second, _ = _alone(row)
    return stats.binomtest(first, first + second).pvalue if first + second else 1.0


def _alone(row: pd.Series) -> tuple[int, int, int]:
    """How many pairs have a hit of the first alone, of the second alone, and how many there are.

    Value v and mcse of n pairs say how many have one alone, n (n - 1) mcse^2 + n v^2.
    """
    n, value = row["n_pairs"], row["value"]
    discordant = round(n * (n - 1) * row["mcse"] ** 2 + n * value**2)
    first = round((discordant + n * value) / 2)
    return first, discordant - first, n


def student(row: pd.Series) -> float:
    """Return the p-value of a difference over its MCSE; 1 for too few pairs."""
    if row["n_pairs"] < FEWEST_PAIRS or row["mcse"] == 0:
        return 1.0
    return 2 * stats.t.sf(abs(row["value"]) / row["mcse"], row["n_pairs"] - 1)


JUDGES = {"rmse": student, "coverage": mcnemar}


def _labels(
    study: Study, family: Family, compared: str, first: str, second: str, given: str
) -> dict[str, Any]:
    model = {name: method(family, name).label for name in methods(study)}
    if compared == "model":
        labels = {"first": model[first], "second": model[second], "given": words(given)}
    else:
        labels = {"first": words(first), "second": words(second), "given": model[given]}
    return {"compared": compared, "rmse": None, "coverage": None, **labels}
