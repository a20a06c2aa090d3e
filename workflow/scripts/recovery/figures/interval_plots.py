"""Figures of intervals: zip plot of replicates, and groups of one dataset."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from matplotlib.lines import Line2D

from recovery.figures import dataset_plots, style
from recovery.figures.figure_data import FigureData
from recovery.plan.figure_list import Figure, partial_model
from recovery.score.measures import proportion
from recovery.study.methods import method
from recovery.tables import interval_columns


def centiles(z: np.ndarray) -> np.ndarray:
    """Return the fractional centile of each |z| among all: (rank - 1/2) / n, from the smallest."""
    order = np.argsort(np.argsort(np.abs(z), kind="stable"), kind="stable")
    return (order + 0.5) / z.size


def zipped(data: FigureData, figure: Figure) -> MplFigure:
    """Draw intervals of replicates, sorted by the distance of their mean from the truth in SDs.

    References
    ----------
    Morris, White & Crowther (2019), doi:10.1002/sim.8086, figure 6.
    """
    rows, columns = data.parameter_labels, data.method_labels
    scenario = min(figure.scenarios, key=lambda each: each.participants)
    estimates = data.estimates(scenario.name)
    estimates = estimates[(estimates["prior"] == data.first_prior) & (estimates["sd"] > 0)]
    drawn, panels = style.matrix(list(rows), list(columns), 1.8, 1.6, sharex="row")
    colour = style.colours(list(columns))
    for (parameter, model), axes in panels.items():
        if parameter in method(data.family, model).scored:
            shown = (estimates["parameter"] == parameter) & (estimates["model"] == model)
            _zip(axes, estimates[shown], data.design.study.plotted_level, colour[model])
        else:
            style.message(axes, "not estimated")
    style.title_panels(panels, rows, columns, "Interval minus truth")
    drawn.supylabel("Centile of the distance from the truth in posterior SDs", fontsize=9)
    handles = [
        Line2D([], [], color="0.35", alpha=0.4, linewidth=3, label="Contains the truth"),
        Line2D([], [], color="0.35", linewidth=3, label="Misses the truth"),
        Line2D([], [], color="0.35", linestyle=":", label="Coverage, 95 % Monte Carlo interval"),
        style.truth_line("No error; nominal coverage"),
    ]
    drawn.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    return drawn


def _zip(axes: Axes, rows: pd.DataFrame, level: float, colour: tuple) -> None:
    """Draw one panel: an interval for each replicate, in a strong colour if it misses the truth."""
    if not len(rows):
        style.message(axes, "no intervals")
        return
    for draw_line, position in ((axes.axvline, 0.0), (axes.axhline, level)):
        draw_line(position, color=style.TRUTH_COLOUR, linestyle="--", linewidth=0.8, zorder=3)
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    truth = rows["truth"].to_numpy()
    lower, upper = (rows[name].to_numpy() - truth for name in interval_columns(level))
    y = centiles((rows["mean"].to_numpy() - truth) / rows["sd"].to_numpy())
    covers = (lower <= 0) & (upper >= 0)
    width = float(np.clip(80 / len(rows), 0.5, 1.6))
    for which, alpha in ((covers, 0.4), (~covers, 1.0)):
        x, heights = style.segments(lower[which], upper[which], y[which])
        axes.plot(x, heights, color=colour, alpha=alpha, linewidth=width, solid_capstyle="butt")
    coverage = proportion(covers)
    for bound in (coverage.lower, coverage.upper):
        axes.axhline(bound, color="0.35", linestyle=":", linewidth=0.9, zorder=3)


def caterpillar(data: FigureData, figure: Figure) -> MplFigure:
    """Draw groups' coefficients in one dataset, sorted by true value."""
    family, study = data.family, data.design.study
    model, scenario = partial_model(study), figure.scenarios[0]
    assert model is not None
    estimates = data.estimates(scenario.name)
    shown = (estimates["model"] == model) & (estimates["prior"] == data.first_prior)
    estimates = estimates[shown & (estimates["replicate"] == 1)].set_index("parameter")
    _, values = data.first_dataset(scenario)
    if not values:
        return style.message_figure(dataset_plots.NO_DATASET)
    coefficients = family.group_coefficients(list(values))
    height = float(np.clip(0.13 * max(map(len, coefficients.values())), 2.2, 6.5))
    drawn, panels = style.folded(len(coefficients), min(2, len(coefficients)), 4.2, height)
    for (coefficient, names), axes in zip(coefficients.items(), panels, strict=True):
        names = sorted((n for n in names if n in estimates.index), key=values.__getitem__)
        if names:
            _caterpillar(axes, estimates.loc[names], data, style.colours(study.models)[model])
        else:
            style.message(axes, "The fit failed")
        dataset_plots.population_line(axes, family, coefficient, values)
        axes.set_yticks([])
        axes.set_xlabel(dataset_plots.coefficient_label(family, coefficient))
    panels[0].set_ylabel("Groups by true value")
    drawn.legend(
        handles=_caterpillar_handles(data, model),
        loc="outside lower center",
        ncols=3 if len(coefficients) > 1 else 1,
        frameon=False,
    )
    return drawn


def _caterpillar(axes: Axes, rows: pd.DataFrame, data: FigureData, colour: tuple) -> None:
    """Draw one panel: interval, mean and truth of each group, from the bottom up."""
    lower, upper = interval_columns(data.design.study.plotted_level)
    y, size = np.arange(len(rows)), float(np.clip(90 / len(rows), 1.5, 4.5))
    axes.plot(*style.segments(rows[lower], rows[upper], y), color=colour, linewidth=1.2, alpha=0.6)
    axes.plot(rows["mean"], y, "o", color=colour, markersize=size)
    axes.plot(rows["truth"], y, "D", color=style.TRUTH_COLOUR, markersize=0.8 * size, mfc="none")
    axes.set_ylim(-1, len(rows))


def _caterpillar_handles(data: FigureData, model: str) -> list[Line2D]:
    """Return legend entries of the model, the true values, and the population."""
    level, label = data.design.study.plotted_level, data.model_labels[model]
    colour = style.colours(data.design.study.models)[model]
    text = f"{label}: mean and {100 * level:.4g} % interval"
    return [
        Line2D([], [], color=colour, marker="o", markersize=4, label=text),
        Line2D([], [], color=style.TRUTH_COLOUR, marker="D", mfc="none", ls="", label="Truth"),
        dataset_plots.population_handle(data.family),
    ]
