"""Figure of how many participants are needed: wanted values on the curves of performance."""

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

APART = 0.15  # of models at a count, in logarithms a unit of dodge
MARGIN = 1.2  # beyond the smallest and the largest count


def needed(data: FigureData, figure: Figure) -> MplFigure:
    """Each wanted measure over participants, and below it the numbers needed.

    Two rows a wanted value, a column a prior.
    """
    study, level = data.design.study, f"{100 * data.design.study.plotted_level:g} %"
    names = {
        "interval_width": f"width of {level} intervals",
        "power": f"power of {level} intervals",
        "coverage": f"coverage of {level} intervals",
        "rmse": "root mean squared error",
    }
    planned = study.planning or {}
    rows = {
        (parameter, measure): f"{data.family.PARAMETERS[parameter]}: {names[measure]}"
        for parameter, wanted in planned.items()
        for measure in wanted.model_dump(exclude_none=True)
    }
    columns = {prior: f"Prior: {words(prior)}" for prior in study.priors}
    drawn, curves, strips = _panels(list(rows), list(columns), len(data.methods))
    for (parameter, measure), prior in curves:
        table = _of(data.performance, figure, parameter, prior)
        table = rows_of_measure(table, planning.SCALES[measure].measure, study.plotted_level)
        wanted = getattr(planned[parameter], measure)
        _curves(curves[(parameter, measure), prior], table, measure, wanted, data)
        table = _of(data.planning, figure, parameter, prior)
        strip = strips[(parameter, measure), prior]
        _needed(strip, table[table["measure"] == measure], data)
        _axis(strip, study.participants)
    style.title_panels(curves, rows, columns, "")
    for (row, column), axes in strips.items():
        if column == next(iter(columns)):
            axes.set_ylabel("Needed")
        if row == list(rows)[-1]:
            axes.set_xlabel("Participants")
    style.legend(drawn, data.method_labels, [style.truth_line("Wanted")])
    return drawn


def _panels(rows: list, columns: list, models: int) -> tuple[MplFigure, dict, dict]:
    """A panel for the curves of every row and column, and below each a strip."""
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
    places = [(i, j) for i in range(len(rows)) for j in range(len(columns))]
    curves = {(rows[i], columns[j]): axes[2 * i, j] for i, j in places}
    strips = {(rows[i], columns[j]): axes[2 * i + 1, j] for i, j in places}
    for (row, _), panel in curves.items():
        panel.sharey(curves[row, columns[0]])
    return drawn, curves, strips


def _of(table: pd.DataFrame, figure: Figure, parameter: str, prior: str) -> pd.DataFrame:
    """The rows of a figure's truth and observations, of one parameter and prior."""
    scenario = figure.scenarios[0]
    mine = (table["truth"] == scenario.truth) & (table["parameter"] == parameter)
    if scenario.observations:
        mine &= table["observations"] == scenario.observations
    return table[mine & (table["prior"] == prior)]


def _curves(axes: Axes, table: pd.DataFrame, measure: str, wanted: float, data: FigureData) -> None:
    """Values with their Monte Carlo bars, and each model's curve, from which is read."""
    models = data.methods
    colour, marker, beside = style.colours(models), style.markers(models), style.dodge(models)
    axes.axhline(wanted, color=style.TRUTH_COLOUR, linestyle="--", linewidth=0.9)
    for model in models:
        mine = with_bounds(planning.usable(table[table["model"] == model], measure))
        if mine.empty:
            continue
        x, y = mine["participants"].to_numpy(), mine["value"].to_numpy()
        between = np.geomspace(x[0], x[-1], 60)
        curve = planning.curve(mine, measure, wanted)
        axes.plot(between, curve.value(between), color=colour[model], alpha=0.5, linewidth=1)
        axes.errorbar(
            x * np.exp(APART * beside[model]),
            y,
            np.maximum([y - mine["lower"], mine["upper"] - y], 0),
            fmt=marker[model],
            color=colour[model],
            markersize=4,
            elinewidth=1.2,
        )
        fewer = mine["n_replicates"] < data.design.study.replicates
        style.open_where(
            axes, x * np.exp(APART * beside[model]), y, fewer, marker[model], colour[model]
        )
    if planning.SCALES[measure].share:
        axes.set_ylim(-0.04, 1.04)


def _needed(axes: Axes, table: pd.DataFrame, data: FigureData) -> None:
    """The numbers needed with their intervals, a line a model; arrows where a bound is open."""
    models = data.methods
    colour, marker = style.colours(models), style.markers(models)
    ends = min(data.design.study.participants), max(data.design.study.participants)
    left, right = ends[0] / MARGIN, ends[1] * MARGIN
    for row in table[table["status"] != planning.UNKNOWN].itertuples():
        height, painted = -models.index(row.model), colour[row.model]
        open_left, open_right = np.isnan(row.lower), np.isnan(row.upper)
        low, high = left if open_left else row.lower, right if open_right else row.upper
        axes.plot([low, high], [height, height], color=painted, linewidth=1.2)
        for is_open, end, arrow in ((open_left, left, "<"), (open_right, right, ">")):
            if is_open:
                axes.plot(end, height, arrow, color=painted, markersize=3.5, clip_on=False)
        axes.plot(row.n_needed, height, marker[row.model], color=painted, markersize=4)
    axes.set_ylim(-len(models) + 0.3, 0.7)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def _axis(axes: Axes, counts: tuple[int, ...]) -> None:
    """Participants in logarithms, ticks at the counts studied."""
    axes.set_xscale("log")
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.set_xticks([], minor=True)
    axes.set_xlim(min(counts) / MARGIN, max(counts) * MARGIN)
    axes.tick_params(labelbottom=True)
