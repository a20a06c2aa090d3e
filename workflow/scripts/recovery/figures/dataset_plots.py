"""Figures of single datasets: participants' lines, shrinkage, observed data, priors."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from matplotlib.lines import Line2D

from recovery.families.family import Columns, Family, Values
from recovery.figures import style
from recovery.figures.figure_data import FigureData
from recovery.plan.figure_list import Figure, fit_label, fits_by_prior
from recovery.tables import interval_columns

SHOWN_PARTICIPANTS = 12
NO_DATASET = "Replicate 1 could not be simulated"


def _dataset(data: FigureData, figure: Figure) -> tuple[Columns, Values, pd.DataFrame]:
    """Return the dataset of a figure, its true values, and its estimates.

    The dataset is the observed one, or replicate 1 of the smallest scenario with enough
    participants to fill the figure.
    """
    if figure.dataset:
        estimates = data.observed_estimates(figure.dataset)
        return (
            data.observed_dataset(figure.dataset),
            {},
            _shown_fits(estimates, data),
        )
    by_size = sorted(figure.scenarios, key=lambda scenario: scenario.participants)
    large = [s for s in by_size if s.participants >= SHOWN_PARTICIPANTS]
    scenario = (large or by_size[-1:])[0]
    columns, values = data.first_dataset(scenario)
    return columns, values, _shown_fits(data.estimates(scenario.name), data)


def _shown_fits(estimates: pd.DataFrame, data: FigureData) -> pd.DataFrame:
    """Return the fits to replicate 1 under the first prior: the last model of each pooling."""
    models = data.family.MODELS
    last = {models[model].pooling: model for model in data.design.study.models}
    shown = estimates["model"].isin(last.values()) & (estimates["replicate"] == 1)
    return estimates[shown & (estimates["prior"] == data.first_prior)]


def _means(estimates: pd.DataFrame, model: str) -> Values:
    rows = estimates[estimates["model"] == model]
    return dict(zip(rows["parameter"], rows["mean"], strict=True))


def _shown_models(estimates: pd.DataFrame, data: FigureData) -> dict[str, str]:
    present = set(estimates["model"])
    models = data.design.study.models
    return {m: data.family.MODELS[m].label for m in models if m in present}


def lines(data: FigureData, figure: Figure) -> MplFigure:
    """Draw participants' data with the line of each kind of pooling and the true line."""
    columns, values, estimates = _dataset(data, figure)
    if not columns:
        return style.message_figure(NO_DATASET)
    family, axis = data.family, data.axes
    participants = np.unique(columns[axis.participant])[:SHOWN_PARTICIPANTS]
    across = min(6, len(participants))
    drawn, panels = style.folded(len(participants), across, 1.65, 1.75, sharex=True, sharey=True)
    labels = _shown_models(estimates, data)
    colour = style.colours(data.design.study.models)
    grid = family.line_grid(columns)
    expected = {model: family.expected(_means(estimates, model), grid) for model in labels}
    truth = family.expected(values, grid) if values else None
    for participant, axes in zip(participants, panels, strict=True):
        rows = columns[axis.participant] == participant
        ends = grid[axis.participant] == participant
        axes.plot(columns[axis.x][rows], columns[axis.y][rows], ".", color="0.55", markersize=4)
        if truth is not None:
            axes.plot(grid[axis.x][ends], truth[ends], "--", color=style.TRUTH_COLOUR, linewidth=1)
        for model, y in expected.items():
            if y is not None:
                axes.plot(grid[axis.x][ends], y[ends], color=colour[model], linewidth=1.4)
        axes.set_title(f"Participant {participant}", loc="left", fontsize=8)
        if axes in panels[-across:]:
            axes.set_xlabel(axis.x_label)
            axes.tick_params(labelbottom=True)
        if style.is_first_column(axes):
            axes.set_ylabel(axis.y_label)
    _legend(drawn, data, labels, [style.truth_line()] if truth is not None else [])
    return drawn


def _legend(drawn: MplFigure, data: FigureData, labels: dict[str, str], extra: list) -> None:
    """Add a legend of the models in their colours."""
    colour = style.colours(data.design.study.models)
    handles = [Line2D([], [], color=colour[m], label=label) for m, label in labels.items()]
    drawn.legend(handles=[*handles, *extra], loc="outside lower center", ncols=6, frameon=False)


