"""Figures of several measures, and of the whole design."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure

from recovery.figures import style
from recovery.figures.figure_data import FigureData
from recovery.plan.figure_list import Figure, words
from recovery.plan.scenarios import Scenario, scenarios_of
from recovery.score.measures import rows_of_measure
from recovery.score.measures.monte_carlo import with_bounds
from recovery.study.keys import Study

SIDE_BY_SIDE = {
    "bias": "Bias",
    "relative_error_of_model_se": "Relative error of\nposterior SD",
    "coverage": "Coverage",
    "bias_eliminated_coverage": "Bias-eliminated\ncoverage",
}


def lolly(data: FigureData, figure: Figure) -> MplFigure:
    """Draw measures of all models side by side, at the largest participant count.

    References
    ----------
    Morris, White & Crowther (2019), doi:10.1002/sim.8086.
    """
    study, rows = data.design.study, data.parameter_labels
    scenario = max(figure.scenarios, key=lambda each: each.participants)
    table = data.performance
    table = table[(table["scenario"] == scenario.name) & (table["prior"] == data.first_prior)]
    height = max(1.5, 0.55 + 0.2 * len(data.methods))
    drawn, panels = style.matrix(list(rows), list(SIDE_BY_SIDE), 2.1, height, sharey=True)
    for (parameter, measure), axes in panels.items():
        values = with_bounds(rows_of_measure(table, measure, study.plotted_level))
        values = values[(values["parameter"] == parameter) & np.isfinite(values["value"])]
        ideal = study.plotted_level if measure.endswith("coverage") else 0.0
        _sticks(axes, values.set_index("model"), ideal, data)
        if measure != "bias":  # bias has the unit of its parameter
            axes.sharex(panels[next(iter(rows)), measure])
    for axes in panels.values():
        axes.autoscale_view()
    style.title_panels(panels, rows, SIDE_BY_SIDE, "")
    extra = style.truth_line("No bias, no error, nominal coverage")
    style.legend(drawn, data.method_labels, [extra])
    return drawn


def _sticks(axes: Axes, rows: pd.DataFrame, reference: float, data: FigureData) -> None:
    """Draw one panel: for each model a stick from the reference and a Monte Carlo bar."""
    labels = data.method_labels
    colour, marker = style.colours(list(labels)), style.markers(list(labels))
    axes.axvline(reference, color=style.TRUTH_COLOUR, linestyle="--", linewidth=0.9)
    height = {model: position for position, model in enumerate(reversed(labels))}
    rows = rows[rows.index.isin(labels)]
    heights, line_colours = [height[m] for m in rows.index], [colour[m] for m in rows.index]
    axes.hlines(heights, reference, rows["value"], color=line_colours, alpha=0.35, linewidth=3)
    axes.hlines(heights, rows["lower"], rows["upper"], color=line_colours, linewidth=1.2)
    for model, value, n in rows[["value", "n_replicates"]].itertuples():
        filled = colour[model] if n >= data.design.study.replicates else "white"
        axes.plot(
            value, height[model], marker[model], color=colour[model], mfc=filled, markersize=4.5
        )
    axes.set_yticks(range(len(labels)), reversed(labels.values()))
    axes.set_ylim(-0.6, len(labels) - 0.4)


def factors(study: Study) -> dict[str, list[str]]:
    """Return the factors of a design with several levels: factor -> level in each condition.

    Conditions are scenarios and, within each, priors, in the order of the study file.
    """
    conditions = [(scenario, prior) for scenario in scenarios_of(study) for prior in study.priors]
    levels = {
        "Truth": [words(scenario.truth) for scenario, _ in conditions],
        "Participants": [str(scenario.participants) for scenario, _ in conditions],
        "Observations each": [_observations(scenario) for scenario, _ in conditions],
        **{
            name.capitalize(): [_size(scenario, name) for scenario, _ in conditions]
            for name in study.counted_sizes
        },
        "Prior": [words(prior) for _, prior in conditions],
    }
    return {factor: each for factor, each in levels.items() if len(set(each)) > 1}


def _size(scenario: Scenario, factor: str) -> str:
    return str(dict(scenario.sizes).get(factor, "as observed"))


def _observations(scenario: Scenario) -> str:
    return str(scenario.observations) if scenario.observations else "as observed"


def nested_loop(data: FigureData, figure: Figure) -> MplFigure:
    """Draw the root mean squared error over the whole design, with its factors as steps.

    References
    ----------
    Ruecker & Schwarzer (2014), doi:10.1186/1471-2288-14-129.
    """
    study, rows = data.design.study, data.parameter_labels
    levels = factors(study)
    heights = [*[1.25] * len(rows), 0.5 * len(levels) + 0.15]
    drawn, panels = plt.subplots(
        len(heights),
        1,
        figsize=(8.4, sum(heights) + 1),
        height_ratios=heights,
        sharex=True,
        layout="constrained",
    )
    table = with_bounds(rows_of_measure(data.performance, "rmse", study.plotted_level))
    conditions = [(each.name, prior) for each in figure.scenarios for prior in study.priors]
    for (parameter, label), axes in zip(rows.items(), panels[:-1], strict=True):
        _steps(axes, table[table["parameter"] == parameter], conditions, data)
        axes.set_title(label, loc="left")
    drawn.supylabel("Root mean squared error", fontsize=9)
    _tracks(panels[-1], levels)
    panels[0].set_xlim(-0.5, len(conditions) - 0.5)
    style.legend(drawn, data.method_labels)
    return drawn


def _steps(axes: Axes, table: pd.DataFrame, conditions: list[tuple], data: FigureData) -> None:
    """Draw one panel: the stepped line of each model over the conditions."""
    models, study = data.methods, data.design.study
    colour, marker = style.colours(models), style.markers(models)
    edges, x = np.arange(len(conditions) + 1) - 0.5, np.arange(len(conditions))
    for model in models:
        rows = table[table["model"] == model].set_index(["scenario", "prior"])
        if rows.empty:
            continue
        rows = rows.reindex(conditions)
        value, lower, upper = (rows[name] for name in ("value", "lower", "upper"))
        axes.stairs(value, edges, baseline=None, color=colour[model], linewidth=1.2)
        axes.plot(x, value, marker[model], color=colour[model], markersize=3)
        fewer = rows["n_replicates"] < study.replicates
        style.open_where(axes, x, value.to_numpy(), fewer, marker[model], colour[model])
        low, high = (np.append(bound, bound.iloc[-1]) for bound in (lower, upper))
        band: dict[str, Any] = {"color": colour[model], "alpha": 0.15, "linewidth": 0}
        axes.fill_between(edges, low, high, step="post", **band)
    axes.set_ylim(bottom=0)
    axes.tick_params(bottom=False, labelbottom=False)


def _tracks(axes: Axes, factor_levels: dict[str, list[str]]) -> None:
    """Draw a stepped track for each factor, with its levels listed from the lowest step up."""
    for row, (factor, levels) in enumerate(factor_levels.items()):
        base, order = len(factor_levels) - 1 - row, list(dict.fromkeys(levels))
        steps = [base + 0.45 * order.index(level) / (len(order) - 1) for level in levels]
        edges = np.arange(len(levels) + 1) - 0.5
        axes.stairs(steps, edges, baseline=None, color="0.25", linewidth=1.1)
        text = f"{factor}: {', '.join(order)}"
        axes.text(-0.5, base + 0.52, text, fontsize=7.5, va="bottom", ha="left")
    axes.set_ylim(-0.1, len(factor_levels))
    axes.set_axis_off()
