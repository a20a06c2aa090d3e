"""Ordinary least squares: one line for all participants, or one for each."""

from __future__ import annotations

import numpy as np

from recovery.families.family import Columns, EstimatorResult
from recovery.families.multilevel.classical import wald
from recovery.families.multilevel.layout import Layout

ROUNDING = 1e-24  # proportion of a sum of squares that is only rounding error


def pooled(layout: Layout, columns: Columns) -> EstimatorResult:
    """Fit one line; intervals of beta have N - K degrees of freedom."""
    x, y = layout.design_matrix(columns), columns["y"]
    beta, inverse, squares = least_squares(x, y, "the predictors")
    df = y.size - layout.size
    sigma = residual_sd(squares, df, y)
    error = sigma * np.sqrt(np.diag(inverse))
    return EstimatorResult(
        [wald.student(list(layout.beta), beta, error, df), wald.residual("sigma", sigma, df)]
    )


def separate(layout: Layout, columns: Columns) -> EstimatorResult:
    """Fit a separate line to every participant; beta is the mean of the lines.

    The standard error of beta is the standard deviation of the lines over sqrt(J), with J - 1
    degrees of freedom. If participants have equally many observations, this standard deviation
    includes both differences between participants and residuals. sigma and the standard errors of
    the lines are computed from the pooled residuals, with N - J K degrees of freedom.

    References
    ----------
    Holmes & Friston (1998), doi:10.1016/S1053-8119(18)31587-8 (summary statistics).
    """
    x, y = layout.design_matrix(columns), columns["y"]
    people = np.unique(columns["participant"])
    fits = []
    for person in people:
        rows = columns["participant"] == person
        fits.append(least_squares(x[rows], y[rows], f"the predictors of participant {person}"))
    betas, inverses, squares = (np.array(part) for part in zip(*fits, strict=True))
    df = y.size - betas.size
    sigma = residual_sd(squares.sum(), df, y)
    error = betas.std(axis=0, ddof=1) / np.sqrt(people.size)
    names = [f"beta_p[{j},{k}]" for k in range(1, layout.size + 1) for j in people]
    line_error = sigma * np.sqrt(np.diagonal(inverses, axis1=1, axis2=2))
    return EstimatorResult(
        [
            wald.student(list(layout.beta), betas.mean(axis=0), error, people.size - 1),
            wald.residual("sigma", sigma, df),
            wald.student(names, betas.T.ravel(), line_error.T.ravel(), df),
        ]
    )


def least_squares(x: np.ndarray, y: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray, float]:
    """Return coefficients, the inverse of X'X, and the residual sum of squares."""
    q, inverse = orthonormal(x, name)
    beta = inverse @ (q.T @ y)
    return beta, inverse @ inverse.T, float(np.sum((y - x @ beta) ** 2))


def orthonormal(x: np.ndarray, name: str = "the predictors") -> tuple[np.ndarray, np.ndarray]:
    """Return Q with orthonormal columns, and the matrix `inverse` with X inverse = Q.

    Columns are scaled to the same length first, so that the check for a singular X'X, a
    RuntimeError, does not depend on their units. `name` names the columns in its message.
    """
    length = np.sqrt(np.mean(x**2, axis=0))
    length[length == 0] = 1.0
    q, r = np.linalg.qr(x / length)
    diagonal = np.abs(np.diag(r))
    if len(x) < x.shape[1] or diagonal.min() <= 1e-10 * diagonal.max():
        raise RuntimeError(f"{name} are collinear: X'X is singular")
    return q, np.linalg.inv(r) / length[:, None]


def residual_sd(squares: float, df: int, y: np.ndarray) -> float:
    """Return the residual standard deviation, given the residual sum of squares.

    RuntimeError if no degrees of freedom are left or all residuals are 0.
    """
    if df <= 0:
        raise RuntimeError(
            "as many coefficients as observations: no degrees of freedom are left to estimate sigma"
        )
    if squares <= ROUNDING * (y @ y):
        raise RuntimeError("the fit is exact: all residuals are 0, so sigma cannot be estimated")
    return np.sqrt(squares / df)
