"""Figure of the differences between two engines against normal quantiles."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure as MplFigure
from scipy import special

from recovery.figures import style
from recovery.figures.figure_data import FigureData
from recovery.plan.figure_list import Figure

ACROSS = 3


def verification(data: FigureData, figure: Figure) -> MplFigure:
    """Draw sorted differences of posterior means against normal quantiles, for each parameter."""
    differences, rows = data.verification, data.parameter_labels
    drawn, panels = style.folded(len(rows), min(ACROSS, len(rows)), 2.9, 2.3)
    models = data.design.study.models
    colour, marker = style.colours(models), style.markers(models)
    for parameter, axes in zip(rows, panels, strict=True):
        axes.set_title(rows[parameter], loc="left")
        axes.set_xlabel("Normal quantile")
        axes.axline((0, 0), slope=1, color=style.TRUTH_COLOUR, linestyle="--", linewidth=0.9)
        for model in models:
            shown = (differences["model"] == model) & (differences["parameter"] == parameter)
            z = np.sort(differences.loc[shown, "z"].to_numpy())
            quantiles = special.ndtri((np.arange(z.size) + 0.5) / z.size) if z.size else z
            axes.plot(quantiles, z, marker[model], color=colour[model], markersize=3, alpha=0.7)
    panels[0].set_ylabel("Difference / MCSE")
    style.legend(drawn, data.model_labels, [style.truth_line("Engines agree")])
    return drawn
