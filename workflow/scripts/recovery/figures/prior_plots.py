"""Figures of prior predictive distributions."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from recovery.figures import style
from recovery.figures.figure_data import FigureData
from recovery.plan.figure_list import Figure, words
from recovery.score.prior_prediction import PREDICTIVE_DRAWS

CENTRAL = (0.025, 0.975)  # quantiles that contain the central 95 % of the outcomes
BINS = 30
_PLAUSIBLE = "C3"
_RANGE = "Central 95 % of simulated outcomes"
_NO_DATA = "No data can be simulated from this prior"


def lines(data: FigureData, figure: Figure) -> MplFigure:
    """Draw expected lines and the range of outcomes of each prior, and the range of the data."""
    table, axis = data.prior_predictive, data.axes
    priors = list(data.design.study.priors)
    drawn, panels = style.folded(len(priors), min(3, len(priors)), 3.1, 2.5)
    scenario = next(iter(data.design.scenarios.values()))
    first = data.first_outcomes(scenario)
    for prior, axes in zip(priors, panels, strict=True):
        draws = table[table["prior"] == prior]
        if draws.empty:
            _without_draws(axes, data, prior)
            continue
        axes.set_title(_title(prior, draws), loc="left", fontweight="bold")
        ends, outcomes = (draws[draws["kind"] == kind] for kind in ("line", "outcome"))
        x, y = (ends[name].to_numpy().reshape(ends["draw"].nunique(), -1).T for name in "xy")
        if first.size:
            axes.axhspan(first.min(), first.max(), color="0.88", zorder=0)
        axes.plot(x, y, color="0.2", alpha=0.25, linewidth=0.7)
        bounds = np.quantile(outcomes["y"], CENTRAL)
        for bound in bounds:
            axes.axhline(bound, color=style.TRUTH_COLOUR, linestyle="--", linewidth=0.9)
        shown = np.append(first, bounds)
        _leave_out_extremes(axes, y, shown.min(), shown.max())
        for end in _plausible_between(data, *axes.get_ylim()):
            axes.axhline(end, color=_PLAUSIBLE, linestyle=":", linewidth=1.2)
        axes.set_xlabel(axis.x_label)
    panels[0].set_ylabel(axis.y_label)
    handles = [
        Line2D([], [], color="0.2", linewidth=0.7, label="Expected lines"),
        style.truth_line(_RANGE),
        Patch(color="0.88", label="Range of the first dataset"),
        *_plausible_handle(data),
    ]
    drawn.legend(handles=handles, loc="outside lower center", frameon=False)
    return drawn


def _leave_out_extremes(axes: Axes, y: np.ndarray, low: float, high: float) -> None:
    """Limit the panel so that one steep line does not flatten all others."""
    margin = (high - low) / 2
    bottom, top = max(min(low, y.min()), low - margin), min(max(high, y.max()), high + margin)
    if top > bottom:
        axes.set_ylim(bottom - 0.1 * margin, top + 0.1 * margin)


def _without_draws(axes: Axes, data: FigureData, prior: str) -> None:
    """Say in a panel why a prior has no prediction."""
    axes.set_title(f"Prior: {words(prior)}", loc="left", fontweight="bold")
    table = data.prior_outcomes
    reasons = table.loc[table["prior"] == prior, "reason"].dropna()
    text = "; ".join(f"No prediction: {reason}" for reason in reasons) or _NO_DATA
    style.message(axes, textwrap.fill(text, 40))


def _plausible_between(data: FigureData, low: float, high: float) -> list[float]:
    """The ends of the plausible range that a panel shows."""
    ends = data.design.study.plausible or ()
    return [end for end in ends if end is not None and low < end < high]


def _plausible_handle(data: FigureData) -> list[Line2D]:
    """The legend entry of the plausible range, if the study has one."""
    if data.design.study.plausible is None:
        return []
    return [Line2D([], [], color=_PLAUSIBLE, linestyle=":", label="End of the plausible range")]


def _title(prior: str, draws: pd.DataFrame) -> str:
    """Return the name of the prior, and the number of its draws if some are missing."""
    number = draws["draw"].nunique()
    count = "" if number == PREDICTIVE_DRAWS else f" ({number} of {PREDICTIVE_DRAWS} draws)"
    return f"Prior: {words(prior)}{count}"


def outcomes(data: FigureData, figure: Figure) -> MplFigure:
    """Draw the distribution of outcomes of each prior and of the first dataset."""
    table, name = data.prior_predictive, data.family.OUTCOME
    priors = list(data.design.study.priors)
    drawn, panels = style.folded(len(priors), min(3, len(priors)), 3.1, 2.3)
    scenario = next(iter(data.design.scenarios.values()))
    first = data.first_outcomes(scenario)
    for prior, axes in zip(priors, panels, strict=True):
        draws = table[table["prior"] == prior]
        if draws.empty:
            _without_draws(axes, data, prior)
            continue
        axes.set_title(_title(prior, draws), loc="left", fontweight="bold")
        expected = draws["y"].to_numpy()
        edges = _edges(expected, first)
        for values, colour in ((first, "0.82"), (expected, "0.2")):
            if not values.size:
                continue
            shares = np.histogram(values, edges)[0] / values.size
            axes.stairs(shares, edges, color=colour, fill=values is first)
        for bound in np.quantile(expected, CENTRAL):
            axes.axvline(bound, color=style.TRUTH_COLOUR, linestyle="--", linewidth=0.9)
        for end in _plausible_between(data, *axes.get_xlim()):
            axes.axvline(end, color=_PLAUSIBLE, linestyle=":", linewidth=1.2)
        axes.set_xlabel(words(name).capitalize())
    panels[0].set_ylabel("Share of outcomes")
    handles = [
        Line2D([], [], color="0.2", label="Simulated outcomes"),
        style.truth_line(_RANGE),
        Patch(color="0.82", label="First dataset"),
        *_plausible_handle(data),
    ]
    drawn.legend(handles=handles, loc="outside lower center", frameon=False)
    return drawn


def _edges(expected: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return bins over the data and the central 95 % of the prior, and half as much beyond.

    One for each of few integers.
    """
    shown = np.append(first, np.quantile(expected, CENTRAL))
    low, high = shown.min(), shown.max()
    margin = (high - low) / 2
    low = max(min(low, expected.min()), low - margin)
    high = min(max(high, expected.max()), high + margin)
    if np.issubdtype(first.dtype, np.integer) and high - low < BINS:
        return np.arange(np.floor(low), np.floor(high) + 2) - 0.5
    return np.linspace(low, high if high > low else low + 1, BINS + 1)
