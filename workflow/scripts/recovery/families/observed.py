"""Observed data: columns of a CSV file as families take them, and designs taken from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from recovery.families.base import Columns


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


def taken_in_turn(names: Sequence[str], participants: int, observed: Columns) -> Columns:
    """Return these columns of an observed dataset, its participants taken in turn."""
    people = np.unique(observed["participant"])
    rows = [np.flatnonzero(observed["participant"] == each) for each in people]
    taken = [rows[j % len(rows)] for j in range(participants)]
    participant = np.repeat(np.arange(1, participants + 1), [each.size for each in taken])
    place = np.concatenate(taken)
    return {"participant": participant, **{name: observed[name][place] for name in names}}
