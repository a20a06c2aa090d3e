"""Observed data: checked columns of a CSV file, and designs that repeat observed participants."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from recovery.common.errors import shown
from recovery.families.family import Columns

_NUMBER = re.compile(r"[ \t]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t]*")
_NOT_ZERO = re.compile(r"[^eE]*[1-9]")  # a digit other than 0 before the exponent


def numbers(table: Mapping, column: str) -> np.ndarray:
    """Return a column of a CSV file as numbers; ValueError if a cell is not a number."""
    cells = np.asarray(table[column])
    if not np.issubdtype(cells.dtype, np.number):
        require(table, column, "numbers", np.array([is_number(str(cell)) for cell in cells]))
    return cells.astype(float)


def require(table: Mapping, column: str, requirement: str, valid: np.ndarray) -> None:
    """Raise ValueError with the first row of a column of a CSV file that is not valid."""
    if not valid.all():
        row = int(np.argmin(valid))
        got = shown(str(table[column][row]))
        raise ValueError(f"column {column!r} must hold {requirement}, got {got} in row {row + 1}")


def is_number(cell: str) -> bool:
    """Return whether text is a finite number in the format of CSV files.

    `nan`, `1,000`, `1_000` and `true` are not; nor is a number so small that it rounds to 0.
    """
    if not _NUMBER.fullmatch(cell):
        return False
    value = abs(float(cell))
    return 0 < value < math.inf or (value == 0 and not _NOT_ZERO.match(cell))


def groups(
    table: Mapping, column: str, several: bool = True, within: Sequence[str] = ()
) -> np.ndarray:
    """Return the group of every row, numbered from 1 in order of appearance.

    Names are compared as text: `17`, `017` and `17.0` are three groups. Groups that lie in those of
    the columns `within` may have the same names in each. ValueError if there must be several and
    there is one.
    """
    cells = zip(*(table[each] for each in (column, *within)), strict=True)
    names = ["\0".join(map(str, each)) for each in cells]
    _, first, number = np.unique(names, return_index=True, return_inverse=True)
    group = np.argsort(np.argsort(first))[number] + 1
    if several and group.max() < 2:
        raise ValueError(f"column {column!r} must have at least 2 participants")
    return group


def levels(table: Mapping, column: str, known: Sequence[str]) -> np.ndarray:
    """Return the number of the level of every row; ValueError if a cell is none of the levels."""
    cells = np.array([str(cell) for cell in table[column]])
    require(table, column, f"only the levels {', '.join(known)}", np.isin(cells, known))
    absent = [level for level in known if level not in cells]
    if absent:
        raise ValueError(f"column {column!r} must have every level, has no row with {absent[0]!r}")
    return np.array([known.index(cell) for cell in cells.tolist()]) + 1


def standardized(values: np.ndarray, column: str) -> np.ndarray:
    """Return a column with mean 0 and standard deviation 1; ValueError if it is constant."""
    if values.min() == values.max():  # the computed SD of a constant may be above 0
        raise ValueError(f"column {column!r} is constant and cannot be standardized")
    with np.errstate(over="ignore", invalid="ignore"):
        variance = values.var(ddof=1)
    if not np.finfo(float).tiny <= variance < np.inf:
        raise ValueError(f"column {column!r} is too large or too small to be standardized")
    return (values - values.mean()) / values.std(ddof=1)


def repeat_participants(
    names: Sequence[str], participants: int, observed: Columns, grouping: Collection[str] = ()
) -> Columns:
    """Return columns of an observed dataset, repeating its participants in turn.

    Groups of the columns `grouping` that lie in one participant each are new ones whenever the
    participant is repeated.
    """
    people = np.unique(observed["participant"])
    rows = [np.flatnonzero(observed["participant"] == each) for each in people]
    repeated = [rows[j % len(rows)] for j in range(participants)]
    sizes = [each.size for each in repeated]
    index = np.concatenate(repeated)
    columns = {name: observed[name][index] for name in names}
    times = np.repeat(np.arange(participants) // len(rows), sizes)
    for name in grouping:
        if _lies_in_participants(observed, name):
            columns[name] = columns[name] + times * observed[name].max()
    return {"participant": np.repeat(np.arange(1, participants + 1), sizes), **columns}


def _lies_in_participants(observed: Columns, name: str) -> bool:
    """Whether each group of a column occurs with one participant only."""
    pairs = np.unique(np.column_stack([observed[name], observed["participant"]]), axis=0)
    return len(pairs) == np.unique(observed[name]).size


def repeated_rows(participants: int, observed: Columns) -> int:
    """Return the number of rows of `repeat_participants`."""
    _, sizes = np.unique(observed["participant"], return_counts=True)
    cycles, rest = divmod(participants, sizes.size)
    return int(cycles * sizes.sum() + sizes[:rest].sum())
