"""The figure of priors as densities, beside the typical scale of posteriors."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from matplotlib.lines import Line2D
from scipy import special

from recovery.families.priors import LKJ, Bounded, Constant, Flat
from recovery.families.priors.distributions import Uniform
from recovery.figures import style
from recovery.figures.figure_data import FigureData
from recovery.plan.figure_list import Figure, words
from recovery.plan.prior_panels import MOST_PANELS, PriorPanel, at_means, prior_panels, prior_sds

POINTS = 600  # of a curve
WIDEST = 8  # widths of the narrowest prior that a panel shows on either side of it
TALLEST = 8  # times the lowest peak that a panel shows
FLAT = 0.3  # height of the line of a flat prior, as a share of the panel's
FLAT_STEP = 0.05  # between the lines of several
DASH = 3.0  # length of a dash of a line over an equal one, in line widths
SMALLEST_SHARE = 0.2  # of a panel's width that posteriors take, if the narrowest prior allows it
LETTERS = 30  # of a line of a title or a parameter's name
TITLE_LINE = 0.16  # inches
_PART = re.compile(".+?(?:__|[: ]|$)")  # a line may end after it
ROW = 0.11  # inches of a posterior's bar
LABEL = 0.17  # inches of a line of a parameter's name beside its bars
CURVES = 1.5  # inches of the curves
POSTERIOR = "Posterior mean \N{PLUS-MINUS SIGN} SD"
_INNER, _OUTER = (0.05, 0.95), (0.025, 0.975)

Range = tuple[float, float]


@dataclass(frozen=True)
class _Correlation:
    """The prior of one correlation in a matrix with an LKJ prior, from -1 to 1.

    (rho + 1) / 2 has the distribution beta(shape, shape).
    """

    shape: float
    support = (-1.0, 1.0)

    def density(self, x: np.ndarray) -> np.ndarray:
        """Return the density at x."""
        logs = (self.shape - 1) * (np.log1p(x) + np.log1p(-x))
        scale = special.betaln(self.shape, self.shape) + (2 * self.shape - 1) * math.log(2)
        return np.exp(logs - scale)

    def quantile(self, probability: float) -> float:
        """Return the value below which there is this probability."""
        return 2 * float(special.betaincinv(self.shape, self.shape, probability)) - 1


@dataclass(frozen=True)
class _Curve:
    """The prior of one parameter with a density."""

    prior: Bounded

    @property
    def support(self) -> Range:
        """The smallest and the largest value with a positive density."""
        return self.prior.support

    def density(self, x: np.ndarray) -> np.ndarray:
        """Return the density at x."""
        with np.errstate(divide="ignore", over="ignore", under="ignore"):
            return np.exp(self.prior.log_density(x))

    def quantile(self, probability: float) -> float:
        """Return the value below which there is this probability."""
        mass = math.exp(self.prior.log_mass)
        return self.prior.distribution.from_upper_tail((1 - probability) * mass)


def densities(data: FigureData, figure: Figure) -> MplFigure:
    """Draw the density of each prior, and posterior means with SDs below."""
    family, study = data.family, data.design.study
    shown = prior_panels(family, study)[:MOST_PANELS]
    if not shown:
        return style.message_figure("No parameter has a prior")
    label = LABEL * _lines(name for each in shown for name in _labels(each))
    strip = max(len(each.parameters) for each in shown) * max(label, ROW * len(study.priors)) + ROW
    height = CURVES + strip + TITLE_LINE * (_lines(each.title for each in shown) - 1)
    drawn, panels = style.folded(len(shown), min(3, len(shown)), 3.1, height)
    for panel, axes in zip(shown, panels, strict=True):
        _panel(axes, data, panel, strip / CURVES)
    colour = style.colours(list(study.priors))
    handles = [Line2D([], [], color=colour[name], label=words(name)) for name in study.priors]
    handles.append(Line2D([], [], color="0.3", marker="o", markersize=4, label=POSTERIOR))
    drawn.legend(handles=handles, loc="outside lower center", frameon=False, ncols=3)
    return drawn


def _panel(axes: Axes, data: FigureData, panel: PriorPanel, strip: float) -> None:
    """Draw the curves of one panel, and bars in a strip below of this height."""
    study, first = data.design.study, panel.parameters[0]
    priors = {name: prior.bounded(first) for name, prior in study.priors.items()}
    curves = {
        name: curve
        for name, prior in priors.items()
        if (curve := _curve(data, name, prior, first)) is not None
    }
    bars = _bars(data, panel, priors)
    constants = {
        name: prior.distribution.arguments[0]
        for name, prior in priors.items()
        if isinstance(prior.distribution, Constant)
    }
    flat = [name for name, prior in priors.items() if isinstance(prior.distribution, Flat)]
    low, high = _limits(list(curves.values()), list(constants.values()), _ends(bars))
    top = _top(curves.values())
    colour = style.colours(list(study.priors))
    dashes = _dashes(curves)
    for name, curve in curves.items():
        x, y = _line(curve, low, high)
        shown = np.minimum(y, top) if isinstance(priors[name].distribution, Uniform) else y
        axes.plot(x, shown, linestyle=dashes[name], color=colour[name], linewidth=1.4)
    dashes = _dashes(constants)
    for name, value in constants.items():
        axes.plot([value] * 2, [0, top], linestyle=dashes[name], color=colour[name], linewidth=1.4)
    for place, name in enumerate(flat):
        level = [(FLAT - FLAT_STEP * place) * top] * 2
        start = max(low, priors[name].support[0])
        axes.plot([start, high], level, ":", color=colour[name], linewidth=1.4)
    axes.axhline(0, color="0.6", linewidth=0.7)
    _draw_bars(axes, panel, bars, colour, strip * top)
    axes.set_xlim(low, high)
    axes.set_ylim(-strip * top, 1.05 * top)
    axes.set_title(_folded(panel.title), loc="left")


def _folded(text: str) -> str:
    """A title or a name on lines that fit, which may end within a name after `__` or `:`."""
    lines = [""]
    for part in _PART.findall(text):
        if lines[-1] and len(lines[-1] + part.rstrip()) > LETTERS:
            lines.append("")
        lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)


def _labels(panel: PriorPanel) -> tuple[str, ...]:
    """The labels of the bars of each parameter of a panel."""
    return panel.parameters if len(panel.parameters) > 1 else ("Posterior",)


def _lines(texts: Iterable[str]) -> int:
    """The largest number of lines of titles or names."""
    return max(_folded(each).count("\n") + 1 for each in texts)


def _dashes(drawn: Mapping[str, Any]) -> dict[str, Any]:
    """The line style of each prior: equal ones have dashes at different places, so all are seen."""
    styles: dict[str, Any] = {}
    values = list(drawn.values())
    for number, (name, value) in enumerate(drawn.items()):
        before, equal = values[:number].count(value), values.count(value)
        gap = DASH * (equal - 1)
        styles[name] = (-DASH * before, (DASH, gap)) if before else "-"
    return styles


def _curve(
    data: FigureData, name: str, prior: Bounded, parameter: str
) -> _Curve | _Correlation | None:
    """The density of a prior; None if it has none."""
    if isinstance(prior.distribution, Constant | Flat):
        return None
    if not isinstance(prior.distribution, LKJ):
        return _Curve(prior)
    sd = prior_sds(data.family, data.design.study, name).get(parameter)
    return None if sd is None else _Correlation((1 / sd**2 - 1) / 2)


def _bars(
    data: FigureData, panel: PriorPanel, priors: Mapping[str, Bounded]
) -> dict[tuple[str, str], Range]:
    """The typical posterior mean and SD by parameter and prior.

    None for constants, and for intercepts whose prior is at the means of predictors and whose
    posterior is at zero.
    """
    found, left_out = data.typical_posteriors, at_means(data.family)
    keys = [
        (parameter, name)
        for name, prior in priors.items()
        for parameter in panel.parameters
        if not isinstance(prior.distribution, Constant) and parameter not in left_out
    ]
    return {
        (parameter, name): (found.at[(name, parameter), "mean"], found.at[(name, parameter), "sd"])
        for parameter, name in keys
        if (name, parameter) in found.index
    }


def _ends(bars: Mapping[Any, Range]) -> list[float]:
    ends = [mean + side * sd for mean, sd in bars.values() for side in (-1, 1)]
    return [each for each in ends if math.isfinite(each)]


def _limits(
    curves: Sequence[_Curve | _Correlation], constants: Sequence[float], bars: Sequence[float] = ()
) -> Range:
    """The range of a panel: the central 90 % of all priors, as far as the narrowest is still wide.

    Constants and bars are always in it. It is smaller if bars would be narrow in it otherwise.
    """
    low, high = [*constants, *bars], [*constants, *bars]
    if curves:
        inner = [[each.quantile(p) for p in _INNER] for each in curves]
        outer = [[each.quantile(p) for p in _OUTER] for each in curves]
        first, last = min(outer, key=lambda ends: ends[1] - ends[0])
        smallest = max(min(ends[0] for ends in inner), first - WIDEST * (last - first))
        largest = min(max(ends[1] for ends in inner), last + WIDEST * (last - first))
        low.append(min(smallest, first))
        high.append(max(largest, last))
    ends = min(low, default=0.0), max(high, default=0.0)
    if curves and bars:
        ends = _around_bars(ends, curves, constants, bars)
    margin = 0.04 * (ends[1] - ends[0]) or 1.0
    near = [end for each in curves for end in each.support if math.isfinite(end)]
    near = [end for end in near if ends[0] - 4 * margin <= end <= ends[1] + 4 * margin]
    return min([ends[0], *near]) - margin, max([ends[1], *near]) + margin


def _around_bars(
    ends: Range,
    curves: Sequence[_Curve | _Correlation],
    constants: Sequence[float],
    bars: Sequence[float],
) -> Range:
    """A range so much smaller that bars take their share of it, with the narrowest prior's core."""
    first, last = min(map(_core, curves), key=lambda core: core[1] - core[0])
    low, high = min([first, *constants, *bars]), max([last, *constants, *bars])
    spare = (max(bars) - min(bars)) / SMALLEST_SHARE - (high - low)
    beyond = max(low - ends[0], 0.0) + max(ends[1] - high, 0.0)
    part = min(1.0, max(0.0, spare) / beyond) if beyond > 0 else 1.0
    return low - part * max(low - ends[0], 0.0), high + part * max(ends[1] - high, 0.0)


