"""The number of fits on which the points of a figure are based, in words."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from recovery.plan.figure_list import Figure
from recovery.score.measures import rows_of_measure
from recovery.score.planning import SCALES, planned_values
from recovery.study.keys import Study
from recovery.study.methods import NO_PRIOR

_MEASURES = {
    "bias": ("bias",),
    "rmse": ("rmse",),
    "coverage": ("coverage",),
    "interval_width": ("interval_width",),
    "lolly": ("bias", "relative_error_of_model_se", "coverage", "bias_eliminated_coverage"),
    "nested_loop": ("rmse",),
}
_COUNTS = {
    "convergence": ("convergence", ["n_planned", "n_ok"]),
    "time": ("efficiency", ["n_measured"]),
    "selection": ("selection", ["n_replicates"]),
    "decisions": ("decisions", ["n_replicates"]),
}


def sentence(study: Study, figure: Figure, summaries: Mapping[str, pd.DataFrame]) -> str:
    """Return the number of fits on which each point is based; empty for other figures."""
    counts = _counts(study, figure, summaries)
    counts = counts[counts > 0]
    if counts.empty:
        return ""
    if counts.min() == counts.max():
        return f"Each point is based on {counts.min():,} {'fit' if counts.min() == 1 else 'fits'}."
    return (
        f"Each point is based on {counts.min():,} to {counts.max():,} fits; open points on fewer "
        f"than the {study.replicates:,} planned."
    )


def _counts(study: Study, figure: Figure, summaries: Mapping[str, pd.DataFrame]) -> pd.Series:
    """Return the numbers of fits of all points with a value."""
    scenarios = [each.name for each in figure.scenarios]
    if figure.kind == "lolly":
        scenarios = [max(figure.scenarios, key=lambda each: each.participants).name]
    if figure.kind in _COUNTS:
        name, columns = _COUNTS[figure.kind]
        table = summaries[name]
        if "attempt" in table:
            table = table[table["attempt"] == "first"]
        if "subset" in table:
            table = table[table["subset"] == "all"]
        return table.loc[table["scenario"].isin(scenarios), columns].stack()
    table = summaries["performance"]
    table = table[table["scenario"].isin(scenarios) & (table["subset"] == "all")]
    if figure.kind == "lolly":
        table = table[table["prior"].isin([next(iter(study.priors)), NO_PRIOR])]
    parts = [
        rows_of_measure(table, each, study.plotted_level) for each in _MEASURES.get(figure.kind, ())
    ]
    if figure.kind == "planning":
        values = planned_values(table, summaries["decisions"])
        values = values[values["scenario"].isin(scenarios)]
        parts = [
            rows_of_measure(
                values[values["parameter"] == name], SCALES[each].measure, wanted.interval
            )
            for name, wanted in (study.planning or {}).items()
            for each in wanted.targets
        ]
    points = pd.concat([table[:0], *parts])
    return points.loc[points["value"].notna(), "n_replicates"]