def shrinkage(data: FigureData, figure: Figure) -> MplFigure:
    """Draw groups' coefficients without pooling, with partial pooling, and true ones."""
    _, values, estimates = _dataset(data, figure)
    if not values:
        return style.message_figure(NO_DATASET)
    family = data.family
    kinds = {
        family.MODELS[m].pooling: (label, _means(estimates, m))
        for m, label in _shown_models(estimates, data).items()
    }
    stages = [kinds[kind] for kind in ("none", "partial") if kind in kinds]
    stages.append(("Truth", values))
    coefficients = family.group_coefficients(list(values))
    drawn, panels = style.folded(len(coefficients), min(2, len(coefficients)), 4.2, 2.3)
    heights = np.arange(len(stages))[::-1]
    for (coefficient, names), axes in zip(coefficients.items(), panels, strict=True):
        table = np.array([[means[name] for name in names] for _, means in stages])
        axes.plot(table, np.tile(heights[:, None], len(names)), color="0.75", linewidth=0.8)
        for height, x in zip(heights, table, strict=True):
            axes.plot(x, np.full(len(names), height), "o", color="0.25", markersize=3.5)
        population_line(axes, family, coefficient, values)
        axes.set_yticks(heights, [label for label, _ in stages])
        axes.set_ylim(-0.4, len(stages) - 0.6)
        axes.set_title(family.COEFFICIENTS[coefficient], loc="left", fontweight="bold")
        if family.DEVIATIONS:
            axes.set_xlabel("Deviation from the population")
    drawn.legend(handles=[population_handle(family)], loc="outside lower center", frameon=False)
    return drawn


def coefficient_label(family: Family, coefficient: str) -> str:
    """Return the label of a groups' coefficient, which says if it is a deviation."""
    label = family.COEFFICIENTS[coefficient]
    return f"{label}: deviation from the population" if family.DEVIATIONS else label


def population_line(axes: Axes, family: Family, coefficient: str, values: Values) -> None:
    """Draw a line at the population's value of a groups' coefficient: 0 for a deviation."""
    mean = family.population_of(coefficient)
    if family.DEVIATIONS or mean:
        place = values[mean] if mean else 0.0
        axes.axvline(place, color=style.TRUTH_COLOUR, linestyle="--", linewidth=0.9)


def population_handle(family: Family) -> Line2D:
    """Return the legend entry of `population_line`."""
    return style.truth_line("No deviation" if family.DEVIATIONS else "True population mean")


_LINE_STYLES: tuple[Literal["--", ":", "-."], ...] = ("--", ":", "-.")


def observed(data: FigureData, figure: Figure) -> MplFigure:
    """Draw the estimates of all parameters by all models from an observed dataset."""
    dataset = figure.dataset
    assert dataset is not None
    study, estimates = data.design.study, data.observed_estimates(dataset)
    published = study.observed[dataset].published
    lower, upper = interval_columns(study.plotted_level)
    labels = {p: data.family.PARAMETERS[p] for p in data.parameters}
    fits = fits_by_prior(study)
    names = [fit_label(data.family, study, *fit) for fit in fits]
    width = max(2.9, 2.1 + 0.07 * max(map(len, names)))  # inches: the panel and its labels
    height = 1.1 + 0.2 * len(data.methods)
    drawn, panels = style.grid(list(labels), ["all"], width, height)
    colour = style.colours(data.methods)
    for (parameter, _), axes in panels.items():
        rows = estimates[estimates["parameter"] == parameter].set_index(["model", "prior"])
        for height, fit in enumerate(reversed(fits)):
            if fit in rows.index:
                row = rows.loc[fit]
                axes.hlines(height, row[lower], row[upper], color=colour[fit[0]], linewidth=1.6)
                axes.plot(row["mean"], height, "o", color=colour[fit[0]], markersize=4.5)
        for line, numbers in zip(_LINE_STYLES, published.values(), strict=False):
            if parameter in numbers.values:
                value = numbers.values[parameter]
                axes.axvline(value, color=style.TRUTH_COLOUR, linestyle=line, linewidth=0.9)
        axes.set_yticks(range(len(fits)), reversed(names))
        axes.set_ylim(-0.6, len(fits) - 0.4)
        axes.set_title(labels[parameter], loc="left")
    lines_used = zip(_LINE_STYLES, published.values(), strict=False)
    handles = [
        Line2D([], [], color=style.TRUTH_COLOUR, linestyle=line, linewidth=1, label=numbers.source)
        for line, numbers in lines_used
    ]
    if handles:
        drawn.legend(handles=handles, loc="outside lower center", frameon=False)
    return drawn
