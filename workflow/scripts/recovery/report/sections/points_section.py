"""Posterior mean against median, central against highest-density intervals, as rows of a table."""

from __future__ import annotations

from typing import Any

import pandas as pd

from recovery.families.family import Family
from recovery.plan.figure_list import words
from recovery.score.measures import CELL, rows_of_measure
from recovery.study.keys import Study
from recovery.study.methods import method

KINDS = {  # column -> measure, point estimate, interval
    "bias_of_mean": ("bias", "mean", "central"),
    "bias_of_median": ("bias", "median", "central"),
    "rmse_of_mean": ("rmse", "mean", "central"),
    "rmse_of_median": ("rmse", "median", "central"),
    "coverage_of_central": ("coverage", "mean", "central"),
    "coverage_of_densest": ("coverage", "mean", "highest_density"),
    "width_of_central": ("interval_width", "mean", "central"),
    "width_of_densest": ("interval_width", "mean", "highest_density"),
}
_OTHER_SCALE = {"log_bias": "log", "fisher_z_bias": "Fisher's z"}


def rows(study: Study, family: Family, performance: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a row for each cell and parameter that has both points and both intervals.

    Parameters
    ----------
    performance : DataFrame
        The rows of the subset `all`.
    """
    key = [*CELL, "parameter"]
    found = {
        column: rows_of_measure(performance, measure, study.plotted_level, point, interval)
        for column, (measure, point, interval) in KINDS.items()
    }
    tables = {column: table.set_index(key)[["value", "mcse"]] for column, table in found.items()}
    scales = {
        name: rows_of_measure(performance, name, study.plotted_level).set_index(key)
        for name in _OTHER_SCALE
    }
    densest = found["coverage_of_densest"].set_index(key)
    return [
        {
            **{column: _of(table, place) for column, table in tables.items()},
            **_on_other_scale(scales, place),
            "scenario": place[0],
            "model": method(family, place[1]).label,
            "prior": words(place[2]),
            "parameter": place[3],
        }
        for place in densest.index
    ]


def _of(table: pd.DataFrame, place: Any) -> dict[str, float]:
    """A value and its Monte Carlo standard error; NaN if the table has no such row."""
    if place not in table.index:
        return {"value": float("nan"), "mcse": float("nan")}
    return table.loc[place].to_dict()


def _on_other_scale(scales: dict[str, pd.DataFrame], place: Any) -> dict[str, Any]:
    """The bias on the log scale or on Fisher's z, and which of them; empty for other parameters."""
    for name, label in _OTHER_SCALE.items():
        if place in scales[name].index:
            return {"scale": label, "bias_on_scale": _of(scales[name][["value", "mcse"]], place)}
    return {"scale": ""}
