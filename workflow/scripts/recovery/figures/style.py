"""The style and palette of all figures. Only this module imports seaborn."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from matplotlib.gridspec import SubplotSpec
from matplotlib.ticker import LogFormatter

TRUTH_COLOUR = "0.15"
Panels = dict[tuple[Any, Any], Axes]
SPREAD = 0.5  # width that models share around a tick
RATE_OF_YES = "rate\N{NO-BREAK SPACE}of\N{NO-BREAK SPACE}yes"  # on one line of a label

mpl.use("agg")
sns.set_theme(
    style="ticks",
    context="paper",
    rc={
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlesize": 9,
        "axes.titley": 1.0,  # fixed, so that no ticks are measured
        "figure.constrained_layout.w_pad": 0.08,
        "figure.constrained_layout.h_pad": 0.06,
        "font.family": "DejaVu Sans",
        "svg.fonttype": "path",
        "text.parse_math": False,  # text of a study is never parsed as math
        "svg.hashsalt": "recovery",
    },
)
_PALETTE = sns.color_palette("colorblind")
_MARKERS = "osD^vPX<>*"


def colours(models: Sequence[str]) -> dict[str, tuple]:
    """Return the colour of each model, which is the same in all figures of a study."""
    return {model: _PALETTE[index % len(_PALETTE)] for index, model in enumerate(models)}


def markers(models: Sequence[str]) -> dict[str, str]:
    """Return the marker of each model, for readers who cannot distinguish its colour."""
    return {model: _MARKERS[index % len(_MARKERS)] for index, model in enumerate(models)}


def dodge(models: Sequence[str]) -> dict[str, float]:
    """Return the horizontal offset of each model's points from their tick."""
    offsets = np.linspace(-SPREAD / 2, SPREAD / 2, len(models)) if len(models) > 1 else [0.0]
    return dict(zip(models, offsets, strict=True))


