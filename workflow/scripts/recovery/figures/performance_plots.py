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


def _of_figure(table: pd.DataFrame, figure: Figure) -> pd.DataFrame:
    return table[table["scenario"].isin([scenario.name for scenario in figure.scenarios])]


def _series(
    axes: Axes,
    rows: pd.DataFrame,
    columns: tuple[str, str, str],
    data: FigureData,
    n_column: str,
    ribbon: bool = False,
) -> None:
    """Draw a point with its uncertainty for each model and participant count.

    `n_column` has the number of fits on which a point is based. A ribbon also shows the
    uncertainty between points.
    """
    value, lower, upper = columns
    models = data.methods
    colour, marker, offset = style.colours(models), style.markers(models), style.dodge(models)
    counts = sorted(rows["participants"].unique())
    for model in models:
        points = rows[rows["model"] == model].sort_values("participants")
        points = points[np.isfinite(points[value])]
        x = np.array([counts.index(count) for count in points["participants"]]) + offset[model]
        y = points[value].to_numpy()
        error = np.abs(np.vstack([y - points[lower], points[upper] - y]))
        error = np.where(np.isfinite(error), error, 0)
        axes.plot(x, y, color=colour[model], alpha=0.35, linewidth=1)
        if ribbon:
            ends = (y - error[0], y + error[1])
            axes.fill_between(x, *ends, color=colour[model], alpha=0.12, linewidth=0)
        axes.errorbar(
            x, y, error, fmt=marker[model], color=colour[model], markersize=4, elinewidth=1.2
        )
        fewer = points[n_column] < data.design.study.replicates
        style.open_where(axes, x, y, fewer, marker[model], colour[model])
    axes.set_xticks(range(len(counts)), counts)
    axes.set_xlim(-0.5, len(counts) - 0.5)


def _measure(data: FigureData, figure: Figure, measure: str, reference: float | None) -> MplFigure:
    """Draw a measure over participant counts: a row for each parameter, a column for each prior."""
    level = data.design.study.plotted_level
    table = with_bounds(rows_of_measure(_of_figure(data.performance, figure), measure, level))
    rows, columns = data.parameter_labels, _priors(data)
    drawn, panels = style.grid(list(rows), list(columns))
    for (parameter, prior), axes in panels.items():
        if reference is not None:
            axes.axhline(reference, color=style.TRUTH_COLOUR, linestyle="--", linewidth=0.9)
        shown = table[(table["parameter"] == parameter) & (table["prior"] == prior)]
        value_columns = ("value", "lower", "upper")
        _series(axes, shown, value_columns, data, "n_replicates", ribbon=measure == "bias")
        if measure == "coverage":
            axes.set_ylim(-0.04, 1.04)
    style.title_panels(panels, rows, columns, PARTICIPANTS)
    extra = [style.truth_line("No bias" if measure == "bias" else "Nominal")]
    style.legend(drawn, data.method_labels, extra if reference is not None else ())
    return drawn


def bias(data: FigureData, figure: Figure) -> MplFigure:
    """Draw bias over participant counts."""
    return _measure(data, figure, "bias", 0.0)


def rmse(data: FigureData, figure: Figure) -> MplFigure:
    """Draw the root mean squared error over participant counts."""
    return _measure(data, figure, "rmse", None)


def coverage(data: FigureData, figure: Figure) -> MplFigure:
    """Draw coverage and its nominal level over participant counts."""
    return _measure(data, figure, "coverage", data.design.study.plotted_level)


def interval_width(data: FigureData, figure: Figure) -> MplFigure:
    """Draw the mean width of intervals over participant counts."""
    return _measure(data, figure, "interval_width", None)


def decisions(data: FigureData, figure: Figure) -> MplFigure:
    """Draw the rate of yes over participant counts: a row for each decision, priors as columns."""
    table = _of_figure(data.decisions, figure)
    rows = {name: f"{words(name)}: {style.RATE_OF_YES}" for name in data.design.study.decisions}
    columns = _priors(data)
    drawn, panels = style.grid(list(rows), list(columns))
    for (decision, prior), axes in panels.items():
        shown = table[(table["decision"] == decision) & (table["prior"] == prior)]
        _series(axes, shown, ("rate", "lower", "upper"), data, "n_replicates")
        axes.set_ylim(-0.04, 1.04)
    style.title_panels(panels, rows, columns, PARTICIPANTS)
    style.legend(drawn, data.method_labels)
    return drawn


