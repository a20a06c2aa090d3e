"""Figure of the shares of the factors of the design in the differences between cells."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure

from recovery.figures import style
from recovery.figures.figure_data import FigureData
from recovery.plan.design_factors import term_words
from recovery.plan.figure_list import Figure
from recovery.score.design_effects import CLEAR, MEASURES

NOTHING = "No effect can be estimated"
TILE = 0.5, 0.24  # width and height of a share, in inches
MOST_BESIDE = 6  # parameters of figures with two panels beside each other
COLOURS = plt.get_cmap("Blues")
DARKEST = 0.75  # of the colours, for a share of 1
DARK = 0.7  # share from which on the text of a tile is white
_TITLES = {
    "bias": "Bias",
    "mse": "Squared error",
    "coverage": "Coverage of {level} intervals",
    "interval_width": "Width of {level} intervals",
}


def shares(data: FigureData, figure: Figure) -> MplFigure:
    """Draw the share of each term for each parameter as a tile: a panel for each measure."""
    table = data.design_effects
    if table["share"].notna().sum() == 0:
        return style.message_figure(NOTHING)
    terms = sorted(table["term"].unique(), key=lambda term: " x " in term)
    labels = {
        name: label
        for name, label in data.parameter_labels.items()
        if name in set(table["parameter"])
    }
    across = 2 if len(labels) <= MOST_BESIDE else 1
    size = TILE[0] * len(labels) + 1.2, TILE[1] * len(terms) + 0.5
    shown = [name for name in MEASURES if name in set(table["measure"])]
    drawn, panels = style.folded(len(shown), across, *size, sharex=True, sharey=True)
    level = f"{round(100 * data.design.study.plotted_level, 6):g} %"
    for measure, axes in zip(shown, panels, strict=True):
        rows = table[table["measure"] == measure].set_index(["term", "parameter"])
        _tiles(axes, rows, terms, list(labels))
        axes.set_title(_TITLES[measure].format(level=level), loc="left")
    for axes in panels:
        axes.set_xticks(range(len(labels)), labels.values(), rotation=90)
        axes.set_yticks(range(len(terms)), [term_words(term) for term in terms])
    return drawn


def _tiles(axes: Axes, rows: pd.DataFrame, terms: list[str], parameters: list[str]) -> None:
    """Draw the shares of one measure: bold where the effect is clear, grey where it is not."""
    share = rows["share"].unstack().reindex(terms, columns=parameters).to_numpy(dtype=float)
    p = rows["p_corrected"].unstack().reindex(terms, columns=parameters).to_numpy(dtype=float)
    clear = p < CLEAR
    tiles = COLOURS(np.where(clear, 0.1 + (DARKEST - 0.1) * share, 0.0))
    tiles[~clear] = 1.0  # white
    axes.imshow(tiles, aspect="auto")
    for place, value in np.ndenumerate(share):
        if np.isnan(value):
            continue
        colour = ("white" if value > DARK else style.TRUTH_COLOUR) if clear[place] else "0.55"
        axes.text(
            place[1],
            place[0],
            _percent(value),
            color=colour,
            ha="center",
            va="center",
            fontsize=7.5,
            fontweight="bold" if clear[place] else "normal",
        )
    axes.tick_params(length=0)
    axes.set_xticks(np.arange(len(parameters) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(terms) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="0.85", linewidth=0.6)
    axes.tick_params(which="minor", length=0)
    for side in axes.spines.values():
        side.set_visible(False)


def _percent(share: float) -> str:
    """A share in per cent; a share that rounds to 0 or 100 but is neither is `<1` or `>99`."""
    rounded = round(100 * share)
    if rounded == 0 and share > 0:
        return "<1"
    return ">99" if rounded == 100 and share < 1 else f"{rounded}"
