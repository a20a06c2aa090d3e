"""Figures of intervals: of replicates by coverage, and of one dataset's participants."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from matplotlib.lines import Line2D

from recovery.figures import style
from recovery.figures.dataset_plots import NO_DATASET
from recovery.figures.figure_data import FigureData
from recovery.plan.figure_list import Figure, partial_model
from recovery.score.measures import proportion
from recovery.study.methods import method
from recovery.tables import interval_columns


def centiles(z: np.ndarray) -> np.ndarray:
    """Return the fractional centile of every |z| among all: (rank - 1/2) / n, smallest first."""
    order = np.argsort(np.argsort(np.abs(z), kind="stable"), kind="stable")
    return (order + 0.5) / z.size


def zipped(data: FigureData, figure: Figure) -> MplFigure:
    """Intervals of replicates, sorted by how many posterior SDs their means are from the truth.

    References
    ----------
    Morris, White & Crowther (2019), doi:10.1002/sim.8086, figure 6.
    """
    rows, columns = data.parameter_labels, data.method_labels
    scenario = min(figure.scenarios, key=lambda each: each.participants)
    shown = data.estimates(scenario.name)
    shown = shown[(shown["prior"] == data.first_prior) & (shown["sd"] > 0)]
    drawn, panels = style.matrix(list(rows), list(columns), 1.8, 1.6, sharex="row")
    colour = style.colours(list(columns))
    for (parameter, model), axes in panels.items():
        if parameter in method(data.family, model).scored:
            mine = shown[(shown["parameter"] == parameter) & (shown["model"] == model)]
            _zip(axes, mine, data.design.study.plotted_level, colour[model])
        else:
            style.say(axes, "not estimated")
    style.title_panels(panels, rows, columns, "Interval less truth")
    drawn.supylabel("Centile of the distance from the truth in posterior SDs", fontsize=9)
    handles = [
        Line2D([], [], color="0.35", alpha=0.4, linewidth=3, label="Holds the truth"),
        Line2D([], [], color="0.35", linewidth=3, label="Misses it"),
        Line2D([], [], color="0.35", linestyle=":", label="Coverage, 95 % Monte Carlo interval"),
        style.truth_line("No error, and nominal coverage"),
    ]
    drawn.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    return drawn


def _zip(axes: Axes, rows: pd.DataFrame, level: float, colour: tuple) -> None:
    """One panel: an interval a replicate, those that miss the truth drawn strongly."""
    for at in (axes.axvline, axes.axhline):
        place = 0 if at == axes.axvline else level
        at(place, color=style.TRUTH_COLOUR, linestyle="--", linewidth=0.8, zorder=3)
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    if not len(rows):
        style.say(axes, "no intervals")
        return
    truth = rows["truth"].to_numpy()
    lower, upper = (rows[name].to_numpy() - truth for name in interval_columns(level))
    y = centiles((rows["mean"].to_numpy() - truth) / rows["sd"].to_numpy())
    holds = (lower <= 0) & (upper >= 0)
    width = float(np.clip(80 / len(rows), 0.5, 1.6))
    for which, alpha in ((holds, 0.4), (~holds, 1.0)):
        x, heights = style.segments(lower[which], upper[which], y[which])
        axes.plot(x, heights, color=colour, alpha=alpha, linewidth=width, solid_capstyle="butt")
    found = proportion(holds)
    for bound in (found.lower, found.upper):
        axes.axhline(bound, color="0.35", linestyle=":", linewidth=0.9, zorder=3)


def caterpillar(data: FigureData, figure: Figure) -> MplFigure:
    """Every participant's coefficient from one dataset, sorted by its true value."""
    family, study = data.family, data.design.study
    model, scenario = partial_model(study), figure.scenarios[0]
    assert model is not None
    estimates = data.estimates(scenario.name)
    mine = (estimates["model"] == model) & (estimates["prior"] == data.first_prior)
    estimates = estimates[mine & (estimates["replicate"] == 1)].set_index("parameter")
    _, values = data.first_dataset(scenario)
    if not values:
        return style.nothing(NO_DATASET)
    coefficients = family.group_coefficients(list(values))
    height = float(np.clip(0.13 * scenario.participants, 2.2, 6.5))
    drawn, panels = style.folded(len(coefficients), min(2, len(coefficients)), 4.2, height)
    for (coefficient, names), axes in zip(coefficients.items(), panels, strict=True):
        names = sorted((n for n in names if n in estimates.index), key=values.__getitem__)
        if names:
            _caterpillar(axes, estimates.loc[names], data, style.colours(study.models)[model])
        else:
            style.say(axes, "The fit failed")
        if mean := family.population_of(coefficient):
            axes.axvline(values[mean], color=style.TRUTH_COLOUR, linestyle="--", linewidth=0.9)
        axes.set_yticks([])
        axes.set_xlabel(family.COEFFICIENTS[coefficient])
    panels[0].set_ylabel("Participants by true value")
    drawn.legend(
        handles=_caterpillar_handles(data, model),
        loc="outside lower center",
        ncols=3 if len(coefficients) > 1 else 1,
        frameon=False,
    )
    return drawn


def _caterpillar(axes: Axes, rows: pd.DataFrame, data: FigureData, colour: tuple) -> None:
    """One panel: interval, mean and truth of the participants, from below in their order."""
    lower, upper = interval_columns(data.design.study.plotted_level)
    y, size = np.arange(len(rows)), float(np.clip(90 / len(rows), 1.5, 4.5))
    axes.plot(*style.segments(rows[lower], rows[upper], y), color=colour, linewidth=1.2, alpha=0.6)
    axes.plot(rows["mean"], y, "o", color=colour, markersize=size)
    axes.plot(rows["truth"], y, "D", color=style.TRUTH_COLOUR, markersize=0.8 * size, mfc="none")
    axes.set_ylim(-1, len(rows))


def _caterpillar_handles(data: FigureData, model: str) -> list[Line2D]:
    """The legend: the model, the true values, and their mean in the population."""
    level, label = data.design.study.plotted_level, data.model_labels[model]
    colour = style.colours(data.design.study.models)[model]
    text = f"{label}: mean and {100 * level:.4g} % interval"
    return [
        Line2D([], [], color=colour, marker="o", markersize=4, label=text),
        Line2D([], [], color=style.TRUTH_COLOUR, marker="D", mfc="none", ls="", label="Truth"),
        style.truth_line("True population mean"),
    ]
