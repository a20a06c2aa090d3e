"""Observed data: columns of a CSV file as families take them, and designs taken from them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from recovery.common.errors import shown
from recovery.families.family import Columns

_NUMBER = re.compile(r"[ \t]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t]*")
_NOT_ZERO = re.compile(r"[^eE]*[1-9]")  # a digit of its own, not of its power of ten


def numbers(table: Mapping, column: str) -> np.ndarray:
    """Return a column of a CSV file as numbers; ValueError if it holds other things."""
    cells = np.asarray(table[column])
    if not np.issubdtype(cells.dtype, np.number):
        require(table, column, "numbers", np.array([_is_number(str(cell)) for cell in cells]))
    return cells.astype(float)


def require(table: Mapping, column: str, wanted: str, right: np.ndarray) -> None:
    """Refuse a column of a CSV file whose rows are not all right; ValueError has the first."""
    if not right.all():
        row = int(np.argmin(right))
        got = shown(str(table[column][row]))
        raise ValueError(f"column {column!r} must hold {wanted}, got {got} in row {row + 1}")


def _is_number(cell: str) -> bool:
    """Whether text is a finite number as CSV files have it: no `nan`, `1,000`, `1_000` or `true`.

    One too small to be told from 0 is none either.
    """
    if not _NUMBER.fullmatch(cell):
        return False
    value = abs(float(cell))
    return 0 < value < math.inf or (value == 0 and not _NOT_ZERO.match(cell))


def participants(table: Mapping, column: str) -> np.ndarray:
    """Return the participant of every row, numbered from 1 in the order they appear.

    Names are text to the letter: `17`, `017` and `17.0` are three of them.
    """
    _, first, number = np.unique(table[column], return_index=True, return_inverse=True)
    participant = np.argsort(np.argsort(first))[number] + 1
    if participant.max() < 2:
        raise ValueError(f"column {column!r} must have at least 2 participants")
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


def repeat_participants(names: Sequence[str], participants: int, observed: Columns) -> Columns:
    """Return these columns of an observed dataset, its participants taken in turn."""
    people = np.unique(observed["participant"])
    rows = [np.flatnonzero(observed["participant"] == each) for each in people]
    taken = [rows[j % len(rows)] for j in range(participants)]
    participant = np.repeat(np.arange(1, participants + 1), [each.size for each in taken])
    place = np.concatenate(taken)
    return {"participant": participant, **{name: observed[name][place] for name in names}}
