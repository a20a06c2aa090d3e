"""Figure of how often each joint model is chosen in model comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from matplotlib.lines import Line2D

from recovery.figures import style
from recovery.figures.figure_data import FigureData
from recovery.plan.figure_list import Figure, words
from recovery.score.selection import programs_by_joint


def selection(data: FigureData, figure: Figure) -> MplFigure:
    """Draw the share of replicates that choose a model: a column for each condition."""
    study, table = data.design.study, data.selection
    assert study.selection is not None
    columns = {each.condition: words(each.truth) + each.other_sizes for each in figure.scenarios}
    rows = {
        (unit, prior): f"Left out: one {unit}"
        + (f", prior: {words(prior)}" if len(study.priors) > 1 else "")
        for unit in study.selection.leave_out
        for prior in study.priors
    }
    drawn, panels = style.grid(list(rows), list(columns), height=2.3)
    for ((unit, prior), (truth, observations, sizes)), axes in panels.items():
        shown = (table["left_out"] == unit) & (table["prior"] == prior) & (table["truth"] == truth)
        if observations is not None:
            shown &= table["observations"] == observations
        for factor, number in sizes:
            shown &= table[f"n_{factor}"] == number
        _shares(axes, table[shown], data)
    style.title_panels(panels, rows, columns, "Participants")
    joints = programs_by_joint(study, data.family)
    labels = {
        first: ", ".join(data.model_labels[each] for each in (first, *others))
        for first, *others in joints.values()
    }
    style.legend(drawn, labels, [Line2D([], [], **_RING, label="Generated the data")], study.models)
    return drawn


_RING: dict[str, Any] = {
    "linestyle": "",
    "marker": "o",
    "markersize": 9,
    "markerfacecolor": "none",
    "markeredgecolor": style.TRUTH_COLOUR,
}


def _shares(axes: Axes, table: pd.DataFrame, data: FigureData) -> None:
    """Draw one panel: the shares of all joint models, with a ring around the true model."""
    models, joints = data.design.study.models, programs_by_joint(data.design.study, data.family)
    colour, marker, offset = style.colours(models), style.markers(models), style.dodge(list(joints))
    counts = data.design.study.participants
    for joint, (first, *_) in joints.items():
        rows = table[table["joint"] == joint].sort_values("participants")
        x = np.array([counts.index(count) for count in rows["participants"]]) + offset[joint]
        y = rows["chosen_rate"].to_numpy()
        error = np.vstack([y - rows["chosen_rate_lower"], rows["chosen_rate_upper"] - y])
        axes.plot(x, y, color=colour[first], alpha=0.35, linewidth=1)
        axes.errorbar(
            x, y, error, fmt=marker[first], color=colour[first], markersize=4, elinewidth=1.2
        )
        fewer = rows["n_replicates"] < data.design.study.replicates
        style.open_where(axes, x, y, fewer, marker[first], colour[first])
        true = rows["right"].to_numpy(dtype=bool)
        axes.plot(x[true], y[true], **_RING)
    axes.set_xticks(range(len(counts)), map(str, counts))
    axes.set_xlim(-0.5, len(counts) - 0.5)
    axes.set_ylim(-0.04, 1.04)
