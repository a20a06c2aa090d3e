"""The figures of a study, with one function for each kind."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure as MplFigure

from recovery.common.worker import die_with
from recovery.figures import (
    dataset_plots,
    design_effect_plots,
    design_plots,
    interval_plots,
    performance_plots,
    planning_plots,
    prior_density_plots,
    prior_plots,
    rank_plots,
    selection_plots,
    style,
    verification_plots,
)
from recovery.figures.figure_data import FigureData
from recovery.plan.design import Design, restore
from recovery.plan.figure_list import Figure, figures
from recovery.tables import replace

MOST_PIXELS_ACROSS = 60_000  # matplotlib draws fewer than 2^16
MOST_PIXELS = 100_000_000  # 400 MB of memory
_CONTEXT = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
DRAW = {
    "bias": performance_plots.bias,
    "rmse": performance_plots.rmse,
    "coverage": performance_plots.coverage,
    "interval_width": performance_plots.interval_width,
    "lolly": design_plots.lolly,
    "nested_loop": design_plots.nested_loop,
    "design_effects": design_effect_plots.shares,
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
    "decisions": performance_plots.decisions,
    "planning": planning_plots.needed,
    "selection": selection_plots.selection,
    "verification": verification_plots.verification,
    "observed": dataset_plots.observed,
    "prior_densities": prior_density_plots.densities,
    "prior_predictive": prior_plots.lines,
    "prior_outcomes": prior_plots.outcomes,
}


def draw_all(
    design: Design, files: Mapping[str, Sequence[str]], identity: str, processes: int = 1
) -> None:
    """Draw every figure of a study in every format.

    Parameters
    ----------
    files : mapping
        Format -> files, in the order of `figure_list.figures`.
    identity : str
        The hash of everything that determines the figures; stored in the SVG files.
    processes : int
        Number of parallel processes.
    """
    # Types that are created for a study cannot be pickled, so the content is sent.
    content = design.study.model_dump(mode="json"), asdict(design.sources)
    draw_some = partial(_draw_some, content, files, identity)
    indices = range(len(figures(design.study)))
    shares = [indices[first::processes] for first in range(processes)]
    with ProcessPoolExecutor(processes, _CONTEXT, die_with, (os.getpid(),)) as pool:
        list(pool.map(draw_some, shares))


def _draw_some(
    content: tuple[dict[str, Any], dict[str, Any]],
    files: Mapping[str, Sequence[str]],
    identity: str,
    indices: Sequence[int],
) -> None:
    """Draw the figures at these indices of the list."""
    data = FigureData(restore(*content))
    for index in indices:
        drawn = draw(data, figures(data.design.study)[index])
        for suffix, paths in files.items():
            save(drawn, paths[index], suffix, identity)
        plt.close(drawn)


def draw(data: FigureData, figure: Figure) -> MplFigure:
    """Draw and lay out one figure."""
    drawn = DRAW[figure.kind](data, figure)
    style.lay_out(drawn)
    return drawn


def save(drawn: MplFigure, path: str | Path, suffix: str, identity: str) -> None:
    """Write a figure without dates, so that the same figure gives the same file."""
    metadata: dict[str, dict[str, Any]] = {
        "svg": {"Date": None, "Identifier": identity},
        "pdf": {"CreationDate": None},
        "png": {},
    }
    replace(
        path,
        lambda temporary: drawn.savefig(
            temporary, format=suffix, dpi=resolution(drawn), metadata=metadata[suffix]
        ),
    )


def resolution(drawn: MplFigure) -> float:
    """Return the pixels per inch: 150, or fewer for a figure of many panels."""
    width, height = drawn.get_size_inches()
    return min(150, MOST_PIXELS_ACROSS / max(width, height), (MOST_PIXELS / width / height) ** 0.5)
