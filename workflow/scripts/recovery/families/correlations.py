"""Correlation matrices in a truth: what one must be, and what is kept from its edge."""

from __future__ import annotations

import numpy as np

LARGEST = 1 - 1e-12  # what rounds to 1 is not positive definite


def refuse(omega: np.ndarray) -> str | None:
    """Return what a correlation matrix must be, where this is none."""
    if not np.array_equal(omega, omega.T) or not np.array_equal(
        np.diag(omega), np.ones(len(omega))
    ):
        return "symmetric with a diagonal of 1"
    return None if np.linalg.eigvalsh(omega).min() > 0 else "positive definite"


def inner(omega: np.ndarray) -> np.ndarray:
    """Return the correlation matrix a little nearer to 0, where it may round to a singular one."""
    found = LARGEST * omega
    np.fill_diagonal(found, 1.0)
    return found
