"""The number of participants needed, in words."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from recovery.families.family import Family
from recovery.plan.figure_list import words
from recovery.score.planning import AT_SMALLEST, BEYOND, SCALES, UNCLEAR, UNKNOWN
from recovery.study.methods import method

_NUMBERS = ("n_needed", "n_fewest", "n_most")  # columns that are not sizes
_TARGETS = {
    "interval_width": "width of {level} intervals at most {wanted:g}",
    "power": "power of {level} intervals at least {wanted}",
    "coverage": "coverage of {level} intervals at least {wanted}",
    "rmse": "RMSE at most {wanted:g}",
    "rate": "rate of yes at least {wanted}",
}


def rows(family: Family, table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a row for each truth, sizes, model, prior, parameter or decision, and target."""
    names = [*dict.fromkeys([*family.PARAMETERS, *table["parameter"]])]
    return [
        {
            "truth": words(row.truth),
            "observations": _count(row.observations, "as observed"),
            **{
                name: _count(getattr(row, name), "as observed")
                for name in table.columns
                if name.startswith("n_") and name not in _NUMBERS
            },
            "model": method(family, row.model).label,
            "prior": words(row.prior),
            "parameter": row.parameter,
            "order": names.index(row.parameter),
            "target": target(row.measure, row.wanted, row.level),
            "needed": _needed(row),
            "n_needed": row.n_needed,
            "interval": _interval(row),
            "replicates": _replicates(row),
            "status": row.status,
        }
        for row in table.itertuples()
    ]


def target(measure: str, value: float, level: float) -> str:
    """Return a target in words, with the level of the intervals that it is about."""
    wanted = f"{100 * value:g} %" if SCALES[measure].share else value
    return _TARGETS[measure].format(wanted=wanted, level=f"{100 * level:g} %")


def _needed(row: Any) -> str:
    if row.status == AT_SMALLEST:
        return f"at most {_count(row.smallest)}"
    if row.status == BEYOND:
        return f"more than {_count(row.largest)}"
    if row.status == UNCLEAR:
        if math.isnan(row.n_needed):
            return f"perhaps more than {_count(row.largest)}"
        return f"perhaps {_count(row.smallest)} or fewer"
    return _count(row.n_needed)


def _interval(row: Any) -> str:
    if row.status == UNKNOWN:
        return "–"
    if row.status == BEYOND:
        return f"more than {_count(row.largest)}"  # the bar at that count excludes the target
    if math.isnan(row.lower) and math.isnan(row.upper):
        return "any number"
    if math.isnan(row.lower):
        return f"at most {_count(row.upper)}"
    if math.isnan(row.upper):
        return f"at least {_count(row.lower)}"
    return f"{_count(row.lower)} to {_count(row.upper)}"


def _replicates(row: Any) -> str:
    """Return on how many replicates the values of the counts are based."""
    if row.n_fewest == row.n_most:
        return _count(row.n_most)
    return "–" if row.status == UNKNOWN else f"{_count(row.n_fewest)} to {_count(row.n_most)}"


def _count(value: float, absent: str = "–") -> str:
    return absent if math.isnan(value) else f"{value:,.0f}"
