"""Least squares: one line for everybody, or one for every participant."""

from __future__ import annotations

import numpy as np

from recovery.families.family import Columns, Estimated
from recovery.families.multilevel.classical import wald
from recovery.families.multilevel.layout import Layout

ROUNDING = 1e-24  # share of a sum of squares that is nothing but rounding


def pooled(layout: Layout, columns: Columns) -> Estimated:
    """Fit one line by ordinary least squares; beta has Student's t with N - K degrees."""
    x, y = layout.design_matrix(columns), columns["y"]
    beta, inverse, left = least_squares(x, y, "the predictors")
    df = y.size - layout.size
    sigma = spread(left, df, y)
    error = sigma * np.sqrt(np.diag(inverse))
    return Estimated(
        [wald.student(list(layout.beta), beta, error, df), wald.residual("sigma", sigma, df)]
    )


def own(layout: Layout, columns: Columns) -> Estimated:
    """Fit a line of its own to every participant; beta is their mean.

    The standard error of beta is the lines' standard deviation over sqrt(J), with Student's t
    of J - 1 degrees: lines of equally many observations spread by what participants and their
    residuals do together. Residuals are pooled, with N - J K degrees, for sigma and for the
    standard errors of participants' own lines.

    References
    ----------
    Holmes & Friston (1998), doi:10.1016/S1053-8119(18)31587-8 (summary statistics).
    """
    x, y = layout.design_matrix(columns), columns["y"]
    people = np.unique(columns["participant"])
    found = []
    for person in people:
        rows = columns["participant"] == person
        found.append(least_squares(x[rows], y[rows], f"participant {person}'s predictors"))
    betas, inverses, left = (np.array(part) for part in zip(*found, strict=True))
    df = y.size - betas.size
    sigma = spread(left.sum(), df, y)
    error = betas.std(axis=0, ddof=1) / np.sqrt(people.size)
    names = [f"beta_p[{j},{k}]" for k in range(1, layout.size + 1) for j in people]
    own_error = sigma * np.sqrt(np.diagonal(inverses, axis1=1, axis2=2))
    return Estimated(
        [
            wald.student(list(layout.beta), betas.mean(axis=0), error, people.size - 1),
            wald.residual("sigma", sigma, df),
            wald.student(names, betas.T.ravel(), own_error.T.ravel(), df),
        ]
    )


def least_squares(x: np.ndarray, y: np.ndarray, whose: str) -> tuple[np.ndarray, np.ndarray, float]:
    """Return coefficients, the inverse of X'X, and the residual sum of squares."""
    q, inverse = orthonormal(x, whose)
    beta = inverse @ (q.T @ y)
    return beta, inverse @ inverse.T, float(np.sum((y - x @ beta) ** 2))


def orthonormal(x: np.ndarray, whose: str = "the predictors") -> tuple[np.ndarray, np.ndarray]:
    """Return Q with orthonormal columns and the matrix that makes it of X: X inverse = Q.

    Columns are brought to one length first, so that units do not decide what is singular;
    RuntimeError where it is.
    """
    length = np.sqrt(np.mean(x**2, axis=0))
    length[length == 0] = 1.0
    q, r = np.linalg.qr(x / length)
    diagonal = np.abs(np.diag(r))
    if len(x) < x.shape[1] or diagonal.min() <= 1e-10 * diagonal.max():
        raise RuntimeError(f"{whose} are collinear: X'X is singular")
    return q, np.linalg.inv(r) / length[:, None]


def spread(left: float, df: int, y: np.ndarray) -> float:
    """Return the residual standard deviation; RuntimeError where nothing tells it."""
    if df <= 0:
        raise RuntimeError(
            "as many coefficients as observations: no degrees of freedom are left to estimate sigma"
        )
    if left <= ROUNDING * (y @ y):
        raise RuntimeError("the fit is exact: all residuals are 0, so sigma cannot be estimated")
    return np.sqrt(left / df)