def folded(
    number: int, across: int, width: float, height: float, **shared: Any
) -> tuple[MplFigure, list[Axes]]:
    """Return a figure with `number` panels in rows of `across`, and the panels in order."""
    down = -(-number // across)
    figure, axes = plt.subplots(
        down,
        across,
        figsize=(width * across, height * down + 0.6),
        squeeze=False,
        layout="constrained",
        **shared,
    )
    for spare in axes.flat[number:]:
        spare.set_visible(False)
    return figure, list(axes.flat[:number])


def grid(
    rows: Sequence[Any],
    columns: Sequence[Any],
    width: float = 2.9,
    height: float = 1.75,
    share_rows: bool = True,
) -> tuple[MplFigure, Panels]:
    """Return a figure with a panel for each row and column, and the panels by (row, column).

    Panels of a row share their scale. A single column is folded into rows of three.
    """
    if len(columns) == 1:
        figure, panels = folded(len(rows), min(3, len(rows)), width, height)
        return figure, {(row, columns[0]): panel for row, panel in zip(rows, panels, strict=True)}
    figure, axes = plt.subplots(
        len(rows),
        len(columns),
        figsize=(width * len(columns), height * len(rows) + 0.6),
        layout="constrained",
        sharex="col",
        sharey="row" if share_rows else False,
        squeeze=False,
    )
    places = {
        (row, column): axes[i, j] for i, row in enumerate(rows) for j, column in enumerate(columns)
    }
    return figure, places


def matrix(
    rows: Sequence[Any], columns: Sequence[Any], width: float, height: float, **shared: Any
) -> tuple[MplFigure, Panels]:
    """Return a figure with a panel for each row and column, never folded, and the panels."""
    size = (width * len(columns) + 0.6, height * len(rows) + 0.8)
    figure, axes = plt.subplots(
        len(rows), len(columns), figsize=size, squeeze=False, layout="constrained", **shared
    )
    places = {
        (row, column): axes[i, j] for i, row in enumerate(rows) for j, column in enumerate(columns)
    }
    return figure, places


def _grid_position(axes: Axes) -> SubplotSpec:
    """Return the position of a panel in the grid of its figure."""
    position = axes.get_subplotspec()
    assert position is not None
    return position


def is_first_column(axes: Axes) -> bool:
    """Whether a panel is in the first column of its figure."""
    return _grid_position(axes).is_first_col()


def message(axes: Axes, text: str) -> None:
    """Show a message instead of the axes of a panel without content."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, color="0.5", ha="center", va="center")
    axes.tick_params(left=False, bottom=False, labelleft=False, labelbottom=False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def message_figure(text: str) -> MplFigure:
    """Return a figure that shows only a message."""
    figure, (panel,) = folded(1, 1, 4.2, 1.6)
    message(panel, text)
    return figure


def segments(lower: np.ndarray, upper: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return horizontal segments as one broken line, which keeps SVG files small."""
    x = np.column_stack([lower, upper, np.full(len(y), np.nan)]).ravel()
    return x, np.repeat(np.asarray(y, dtype=float), 3)


class _PlainLogFormatter(LogFormatter):
    """Tick labels of a log axis as plain numbers, because text is never parsed as math."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:,g}" if super().__call__(x, pos) else ""


def log_y_axis(axes: Axes) -> None:
    """Give a panel a log y-axis whose ticks are plain numbers."""
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(_PlainLogFormatter())
    axes.yaxis.set_minor_formatter(_PlainLogFormatter())


def open_where(
    axes: Axes, x: np.ndarray, y: np.ndarray, fewer: np.ndarray, marker: str, colour: tuple
) -> None:
    """Draw open points over those that are based on fewer fits than planned."""
    shown = np.asarray(fewer, dtype=bool)
    if shown.any():
        axes.plot(
            x[shown], y[shown], marker, color=colour, mfc="white", mew=0.7, markersize=5.5, zorder=3
        )


def title_panels(
    panels: Panels, row_labels: Mapping[Any, str], column_labels: Mapping[Any, str], x_label: str
) -> None:
    """Label rows at the left and columns at the top; folded panels only with their row."""
    rows, columns = list(row_labels), list(column_labels)
    for (row, column), axes in panels.items():
        if _grid_position(axes).is_last_row() and axes.spines["bottom"].get_visible():
            axes.set_xlabel(x_label)
        if len(columns) == 1:
            axes.set_title(row_labels[row], loc="left")
            continue
        if row == rows[0]:
            axes.set_title(column_labels[column], loc="left", fontweight="bold")
        if column == columns[0]:
            axes.set_ylabel(_folded(row_labels[row]))
    next(iter(panels.values())).figure.align_ylabels()


def _folded(label: str) -> str:
    """A label on lines of 18 characters, which may end within a parameter's name after `__`."""
    return textwrap.fill(label.replace("__", "__ "), 18).replace("__ ", "__")


def _bound_limits(axes: Axes) -> None:
    """Narrow limits whose difference is too large for a computer's numbers."""
    for limits, narrow in ((axes.get_xlim(), axes.set_xlim), (axes.get_ylim(), axes.set_ylim)):
        with np.errstate(over="ignore"):
            if not np.isfinite(limits[1] - limits[0]):
                narrow(limits[0] / 4, limits[1] / 4)


def lay_out(drawn: MplFigure) -> None:
    """Lay out a figure once for all formats.

    Without a layout engine and with fixed label positions, no format measures the ticks again.
    """
    for axes in drawn.axes:
        _bound_limits(axes)
    if (engine := drawn.get_layout_engine()) is not None:
        engine.execute(drawn)
    drawn.set_layout_engine(None)
    for axes in drawn.axes:
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_label_coords(*_label_position(axes, axis))


def _label_position(axes: Axes, axis: mpl.axis.Axis) -> np.ndarray:
    """Return the position of an axis label, in fractions of the panel."""
    display = axis.label.get_transform().transform(axis.label.get_position())
    return axes.transAxes.inverted().transform(display)


def legend(
    figure: MplFigure,
    labels: dict[str, str],
    extra: Sequence = (),
    among: Sequence[str] | None = None,
) -> None:
    """Add a legend of the models and of `extra` entries below the panels.

    `among` are all models of the study, if `labels` has only some of them.
    """
    colour, marker = colours(among or list(labels)), markers(among or list(labels))
    handles = [
        mpl.lines.Line2D([], [], color=colour[m], marker=marker[m], markersize=5, label=label)
        for m, label in labels.items()
    ]
    figure.legend(
        handles=[*handles, *extra],
        loc="outside lower center",
        ncols=_columns(figure, [handle.get_label() for handle in (*handles, *extra)]),
        frameon=False,
    )


def _columns(figure: MplFigure, labels: Sequence[str]) -> int:
    """Return the number of legend entries that fit side by side."""
    widest = 0.55 + 0.075 * max(map(len, labels))  # inches: the handle, and per letter
    return max(1, min(6, len(labels), int(figure.get_figwidth() / widest)))


def truth_line(label: str = "Truth") -> mpl.lines.Line2D:
    """Return the legend entry of a reference line."""
    return mpl.lines.Line2D([], [], color=TRUTH_COLOUR, linestyle="--", linewidth=1, label=label)
