"""Figures of performance, convergence and cost, over participant counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure

from recovery.figures import style
from recovery.figures.figure_data import FigureData
from recovery.plan.figure_list import Figure, words
from recovery.score.measures import rows_of_measure
from recovery.score.measures.monte_carlo import half_width, with_bounds
from recovery.tables import interval_columns

SHOWN_REPLICATES = 40
PARTICIPANTS = "Participants"


def _priors(data: FigureData) -> dict[str, str]:
    return {p: f"Prior: {words(p)}" for p in data.design.study.priors}


def _of(table: pd.DataFrame, figure: Figure) -> pd.DataFrame:
    return table[table["scenario"].isin([scenario.name for scenario in figure.scenarios])]


def _series(
    axes: Axes,
    rows: pd.DataFrame,
    columns: tuple[str, str, str],
    data: FigureData,
    rests_on: str,
    ribbon: bool = False,
) -> None:
    """Draw one point a model and participant count, with its uncertainty.

    `rests_on` is the column of how many fits a point rests on. A ribbon shows the uncertainty
    around the line between points too.
    """
    value, lower, upper = columns
    models = data.methods
    colour, marker, beside = style.colours(models), style.markers(models), style.dodge(models)
    counts = sorted(rows["participants"].unique())
    for model in models:
        mine = rows[rows["model"] == model].sort_values("participants")
        mine = mine[np.isfinite(mine[value])]
        x = np.array([counts.index(count) for count in mine["participants"]]) + beside[model]
        y = mine[value].to_numpy()
        error = np.abs(np.vstack([y - mine[lower], mine[upper] - y]))
        error = np.where(np.isfinite(error), error, 0)
        axes.plot(x, y, color=colour[model], alpha=0.35, linewidth=1)
        if ribbon:
            ends = (y - error[0], y + error[1])
            axes.fill_between(x, *ends, color=colour[model], alpha=0.12, linewidth=0)
        axes.errorbar(
            x, y, error, fmt=marker[model], color=colour[model], markersize=4, elinewidth=1.2
        )
        fewer = mine[rests_on] < data.design.study.replicates
        style.open_where(axes, x, y, fewer, marker[model], colour[model])
    axes.set_xticks(range(len(counts)), counts)
    axes.set_xlim(-0.5, len(counts) - 0.5)


def _measure(data: FigureData, figure: Figure, measure: str, reference: float | None) -> MplFigure:
    """A measure over participant counts: a row a parameter, a column a prior."""
    level = data.design.study.plotted_level
    table = with_bounds(rows_of_measure(_of(data.performance, figure), measure, level))
    rows, columns = data.parameter_labels, _priors(data)
    drawn, panels = style.grid(list(rows), list(columns))
    for (parameter, prior), axes in panels.items():
        if reference is not None:
            axes.axhline(reference, color=style.TRUTH_COLOUR, linestyle="--", linewidth=0.9)
        mine = table[(table["parameter"] == parameter) & (table["prior"] == prior)]
        columns_of = ("value", "lower", "upper")
        _series(axes, mine, columns_of, data, "n_replicates", ribbon=measure == "bias")
        if measure == "coverage":
            axes.set_ylim(-0.04, 1.04)
    style.title_panels(panels, rows, columns, PARTICIPANTS)
    extra = [style.truth_line("No bias" if measure == "bias" else "Nominal")]
    style.legend(drawn, data.method_labels, extra if reference is not None else ())
    return drawn


def bias(data: FigureData, figure: Figure) -> MplFigure:
    """Bias over participant counts."""
    return _measure(data, figure, "bias", 0.0)


def rmse(data: FigureData, figure: Figure) -> MplFigure:
    """Root mean squared error over participant counts."""
    return _measure(data, figure, "rmse", None)


def coverage(data: FigureData, figure: Figure) -> MplFigure:
    """Coverage against the nominal level, over participant counts."""
    return _measure(data, figure, "coverage", data.design.study.plotted_level)


def interval_width(data: FigureData, figure: Figure) -> MplFigure:
    """Width of intervals over participant counts."""
    return _measure(data, figure, "interval_width", None)


def _cells(
    data: FigureData,
    figure: Figure,
    table: pd.DataFrame,
    rows: dict[str, str],
    bounds: Callable[[pd.DataFrame, str], pd.DataFrame],
    rests_on: dict[str, str],
    logarithmic: bool,
) -> MplFigure:
    """Columns of a table of cells over participant counts: a row each, a column a prior."""
    table, columns = _of(table, figure), _priors(data)
    drawn, panels = style.grid(list(rows), list(columns), height=2.3)
    for (value, prior), axes in panels.items():
        mine = bounds(table[table["prior"] == prior], value)
        _series(axes, mine, (value, "lower", "upper"), data, rests_on[value])
        if logarithmic and (mine[value] > 0).any():
            axes.set_yscale("log")
        elif not logarithmic:
            axes.set_ylim(-0.04, 1.04)
    style.title_panels(panels, rows, columns, PARTICIPANTS)
    style.legend(drawn, data.method_labels)
    return drawn


def convergence(data: FigureData, figure: Figure) -> MplFigure:
    """Shares of fits that converged, and that had divergent transitions."""
    rows = {
        "converged_rate": "Share of fits that converged",
        "divergent_rate": "Share of fits with divergent transitions",
    }

    def bounds(table: pd.DataFrame, value: str) -> pd.DataFrame:
        return table.assign(lower=table[f"{value}_lower"], upper=table[f"{value}_upper"])

    rests_on = {"converged_rate": "n_planned", "divergent_rate": "n_ok"}
    return _cells(data, figure, data.convergence, rows, bounds, rests_on, logarithmic=False)


def time(data: FigureData, figure: Figure) -> MplFigure:
    """What a fit costs, and what it gives for it."""
    rows = {
        "seconds": "Processor seconds a fit",
        "ess_per_second": "Smallest bulk ESS a processor second",
    }

    def bounds(table: pd.DataFrame, value: str) -> pd.DataFrame:
        spread = half_width(table[f"{value}_mcse"], table["n_measured"])
        return table.assign(lower=table[value] - spread, upper=table[value] + spread)

    rests_on = dict.fromkeys(rows, "n_measured")
    return _cells(data, figure, data.efficiency, rows, bounds, rests_on, logarithmic=True)


def recovered(data: FigureData, figure: Figure) -> MplFigure:
    """Single estimates against the truth, with their intervals: a column a participant count."""
    rows = data.parameter_labels
    columns = {s.name: f"{s.participants} participants" for s in figure.scenarios}
    drawn, panels = style.grid(list(rows), list(columns))
    for scenario in columns:
        shown = data.estimates(scenario)
        shown = shown[
            (shown["prior"] == data.first_prior) & (shown["replicate"] <= SHOWN_REPLICATES)
        ]
        for parameter in rows:
            axes, mine = panels[parameter, scenario], shown[shown["parameter"] == parameter]
            if mine["truth"].nunique() > 1:
                _against_truth(axes, mine, data)
            else:
                _sorted_intervals(axes, mine, data)
    style.title_panels(panels, rows, columns, "")
    style.legend(drawn, data.method_labels, [style.truth_line()])
    return drawn


def _by_model(rows: pd.DataFrame, data: FigureData) -> Iterator[tuple]:
    """Each model's rows, with its colour and the bounds of its plotted intervals."""
    lower, upper = interval_columns(data.design.study.plotted_level)
    for model, colour in style.colours(data.methods).items():
        mine = rows[rows["model"] == model].sort_values("mean")
        yield model, colour, mine, mine[lower].to_numpy(), mine[upper].to_numpy()


