"""Figure of the number of participants needed: targets on the curves of performance."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure

from recovery.figures import style
from recovery.figures.figure_data import FigureData
from recovery.plan.figure_list import Figure, words
from recovery.score import planning
from recovery.score.measures import rows_of_measure
from recovery.score.measures.monte_carlo import with_bounds

APART = 0.15  # offset of models at a count: log participants per unit of dodge
MARGIN = 1.2  # factor beyond the smallest and the largest count


def needed(data: FigureData, figure: Figure) -> MplFigure:
    """Draw each target measure over participants, and below it the numbers needed.

    Two rows for each target, a column for each prior.
    """
    study = data.design.study
    targets = study.planning or {}
    labels = {**data.family.PARAMETERS, **{name: words(name) for name in study.decisions}}
    rows = {
        (parameter, measure): f"{labels[parameter]}: {_name(measure, wanted.interval)}"
        for parameter, wanted in targets.items()
        for measure in wanted.targets
    }
    columns = {prior: f"Prior: {words(prior)}" for prior in study.priors}
    drawn, curves, strips = _panels(list(rows), list(columns), len(data.methods))
    for (parameter, measure), prior in curves:
        wanted, scale = targets[parameter], planning.SCALES[measure]
        table = _of_figure(data.planned_values, figure, parameter, prior)
        table = rows_of_measure(table, scale.measure, wanted.interval)
        target = wanted.targets[measure]
        _curves(curves[(parameter, measure), prior], table, measure, target, data)
        table = _of_figure(data.planning, figure, parameter, prior)
        strip = strips[(parameter, measure), prior]
        _needed(strip, table[table["measure"] == measure], data)
        _axis(strip, study.participants)
    style.title_panels(curves, rows, columns, "")
    for (row, column), axes in strips.items():
        if column == next(iter(columns)):
            axes.set_ylabel("Needed")
        if row == list(rows)[-1]:
            axes.set_xlabel("Participants")
    style.legend(drawn, data.method_labels, [style.truth_line("Target")])
    return drawn


def _name(measure: str, level: float) -> str:
    """The name of a measure; those of intervals have their level."""
    if measure == "rate":
        return style.RATE_OF_YES
    if measure == "rmse":
        return "root mean squared error"
    return f"{measure.removeprefix('interval_')} of {100 * level:g} % intervals"


def _panels(rows: list, columns: list, models: int) -> tuple[MplFigure, dict, dict]:
    """Return a figure with a panel of curves for each row and column, and a strip below each."""
    strip = 0.25 + 0.09 * models
    width = 2.9 if len(columns) > 1 else 4.6
    drawn, axes = plt.subplots(
        2 * len(rows),
        len(columns),
        figsize=(width * len(columns) + 0.6, (2.0 + strip) * len(rows) + 0.7),
        height_ratios=[2.0, strip] * len(rows),
        squeeze=False,
        sharex=True,
        layout="constrained",
    )
    cells = [(i, j) for i in range(len(rows)) for j in range(len(columns))]
    curves = {(rows[i], columns[j]): axes[2 * i, j] for i, j in cells}
    strips = {(rows[i], columns[j]): axes[2 * i + 1, j] for i, j in cells}
    for (row, _), panel in curves.items():
        panel.sharey(curves[row, columns[0]])
    return drawn, curves, strips


def _of_figure(table: pd.DataFrame, figure: Figure, parameter: str, prior: str) -> pd.DataFrame:
    """Return the rows of a figure's condition, of one parameter and prior."""
    scenario = figure.scenarios[0]
    shown = (table["truth"] == scenario.truth) & (table["parameter"] == parameter)
    if scenario.observations:
        shown &= table["observations"] == scenario.observations
    for factor, number in scenario.sizes:
        shown &= table[f"n_{factor}"] == number
    return table[shown & (table["prior"] == prior)]


def _curves(axes: Axes, table: pd.DataFrame, measure: str, target: float, data: FigureData) -> None:
    """Draw values with their Monte Carlo bars, and the interpolated curve of each model."""
    models = data.methods
    colour, marker, offset = style.colours(models), style.markers(models), style.dodge(models)
    axes.axhline(target, color=style.TRUTH_COLOUR, linestyle="--", linewidth=0.9)
    for model in models:
        points = with_bounds(planning.usable(table[table["model"] == model], measure))
        if points.empty:
            continue
        x, y = points["participants"].to_numpy(), points["value"].to_numpy()
        grid = np.geomspace(x[0], x[-1], 60)
        curve = planning.curve(points, measure, target)
        axes.plot(grid, curve.value(grid), color=colour[model], alpha=0.5, linewidth=1)
        shifted = x * np.exp(APART * offset[model])
        axes.errorbar(
            shifted,
            y,
            np.maximum([y - points["lower"], points["upper"] - y], 0),
            fmt=marker[model],
            color=colour[model],
            markersize=4,
            elinewidth=1.2,
        )
        fewer = points["n_replicates"] < data.design.study.replicates
        style.open_where(axes, shifted, y, fewer, marker[model], colour[model])
    if planning.SCALES[measure].share:
        axes.set_ylim(-0.04, 1.04)


def _needed(axes: Axes, table: pd.DataFrame, data: FigureData) -> None:
    """Draw the numbers needed with their intervals, and arrows for open bounds."""
    models = data.methods
    colour, marker = style.colours(models), style.markers(models)
    ends = min(data.design.study.participants), max(data.design.study.participants)
    left, right = ends[0] / MARGIN, ends[1] * MARGIN
    for row in table[table["status"] != planning.UNKNOWN].itertuples():
        height, line_colour = -models.index(row.model), colour[row.model]
        open_left, open_right = np.isnan(row.lower), np.isnan(row.upper)
        low, high = left if open_left else row.lower, right if open_right else row.upper
        axes.plot([low, high], [height, height], color=line_colour, linewidth=1.2)
        for is_open, end, arrow in ((open_left, left, "<"), (open_right, right, ">")):
            if is_open:
                axes.plot(end, height, arrow, color=line_colour, markersize=3.5, clip_on=False)
        axes.plot(row.n_needed, height, marker[row.model], color=line_colour, markersize=4)
    axes.set_ylim(-len(models) + 0.3, 0.7)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def _axis(axes: Axes, counts: tuple[int, ...]) -> None:
    """Set a log axis of participants with ticks at the studied counts."""
    axes.set_xscale("log")
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.set_xticks([], minor=True)
    axes.set_xlim(min(counts) / MARGIN, max(counts) * MARGIN)
    axes.tick_params(labelbottom=True)
