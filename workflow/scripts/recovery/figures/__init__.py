"""The figures of a study, one function a kind."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import matplotlib.pyplot as plt

from recovery.common.worker import die_with
from recovery.figures import (
    dataset_plots,
    design_plots,
    interval_plots,
    performance_plots,
    planning_plots,
    prior_plots,
    rank_plots,
    selection_plots,
    style,
    verification_plots,
)
from recovery.figures.figure_data import Material
from recovery.plan.figure_list import Figure, figures
from recovery.tables import replace

MOST_PIXELS_ACROSS = 60_000  # matplotlib draws fewer than 2^16
MOST_PIXELS = 100_000_000  # 400 MB while they are drawn
DRAW = {
    "bias": performance_plots.bias,
    "rmse": performance_plots.rmse,
    "coverage": performance_plots.coverage,
    "interval_width": performance_plots.interval_width,
    "lolly": design_plots.lolly,
    "nested_loop": design_plots.nested_loop,
    "convergence": performance_plots.convergence,
    "time": performance_plots.time,
    "recovered": performance_plots.recovered,
    "zip": interval_plots.zipped,
    "lines": dataset_plots.lines,
    "observed_lines": dataset_plots.lines,
    "shrinkage": dataset_plots.shrinkage,
    "caterpillar": interval_plots.caterpillar,
    "ecdf": rank_plots.ecdf,
    "ranks": rank_plots.ranks,
    "contraction": rank_plots.contraction,
    "planning": planning_plots.needed,
    "selection": selection_plots.selection,
    "verification": verification_plots.verification,
    "observed": dataset_plots.observed,
    "prior_predictive": prior_plots.lines,
    "prior_outcomes": prior_plots.outcomes,
}


def draw_all(
    material: Material, files: dict[str, list[str]], identity: str, processes: int = 1
) -> None:
    """Draw every figure of a study in every format.

    Parameters
    ----------
    material : Material
        What there is to draw.
    files : dict
        Format -> files, in the order of `gallery.figures`.
    identity : str
        The hash of what decided the figures, kept in the SVG files.
    processes : int
        How many draw at once.
    """
    # Forked processes have what there is to draw; types made for a study cannot be sent.
    fork, everything = multiprocessing.get_context("fork"), (os.getpid(), material, files, identity)
    with ProcessPoolExecutor(processes, fork, _take, everything) as pool:
        list(pool.map(_draw_one, range(len(figures(material.design.study)))))


def _take(parent: int, material: Material, files: dict[str, list[str]], identity: str) -> None:
    """Keep, in a process that draws, what it draws from."""
    die_with(parent)
    _draw_one.material, _draw_one.files, _draw_one.identity = material, files, identity


def _draw_one(place: int) -> None:
    material = _draw_one.material
    drawn = draw(material, figures(material.design.study)[place])
    for suffix, paths in _draw_one.files.items():
        save(drawn, paths[place], suffix, _draw_one.identity)
    plt.close(drawn)


def draw(material: Material, figure: Figure) -> plt.Figure:
    """Draw one figure, laid out."""
    drawn = DRAW[figure.kind](material, figure)
    style.lay_out(drawn)
    return drawn


def save(drawn: plt.Figure, path: str | Path, suffix: str, identity: str) -> None:
    """Write a figure; the same figure gives the same file, so no dates."""
    kept = {
        "svg": {"Date": None, "Identifier": identity},
        "pdf": {"CreationDate": None},
        "png": {},
    }
    replace(
        path,
        lambda beside: drawn.savefig(
            beside, format=suffix, dpi=resolution(drawn), metadata=kept[suffix]
        ),
    )


def resolution(drawn: plt.Figure) -> float:
    """Return pixels an inch: fewer where a figure of many panels would have too many."""
    width, height = drawn.get_size_inches()
    return min(150, MOST_PIXELS_ACROSS / max(width, height), (MOST_PIXELS / width / height) ** 0.5)
