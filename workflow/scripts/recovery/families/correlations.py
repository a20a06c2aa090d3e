"""Correlation matrices: random draws from the LKJ distribution, and checks."""

from __future__ import annotations

import numpy as np

LARGEST_CORRELATION = 1 - 1e-12  # a correlation that rounds to 1 is not positive definite


def unmet_requirement(omega: np.ndarray) -> str | None:
    """Return the requirement that a matrix does not meet; None for a correlation matrix."""
    if not np.array_equal(omega, omega.T) or not np.array_equal(
        np.diag(omega), np.ones(len(omega))
    ):
        return "symmetric with a diagonal of 1"
    return None if np.linalg.eigvalsh(omega).min() > 0 else "positive definite"


def shrunken(omega: np.ndarray) -> np.ndarray:
    """Return a correlation matrix whose correlations are at most `LARGEST_CORRELATION`.

    Otherwise rounding could make it singular.
    """
    matrix = LARGEST_CORRELATION * omega
    np.fill_diagonal(matrix, 1.0)
    return matrix


def draw_correlation(size: int, eta: float, rng: np.random.Generator) -> np.ndarray:
    """Draw a correlation matrix from the LKJ distribution.

    Parameters
    ----------
    size : int
        Number of rows.
    eta : float
        Shape, above 0; 1 is uniform over correlation matrices.

    Returns
    -------
    ndarray, shape (size, size)

    References
    ----------
    Lewandowski, Kurowicka & Joe (2009), doi:10.1016/j.jmva.2009.04.008, section 3.2
    (the extended onion method).
    """
    omega = np.eye(size)
    shape = eta + (size - 2) / 2
    for row in range(1, size):
        if row > 1:
            shape -= 0.5
        # The squared multiple correlation of the new row with the rows above, and its direction.
        squared = rng.beta(row / 2, shape) if row > 1 else (2 * rng.beta(shape, shape) - 1) ** 2
        direction = rng.normal(size=row)
        direction /= np.linalg.norm(direction)
        correlations = np.linalg.cholesky(omega[:row, :row]) @ (np.sqrt(squared) * direction)
        omega[row, :row] = omega[:row, row] = correlations
    return omega
