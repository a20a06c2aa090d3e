"""Participants' own lines: over the rows of a dataset, and over a grid for figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from recovery.families.family import Columns
from recovery.families.multilevel.layout import Layout


def linear_predictor(
    layout: Layout, found: Mapping[str, Any], beta: np.ndarray, columns: Columns
) -> np.ndarray:
    """Return X_i beta_p[j(i)] of every row; the coefficients that participants share are beta's."""
    x = layout.design_matrix(columns)
    people = np.unique(columns["participant"])
    place = np.searchsorted(people, columns["participant"])
    eta: Any = 0.0
    for k in range(1, layout.size + 1):
        column = x[:, k - 1].reshape(-1, *(1,) * (beta.ndim - 1))
        if k in layout.varying:
            q = layout.varying.index(k) + 1
            mine = np.array([found[f"beta_p[{j},{q}]"] for j in people])[place]
        else:
            mine = beta[k - 1]
        eta = eta + mine * column
    return eta


def line_grid(layout: Layout, covariates: Iterable[str], points: int, columns: Columns) -> Columns:
    """Return the rows between which a participant's line is drawn over the first predictor.

    Other predictors are at 0, covariates at the participant's mean.
    """
    people = np.unique(columns["participant"])
    first, *others = layout.predictors
    along = np.linspace(columns[first].min(), columns[first].max(), points)
    rows = {"participant": np.repeat(people, points), first: np.tile(along, people.size)}
    for name in covariates:
        means = [columns[name][columns["participant"] == each].mean() for each in people]
        rows[name] = np.repeat(means, points)
    return rows | {name: np.zeros(people.size * points) for name in others}
