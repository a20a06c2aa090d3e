"""Figures of calibration: ranks of the truth, posterior z-scores and contraction."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from matplotlib.patches import Patch

from recovery.figures import style
from recovery.figures.figure_data import FigureData
from recovery.plan.figure_list import Figure
from recovery.score import summaries
from recovery.score.calibration import reason_not_applicable
from recovery.score.measures import mean
from recovery.score.measures.monte_carlo import half_width
from recovery.score.measures.uniformity import band

ACROSS = 4
BINS = 20
BAND = "0.6"
RANK = "Rank of the truth (0 to 1)"
NOTHING = "No model is exact for these data, or none has usable fits"

Uniforms = dict[str, dict[str, np.ndarray]]  # quantity -> model -> a value for each replicate


def _prior(data: FigureData, figure: Figure) -> str:
    """Return the prior from which the truths of a figure are drawn."""
    return data.design.study.truths[figure.scenarios[0].truth].prior


def _exact_models(data: FigureData, figure: Figure) -> list[str]:
    """Return the models to which calibration applies, under the prior of the truths."""
    study, truth = data.design.study, figure.scenarios[0].truth
    prior = _prior(data, figure)
    reasons = (
        reason_not_applicable(study, data.family, truth, model, prior) for model in study.models
    )
    return [model for model, reason in zip(study.models, reasons, strict=True) if reason is None]


def _uniforms(data: FigureData, figure: Figure) -> Uniforms:
    """Return for all quantities of exact models values that are uniform if calibrated."""
    uniforms: Uniforms = {}
    for model in _exact_models(data, figure):
        cell = (figure.scenarios[0].name, model, _prior(data, figure))
        for quantity, values in data.uniforms(cell).items():
            if values.size:
                uniforms.setdefault(quantity, {})[model] = values
    return uniforms


def _panels(
    names: list[str], data: FigureData, x_label: str, y_label: str
) -> tuple[MplFigure, list[Axes]]:
    """Return a figure with a panel for each quantity, or with a message if there is none."""
    if not names:
        drawn, panels = style.folded(1, 1, 6, 1)
        style.message(panels[0], NOTHING)
        return drawn, []
    across = min(ACROSS, len(names))
    drawn, panels = style.folded(len(names), across, 2.4, 1.9, sharex=True, sharey=True)
    for index, (name, axes) in enumerate(zip(names, panels, strict=True)):
        axes.set_title(data.family.PARAMETERS.get(name, name), loc="left")
        if index + across >= len(names):
            axes.tick_params(labelbottom=True)
            axes.set_xlabel(x_label)
        if index % across == 0:
            axes.set_ylabel(y_label)
    return drawn, panels


def _finish(drawn: MplFigure, data: FigureData, models: list[str], extra: list) -> None:
    """Add a legend of the models and of `extra` entries."""
    labels = {model: data.model_labels[model] for model in models}
    style.legend(drawn, labels, extra, among=data.design.study.models)


def ecdf(data: FigureData, figure: Figure) -> MplFigure:
    """Draw the distribution of ranks minus the uniform one, with simultaneous 95 % bands.

    References
    ----------
    Sailynoja, Burkner & Vehtari (2022), doi:10.1007/s11222-022-10090-6.
    """
    uniforms = _uniforms(data, figure)
    drawn, panels = _panels(list(uniforms), data, RANK, "ECDF minus uniform")
    colour = style.colours(data.design.study.models)
    for by_model, axes in zip(uniforms.values(), panels, strict=True):
        axes.axhline(0, color=style.TRUTH_COLOUR, linestyle="--", linewidth=0.9)
        for n in sorted({values.size for values in by_model.values()}):
            points, lower, upper = band(n, 0.95)
            axes.fill_between(
                points, lower - points, upper - points, color=BAND, alpha=0.3, linewidth=0
            )
        for model, values in by_model.items():
            share = np.searchsorted(np.sort(values), points, side="right") / values.size
            axes.step(points, share - points, where="post", color=colour[model], linewidth=1.1)
    models = list(dict.fromkeys(model for by_model in uniforms.values() for model in by_model))
    shade = Patch(color=BAND, alpha=0.3, linewidth=0, label="Simultaneous 95 % band")
    _finish(drawn, data, models, [shade, style.truth_line("Uniform")])
    return drawn


def ranks(data: FigureData, figure: Figure) -> MplFigure:
    """Draw histograms of ranks relative to expected counts, with pointwise 99 % bands.

    References
    ----------
    Talts et al. (2018), arXiv:1804.06788.
    """
    from scipy import stats  # half a second, and only studies of drawn truths need it

    uniforms = _uniforms(data, figure)
    drawn, panels = _panels(list(uniforms), data, RANK, "Count / expected count")
    colour = style.colours(data.design.study.models)
    for by_model, axes in zip(uniforms.values(), panels, strict=True):
        axes.axhline(1, color=style.TRUTH_COLOUR, linestyle="--", linewidth=0.9)
        for n in sorted({values.size for values in by_model.values()}):
            low, high = (stats.binom.ppf(p, n, 1 / BINS) * BINS / n for p in (0.005, 0.995))
            axes.axhspan(low, high, color=BAND, alpha=0.3, linewidth=0)
        for model, values in by_model.items():
            counts, edges = np.histogram(values, bins=BINS, range=(0, 1))
            heights = counts * BINS / values.size
            axes.stairs(heights, edges, baseline=None, color=colour[model], linewidth=1.1)
        axes.set_ylim(bottom=0)
    models = list(dict.fromkeys(model for by_model in uniforms.values() for model in by_model))
    shade = Patch(color=BAND, alpha=0.3, linewidth=0, label="Pointwise 99 % band")
    _finish(drawn, data, models, [shade, style.truth_line("Uniform")])
    return drawn


def contraction(data: FigureData, figure: Figure) -> MplFigure:
    """Draw the posterior z-score against posterior contraction, a dot for each fit.

    References
    ----------
    Schad, Betancourt & Vasishth (2021), doi:10.1037/met0000275.
    """
    prior, models = _prior(data, figure), _exact_models(data, figure)
    study = data.design.study
    prior_sds = {
        name: sd
        for model in models
        for name, sd in summaries.prior_standard_deviations(study, prior, model).items()
    }
    fits = data.estimates(figure.scenarios[0].name)
    fits = fits[(fits["prior"] == prior) & fits["model"].isin(models) & (fits["sd"] > 0)]
    known = {name for name, sd in prior_sds.items() if math.isfinite(sd)}
    shown_names = known & set(fits["parameter"])
    names = [name for name in data.parameters if name in shown_names]
    drawn, panels = _panels(names, data, "Posterior contraction", "Posterior z-score")
    colour = style.colours(data.design.study.models)
    marker = style.markers(data.design.study.models)
    for name, axes in zip(names, panels, strict=True):
        axes.axhline(0, color=style.TRUTH_COLOUR, linestyle="--", linewidth=0.9)
        for model in models:
            shown = fits[(fits["parameter"] == name) & (fits["model"] == model)]
            _scores(axes, shown, prior_sds[name], colour[model], marker[model])
    _finish(drawn, data, models, [style.truth_line("No error")])
    return drawn


def _scores(axes: Axes, rows: pd.DataFrame, prior_sd: float, colour: tuple, marker: str) -> None:
    """Draw the fits of one model, and their means with 95 % Monte Carlo bars."""
    x = 1 - (rows["sd"].to_numpy() / prior_sd) ** 2
    z = (rows["mean"] - rows["truth"]).to_numpy() / rows["sd"].to_numpy()
    axes.plot(x, z, marker, color=colour, markersize=2.2, alpha=0.35, markeredgewidth=0)
    if len(rows) < 2:
        return
    contraction, score = mean(x), mean(z)
    xerr, yerr = half_width(np.array([contraction.mcse, score.mcse]), np.array(len(rows)))
    bars = {"xerr": xerr, "yerr": yerr, "fmt": marker, "color": colour}
    axes.errorbar(contraction.value, score.value, **bars, markersize=5, mec="white")
