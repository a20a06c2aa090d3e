"""Orthogonal polynomials over a set of points."""

from __future__ import annotations

import numpy as np

_SMALLEST = 1e-10  # part of a new column that the columns before do not explain


def orthogonal_polynomials(x: np.ndarray, degree: int) -> np.ndarray:
    """Return orthonormal polynomials of degrees 1 to `degree`, as R's `poly` does.

    Every column is orthogonal to a constant, and its leading coefficient is positive. R takes
    the QR decomposition of the powers of x; multiplying the last column by x and
    orthogonalising it gives the same columns with smaller rounding errors.

    Parameters
    ----------
    x : ndarray, shape (n,)
    degree : int

    Returns
    -------
    ndarray, shape (n, degree)

    Raises
    ------
    ValueError
        If x has too few different values.

    References
    ----------
    Brubeck, Nakatsukasa & Trefethen (2021), doi:10.1137/19M130640X.
    """
    different = np.unique(x).size
    fault = f"got {different} different values, must be at least {degree + 1}"
    if different <= degree:
        raise ValueError(fault)
    scaled = x / np.max(np.abs(x))  # so that sums and powers are finite
    centred = scaled - np.mean(scaled)
    columns = np.empty((x.size, degree + 1))
    columns[:, 0] = x.size**-0.5
    for k in range(1, degree + 1):
        power = centred * columns[:, k - 1]
        column = power
        for _ in range(2):  # the second time removes rounding errors of the first
            column = column - columns[:, :k] @ (columns[:, :k].T @ column)
        length = np.linalg.norm(column)
        if not length > _SMALLEST * np.linalg.norm(power):
            raise ValueError(f"{fault} that are not almost equal")
        columns[:, k] = column / length
    return columns[:, 1:]
