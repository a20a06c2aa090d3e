"""The lines of participants: at the rows of a dataset, and at a grid for figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from recovery.families.family import Columns
from recovery.families.multilevel.layout import Layout


def linear_predictor(
    layout: Layout, values: Mapping[str, Any], beta: np.ndarray, columns: Columns
) -> np.ndarray:
    """Return X_i beta_p[j(i)] for every row; coefficients that do not vary are those of beta."""
    x = layout.design_matrix(columns)
    people = np.unique(columns["participant"])
    index = np.searchsorted(people, columns["participant"])
    eta: Any = 0.0
    for k in range(1, layout.size + 1):
        column = x[:, k - 1].reshape(-1, *(1,) * (beta.ndim - 1))
        if k in layout.varying:
            q = layout.varying.index(k) + 1
            coefficient = np.array([values[f"beta_p[{j},{q}]"] for j in people])[index]
        else:
            coefficient = beta[k - 1]
        eta = eta + coefficient * column
    return eta


def line_grid(layout: Layout, covariates: Iterable[str], points: int, columns: Columns) -> Columns:
    """Return the rows at which figures draw every participant's line over the first predictor.

    Other predictors are 0; covariates have the participant's mean.
    """
    people = np.unique(columns["participant"])
    first, *others = layout.predictors
    x = np.linspace(columns[first].min(), columns[first].max(), points)
    rows = {"participant": np.repeat(people, points), first: np.tile(x, people.size)}
    for name in covariates:
        means = [columns[name][columns["participant"] == each].mean() for each in people]
        rows[name] = np.repeat(means, points)
    return rows | {name: np.zeros(people.size * points) for name in others}