def _cells(
    data: FigureData,
    figure: Figure,
    table: pd.DataFrame,
    rows: dict[str, str],
    bounds: Callable[[pd.DataFrame, str], pd.DataFrame],
    n_columns: dict[str, str],
    logarithmic: bool,
) -> MplFigure:
    """Draw columns of a table of cells over participant counts: a row each, a column a prior."""
    table, columns = _of_figure(table, figure), _priors(data)
    drawn, panels = style.grid(list(rows), list(columns), height=2.3)
    for (value, prior), axes in panels.items():
        shown = bounds(table[table["prior"] == prior], value)
        _series(axes, shown, (value, "lower", "upper"), data, n_columns[value])
        if logarithmic and (shown[value] > 0).any():
            style.log_y_axis(axes)
        elif not logarithmic:
            axes.set_ylim(-0.04, 1.04)
    style.title_panels(panels, rows, columns, PARTICIPANTS)
    style.legend(drawn, data.method_labels)
    return drawn


def convergence(data: FigureData, figure: Figure) -> MplFigure:
    """Draw the shares of fits that converged and that had divergent transitions."""
    rows = {
        "converged_rate": "Share of fits that converged",
        "divergent_rate": "Share of fits with divergent transitions",
    }

    def bounds(table: pd.DataFrame, value: str) -> pd.DataFrame:
        return table.assign(lower=table[f"{value}_lower"], upper=table[f"{value}_upper"])

    n_columns = {"converged_rate": "n_planned", "divergent_rate": "n_ok"}
    return _cells(data, figure, data.convergence, rows, bounds, n_columns, logarithmic=False)


def time(data: FigureData, figure: Figure) -> MplFigure:
    """Draw the processor seconds of a fit and its effective sample size per second."""
    rows = {
        "seconds": "Processor seconds per fit",
        "ess_per_second": "Smallest bulk ESS per processor second",
    }

    def bounds(table: pd.DataFrame, value: str) -> pd.DataFrame:
        half = half_width(table[f"{value}_mcse"], table["n_measured"])
        return table.assign(lower=table[value] - half, upper=table[value] + half)

    n_columns = dict.fromkeys(rows, "n_measured")
    return _cells(data, figure, data.efficiency, rows, bounds, n_columns, logarithmic=True)


def recovered(data: FigureData, figure: Figure) -> MplFigure:
    """Draw single estimates with intervals and truth: a column for each participant count."""
    rows = data.parameter_labels
    columns = {s.name: f"{s.participants} participants" for s in figure.scenarios}
    drawn, panels = style.grid(list(rows), list(columns))
    for scenario in columns:
        estimates = data.estimates(scenario)
        estimates = estimates[
            (estimates["prior"] == data.first_prior) & (estimates["replicate"] <= SHOWN_REPLICATES)
        ]
        for parameter in rows:
            axes = panels[parameter, scenario]
            shown = estimates[estimates["parameter"] == parameter]
            if shown["truth"].nunique() > 1:
                _against_truth(axes, shown, data)
            else:
                _sorted_intervals(axes, shown, data)
    style.title_panels(panels, rows, columns, "")
    style.legend(drawn, data.method_labels, [style.truth_line()])
    return drawn


def _by_model(rows: pd.DataFrame, data: FigureData) -> Iterator[tuple]:
    """Yield for each model its colour, sorted rows, and the bounds of their intervals."""
    lower, upper = interval_columns(data.design.study.plotted_level)
    for model, colour in style.colours(data.methods).items():
        fits = rows[rows["model"] == model].sort_values("mean")
        yield model, colour, fits, fits[lower].to_numpy(), fits[upper].to_numpy()


def _sorted_intervals(axes: Axes, rows: pd.DataFrame, data: FigureData) -> None:
    """Draw sorted intervals of all replicates, in a strong colour if they miss the truth."""
    start = 0
    for _, colour, fits, low, high in _by_model(rows, data):
        x = start + np.arange(len(fits))
        truth = fits["truth"].to_numpy()
        missed = (truth < low) | (truth > high)
        for which, alpha, width in ((~missed, 0.35, 0.9), (missed, 1.0, 1.5)):
            axes.vlines(x[which], low[which], high[which], color=colour, alpha=alpha, lw=width)
        axes.plot(x, fits["mean"], ".", color=colour, markersize=2.5)
        start += len(fits) + 4
    if len(rows):
        axes.axhline(rows["truth"].iloc[0], color=style.TRUTH_COLOUR, linestyle="--", linewidth=0.9)
    axes.set_xticks([])


def _against_truth(axes: Axes, rows: pd.DataFrame, data: FigureData) -> None:
    """Draw estimates against truths that differ between replicates."""
    marker = style.markers(data.methods)
    for model, colour, fits, low, high in _by_model(rows, data):
        axes.vlines(fits["truth"], low, high, color=colour, alpha=0.3, linewidth=0.8)
        axes.plot(fits["truth"], fits["mean"], marker[model], color=colour, markersize=2.5)
    ends = [rows["truth"].min(), rows["truth"].max()]
    axes.plot(ends, ends, color=style.TRUTH_COLOUR, linestyle="--", linewidth=0.9)
