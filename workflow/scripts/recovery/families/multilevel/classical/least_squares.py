"""Ordinary least squares: the same coefficients for all groups, or separate ones."""

from __future__ import annotations

import numpy as np

from recovery.families.estimators import EstimatorResult
from recovery.families.family import Columns
from recovery.families.multilevel.classical import wald
from recovery.families.multilevel.layout import Layout

ROUNDING = 1e-24  # proportion of a sum of squares that is only rounding error


def pooled(layout: Layout, columns: Columns) -> EstimatorResult:
    """Fit all groups together; intervals of b have N - K degrees of freedom."""
    x, y = layout.design_matrix(columns), known_outcome(layout, columns)
    beta, inverse, squares = least_squares(x, y, "the predictors")
    df = y.size - layout.size
    sigma = residual_sd(squares, df, y)
    b = wald.coefficients(list(layout.b), beta, sigma**2 * inverse, df)
    return EstimatorResult([b, wald.residual("sigma", sigma, df)])


def separate(layout: Layout, columns: Columns) -> EstimatorResult:
    """Fit every group separately; b is the mean of the groups' coefficients.

    The standard error of b is the standard deviation of these coefficients over sqrt(J), with
    J - 1 degrees of freedom. If groups have equally many observations, it includes both
    differences between groups and residuals. sigma and the standard errors of deviations from b
    are computed from the pooled residuals, with N - J K degrees of freedom.

    References
    ----------
    Holmes & Friston (1998), doi:10.1016/S1053-8119(18)31587-8 (summary statistics).
    """
    x, y = layout.design_matrix(columns), known_outcome(layout, columns)
    (block,) = layout.blocks
    groups, index = block.groups(columns)
    fits = []
    for number, group in enumerate(groups):
        rows = index == number
        fits.append(least_squares(x[rows], y[rows], f"the predictors of {block.factor} {group}"))
    betas, inverses, squares = (np.array(part) for part in zip(*fits, strict=True))
    df = y.size - betas.size
    sigma = residual_sd(squares.sum(), df, y)
    covariance = np.atleast_2d(np.cov(betas, rowvar=False)) / len(groups)
    names = [name for names in block.deviations(groups) for name in names]
    variances = np.diagonal(inverses, axis1=1, axis2=2)
    of_mean = variances.sum(axis=0) / len(groups) ** 2
    deviation_error = sigma * np.sqrt(variances * (1 - 2 / len(groups)) + of_mean)
    return EstimatorResult(
        [
            wald.coefficients(list(layout.b), betas.mean(axis=0), covariance, len(groups) - 1),
            wald.residual("sigma", sigma, df),
            wald.student(
                names, (betas - betas.mean(axis=0)).T.ravel(), deviation_error.T.ravel(), df
            ),
        ]
    )


def known_outcome(layout: Layout, columns: Columns) -> np.ndarray:
    """Return the outcome without the known part of the linear predictor."""
    return columns[layout.response] - layout.offset(columns)


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