def _sorted_intervals(axes: Axes, rows: pd.DataFrame, data: FigureData) -> None:
    """Intervals of all replicates, sorted; those that miss the one truth are drawn strongly."""
    start = 0
    for _, colour, mine, low, high in _by_model(rows, data):
        x = start + np.arange(len(mine))
        truth = mine["truth"].to_numpy()
        missed = (truth < low) | (truth > high)
        for which, alpha, width in ((~missed, 0.35, 0.9), (missed, 1.0, 1.5)):
            axes.vlines(x[which], low[which], high[which], color=colour, alpha=alpha, lw=width)
        axes.plot(x, mine["mean"], ".", color=colour, markersize=2.5)
        start += len(mine) + 4
    if len(rows):
        axes.axhline(rows["truth"].iloc[0], color=style.TRUTH_COLOUR, linestyle="--", linewidth=0.9)
    axes.set_xticks([])


def _against_truth(axes: Axes, rows: pd.DataFrame, data: FigureData) -> None:
    """Estimates over truths that differ between replicates."""
    marker = style.markers(data.methods)
    for model, colour, mine, low, high in _by_model(rows, data):
        axes.vlines(mine["truth"], low, high, color=colour, alpha=0.3, linewidth=0.8)
        axes.plot(mine["truth"], mine["mean"], marker[model], color=colour, markersize=2.5)
    ends = [rows["truth"].min(), rows["truth"].max()]
    axes.plot(ends, ends, color=style.TRUTH_COLOUR, linestyle="--", linewidth=0.9)
