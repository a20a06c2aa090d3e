"""Who was observed when, and at which values of the predictors: simulated and observed designs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from recovery.families.base import Columns
from recovery.families.multilevel.values import Design


def simulated(
    names: Sequence[str],
    design: Design,
    participants: int,
    observations: int,
    rng: np.random.Generator,
) -> Columns:
    """Return participant and predictors of every row of a dataset."""
    participant = np.repeat(np.arange(1, participants + 1), observations)
    columns = {"participant": participant}
    for name in names:
        if design.x == "days" and name == names[0]:
            columns[name] = np.tile(np.arange(observations, dtype=float), participants)
        else:
            columns[name] = rng.normal(size=participant.size)
    if design.missing is not None:
        there = _there(participant, design.missing, rng)
        columns = {name: values[there] for name, values in columns.items()}
    return columns


def _there(participant: np.ndarray, missing: float, rng: np.random.Generator) -> np.ndarray:
    """Which rows are not missing: each is with this chance, but every participant has one."""
    chance = rng.random(participant.size)
    luckiest = [rows[np.argmax(chance[rows])] for rows in _rows_of_each(participant)]
    there = chance >= missing
    there[luckiest] = True
    return there


def _rows_of_each(participant: np.ndarray) -> list[np.ndarray]:
    first = np.unique(participant, return_index=True)[1]
    return np.split(np.arange(participant.size), first[1:])


def taken_in_turn(names: Sequence[str], participants: int, observed: Columns) -> Columns:
    """Return these columns of an observed dataset, its participants taken in turn."""
    people = np.unique(observed["participant"])
    rows = [np.flatnonzero(observed["participant"] == each) for each in people]
    taken = [rows[j % len(rows)] for j in range(participants)]
    participant = np.repeat(np.arange(1, participants + 1), [each.size for each in taken])
    place = np.concatenate(taken)
    return {"participant": participant, **{name: observed[name][place] for name in names}}


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