def _core(curve: _Curve | _Correlation) -> Range:
    """The shortest range that contains half of a prior."""
    ranges = [(curve.quantile(p), curve.quantile(p + 0.5)) for p in np.linspace(0.001, 0.499, 84)]
    return min(ranges, key=lambda ends: ends[1] - ends[0])


def _top(curves: Iterable[_Curve | _Correlation]) -> float:
    """The height of a panel: the highest peak of a density, but few times the lowest."""
    middle = np.linspace(*_INNER, 91)
    peaks = [
        float(np.max(each.density(np.array([each.quantile(p) for p in middle])))) for each in curves
    ]
    finite = [peak for peak in peaks if 0 < peak < math.inf]
    return min(max(finite), TALLEST * min(finite)) if finite else 1.0


def _line(curve: _Curve | _Correlation, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """The points of a density between two values, from 0 where its support ends between them."""
    first, last = max(low, curve.support[0]), min(high, curve.support[1])
    x = first + (last - first) * (np.arange(POINTS) + 0.5) / POINTS
    y = curve.density(x)
    before = ([low, first], [0.0, 0.0]) if first > low else ([], [])
    after = ([last, high], [0.0, 0.0]) if last < high else ([], [])
    return np.concatenate([before[0], x, after[0]]), np.concatenate([before[1], y, after[1]])


def _draw_bars(
    axes: Axes,
    panel: PriorPanel,
    bars: Mapping[tuple[str, str], Range],
    colour: Mapping[str, tuple],
    depth: float,
) -> None:
    """Draw posterior means and SDs below the curves: a group of bars for each parameter."""
    names = list(colour)
    step = depth / (len(panel.parameters) * len(names) + 1)
    ticks: dict[str, list[float]] = {}
    for place, (parameter, label) in enumerate(zip(panel.parameters, _labels(panel), strict=True)):
        for number, name in enumerate(names):
            if (parameter, name) not in bars:
                continue
            mean, sd = bars[parameter, name]
            y = -step * (place * len(names) + number + 1)
            axes.plot([mean - sd, mean + sd], [y, y], color=colour[name], linewidth=1.6)
            axes.plot(mean, y, "o", color=colour[name], markersize=3)
            ticks.setdefault(label, []).append(y)
    axes.set_yticks([np.mean(y) for y in ticks.values()], [*map(_folded, ticks)])
    axes.tick_params(axis="y", length=0, labelsize=7)
