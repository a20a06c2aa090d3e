"""Codings of factors: the numbers that stand for a factor's levels in a design matrix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from recovery.families.formulas.polynomials import orthogonal_polynomials
from recovery.families.formulas.tokens import shown


@dataclass(frozen=True, eq=False)
class Coding:
    """The coding of a factor."""

    levels: tuple[str, ...]
    matrix: np.ndarray
    """The contrasts, shape (n_levels, n_columns)."""
    names: tuple[str, ...]
    """What follows the factor's name in the name of each coefficient: [hard]; empty if one."""


def coding(
    levels: Sequence[str], kind: str | Sequence[Sequence[float] | float] = "treatment"
) -> Coding:
    """Return the coding of a factor.

    Parameters
    ----------
    levels : sequence of str
        At least two; the first is the reference.
    kind : str or sequence of rows
        `treatment`, `sum`, `difference`, `helmert` or `poly`: R's contr.treatment, contr.sum,
        MASS::contr.sdif, contr.helmert and contr.poly. Or a matrix, one row per level; a plain
        number is a row of one column.

    Returns
    -------
    Coding

    Raises
    ------
    ValueError
        If there is no such coding, or the matrix with a column of ones has not full rank.

    References
    ----------
    Venables & Ripley (2002), Modern Applied Statistics with S, section 6.2.
    """
    levels = tuple(levels)
    if len(levels) < 2 or not all(isinstance(level, str) for level in levels):
        raise ValueError(f"got the levels {levels}, must be at least two names")
    if len(set(levels)) < len(levels):
        raise ValueError(f"got the levels {levels}, must be different names")
    if not isinstance(kind, str):
        matrix = _own_matrix(kind, len(levels))
        names: Sequence[str] = [str(k) for k in range(1, matrix.shape[1] + 1)]
    elif kind in _KINDS:
        matrix = _KINDS[kind](len(levels))
        names = _column_names(kind, levels)
    else:
        kinds = ", ".join(_KINDS)
        raise ValueError(f"got {shown(kind)}, must be one of {kinds}, or a matrix")
    matrix.setflags(write=False)
    return Coding(levels, matrix, tuple(f"[{n}]" for n in names) if len(names) > 1 else ("",))


def _column_names(kind: str, levels: tuple[str, ...]) -> Sequence[str]:
    if kind == "poly":
        return [str(k) for k in range(1, len(levels))]
    return levels[:-1] if kind == "sum" else levels[1:]


def _own_matrix(rows: Sequence[Sequence[float] | float], n_levels: int) -> np.ndarray:
    """The matrix of rows that a user gives."""
    try:
        matrix = np.array(rows, dtype=float)
    except (TypeError, ValueError):
        raise ValueError("got a matrix with other values, must be rows of numbers") from None
    if matrix.ndim == 1:
        matrix = matrix[:, np.newaxis]
    if matrix.ndim != 2 or matrix.shape[0] != n_levels or not 1 <= matrix.shape[1] < n_levels:
        raise ValueError(
            f"got a matrix of the shape {matrix.shape}, must have {n_levels} rows, one per level, "
            f"and 1 to {n_levels - 1} columns"
        )
    if not np.isfinite(matrix).all():
        raise ValueError("got a matrix with values that are not finite, must be finite numbers")
    with_ones = np.column_stack([np.ones(n_levels), matrix])
    if np.linalg.matrix_rank(with_ones) < with_ones.shape[1]:
        raise ValueError(
            "got a matrix whose columns, with a column of ones, depend linearly on each other, "
            "must be independent"
        )
    return matrix


def _treatment(n: int) -> np.ndarray:
    """Each level, less the first."""
    return np.eye(n)[:, 1:]


def _sum(n: int) -> np.ndarray:
    """Each level but the last, less the mean of all."""
    return np.vstack([np.eye(n - 1), -np.ones(n - 1)])


def _difference(n: int) -> np.ndarray:
    """Each level, less the one before."""
    level, column = np.arange(1, n + 1)[:, np.newaxis], np.arange(1, n)
    return np.where(level <= column, column / n - 1, column / n)


def _helmert(n: int) -> np.ndarray:
    """Each level against the mean of those before."""
    level, column = np.arange(1, n + 1)[:, np.newaxis], np.arange(1, n)
    later = np.where(level == column + 1, column, 0)
    return np.where(level <= column, -1, later).astype(float)


def _poly(n: int) -> np.ndarray:
    """The trend over the levels: linear, quadratic and so on."""
    return orthogonal_polynomials(np.arange(1.0, n + 1), n - 1)


_KINDS: dict[str, Callable[[int], np.ndarray]] = {
    "treatment": _treatment,
    "sum": _sum,
    "difference": _difference,
    "helmert": _helmert,
    "poly": _poly,
}
