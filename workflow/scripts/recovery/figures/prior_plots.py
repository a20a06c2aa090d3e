"""Figures of what priors expect, before any data."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from recovery.figures import style
from recovery.figures.figure_data import FigureData
from recovery.plan.figure_list import Figure, words
from recovery.score.summaries import PREDICTIVE_DRAWS

CENTRAL = (0.025, 0.975)  # between which a prior expects 95 % of all outcomes
BINS = 30
_RANGE = "95 % of simulated outcomes lie between"


def lines(data: FigureData, figure: Figure) -> MplFigure:
    """Lines and outcomes that each prior expects, with the range of data for scale."""
    table, axis = data.prior_predictive, data.axes
    priors = list(data.design.study.priors)
    drawn, panels = style.folded(len(priors), min(3, len(priors)), 3.1, 2.5)
    scenario = next(iter(data.design.scenarios.values()))
    seen = data.first_outcomes(scenario)
    for prior, axes in zip(priors, panels, strict=True):
        mine = table[table["prior"] == prior]
        axes.set_title(_title(prior, mine), loc="left", fontweight="bold")
        if mine.empty:
            style.say(axes, "No data can be simulated from it")
            continue
        ends, outcomes = (mine[mine["kind"] == kind] for kind in ("line", "outcome"))
        x, y = (ends[name].to_numpy().reshape(ends["draw"].nunique(), -1).T for name in "xy")
        if seen.size:
            axes.axhspan(seen.min(), seen.max(), color="0.88", zorder=0)
        axes.plot(x, y, color="0.2", alpha=0.25, linewidth=0.7)
        bounds = np.quantile(outcomes["y"], CENTRAL)
        for bound in bounds:
            axes.axhline(bound, color=style.TRUTH_COLOUR, linestyle="--", linewidth=0.9)
        known = np.append(seen, bounds)
        _leave_out_extremes(axes, y, known.min(), known.max())
        axes.set_xlabel(axis.x_label)
    panels[0].set_ylabel(axis.y_label)
    handles = [
        Line2D([], [], color="0.2", linewidth=0.7, label="Expected lines"),
        style.truth_line(_RANGE),
        Patch(color="0.88", label="Range of the first dataset"),
    ]
    drawn.legend(handles=handles, loc="outside lower center", frameon=False)
    return drawn


def _leave_out_extremes(axes: Axes, y: np.ndarray, low: float, high: float) -> None:
    """Let lines leave the panel where one steep curve would flatten all the others."""
    margin = (high - low) / 2
    bottom, top = max(min(low, y.min()), low - margin), min(max(high, y.max()), high + margin)
    if top > bottom:
        axes.set_ylim(bottom - 0.1 * margin, top + 0.1 * margin)


def _title(prior: str, drawn: pd.DataFrame) -> str:
    """The prior's name, and how many of its draws are there, if not all are."""
    number = drawn["draw"].nunique()
    fewer = "" if number == PREDICTIVE_DRAWS else f" ({number} of {PREDICTIVE_DRAWS} draws)"
    return f"Prior: {words(prior)}{fewer}"


def outcomes(data: FigureData, figure: Figure) -> MplFigure:
    """Distribution of outcomes that each prior expects, and that of the first dataset."""
    table, name = data.prior_predictive, data.family.OUTCOME
    priors = list(data.design.study.priors)
    drawn, panels = style.folded(len(priors), min(3, len(priors)), 3.1, 2.3)
    scenario = next(iter(data.design.scenarios.values()))
    seen = data.first_outcomes(scenario)
    for prior, axes in zip(priors, panels, strict=True):
        mine = table[table["prior"] == prior]
        axes.set_title(_title(prior, mine), loc="left", fontweight="bold")
        if mine.empty:
            style.say(axes, "No data can be simulated from it")
            continue
        expected = mine["y"].to_numpy()
        edges = _edges(expected, seen)
        for values, colour in ((seen, "0.82"), (expected, "0.2")):
            if not values.size:
                continue
            shares = np.histogram(values, edges)[0] / values.size
            axes.stairs(shares, edges, color=colour, fill=values is seen)
        for bound in np.quantile(expected, CENTRAL):
            axes.axvline(bound, color=style.TRUTH_COLOUR, linestyle="--", linewidth=0.9)
        axes.set_xlabel(words(name).capitalize())
    panels[0].set_ylabel("Share of outcomes")
    handles = [
        Line2D([], [], color="0.2", label="Simulated outcomes"),
        style.truth_line(_RANGE),
        Patch(color="0.82", label="First dataset"),
    ]
    drawn.legend(handles=handles, loc="outside lower center", frameon=False)
    return drawn


def _edges(expected: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Bins over what is seen and nearly all that is expected; one a value of few integers."""
    known = np.append(seen, np.quantile(expected, (0.005, 0.995)))
    low, high = known.min(), known.max()
    if np.issubdtype(seen.dtype, np.integer) and high - low < BINS:
        return np.arange(np.floor(low), np.floor(high) + 2) - 0.5
    return np.linspace(low, high if high > low else low + 1, BINS + 1)
