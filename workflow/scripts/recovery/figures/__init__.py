"""The figures of a study, one function a kind."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt

from recovery.figures import datasets, performance
from recovery.figures.material import Material
from recovery.gallery import Figure, figures
from recovery.tables import replace

DRAW = {
    "bias": performance.bias,
    "rmse": performance.rmse,
    "coverage": performance.coverage,
    "interval_width": performance.interval_width,
    "convergence": performance.convergence,
    "time": performance.time,
    "recovered": performance.recovered,
    "lines": datasets.lines,
    "observed_lines": datasets.lines,
    "shrinkage": datasets.shrinkage,
    "observed": datasets.observed,
    "prior_predictive": datasets.prior_predictive,
}


def draw_all(material: Material, files: dict[str, list[str]], identity: str) -> None:
    """Draw every figure of a study in every format.

    Parameters
    ----------
    material : Material
        What there is to draw.
    files : dict
        Format -> files, in the order of `gallery.figures`.
    identity : str
        The hash of what decided the figures, kept in the SVG files.
    """
    for place, figure in enumerate(figures(material.design.study)):
        drawn = draw(material, figure)
        for suffix, paths in files.items():
            save(drawn, paths[place], suffix, identity)
        plt.close(drawn)


def draw(material: Material, figure: Figure) -> plt.Figure:
    """Draw one figure, its panels laid out once for all formats."""
    drawn = DRAW[figure.kind](material, figure)
    drawn.draw_without_rendering()
    drawn.set_layout_engine("none")
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
        lambda beside: drawn.savefig(beside, format=suffix, dpi=150, metadata=kept[suffix]),
    )
