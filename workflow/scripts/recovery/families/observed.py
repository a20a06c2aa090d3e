"""Columns of a CSV file that hold observed data, as families take them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def numbers(table: Mapping, column: str) -> np.ndarray:
    """Return a column of a CSV file as numbers; ValueError if it holds others things."""
    if np.issubdtype(table[column].dtype, np.datetime64):
        raise ValueError(f"column {column!r} must hold numbers")
    try:
        return np.asarray(table[column], dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"column {column!r} must hold numbers") from None


def participants(table: Mapping, column: str) -> np.ndarray:
    """Return the participant of every row, numbered from 1 in the order they appear."""
    _, first, number = np.unique(table[column], return_index=True, return_inverse=True)
    participant = np.argsort(np.argsort(first))[number] + 1
    if participant.max() < 2:
        raise ValueError(f"column {column!r} must name at least 2 participants")
    return participant


def standardized(values: np.ndarray, column: str) -> np.ndarray:
    """Return a column less its mean, over its standard deviation; ValueError if it has none."""
    if values.min() == values.max():  # rounding leaves the SD of a constant above 0
        raise ValueError(f"column {column!r} is constant and cannot be standardized")
    with np.errstate(over="ignore", invalid="ignore"):
        variance = values.var(ddof=1)
    if not np.finfo(float).tiny <= variance < np.inf:
        raise ValueError(f"column {column!r} is too large or too small to be standardized")
    return (values - values.mean()) / values.std(ddof=1)
