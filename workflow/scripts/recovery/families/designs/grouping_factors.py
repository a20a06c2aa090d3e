"""Grouping factors: participants, items, classes in schools; their groups and combinations."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter

from recovery.common.types import Count, Frozen, Text, Unique

PARTICIPANT = "participant"
MOST_GROUPS = 10_000_000  # of a grouping factor


class Nested(Frozen):
    """A grouping factor whose groups lie in the groups of another."""

    model_config = ConfigDict(serialize_by_alias=True)

    in_: Text = Field(alias="in")
    """The grouping factor that it is nested in."""
    each: Annotated[tuple[Count, ...], Field(min_length=1)]
    """Number of groups in each group of the other factor, which have them in turn."""


Groups = Mapping[str, Nested | None]
"""Grouping factor -> how it is nested; None if its number of groups varies by scenario."""

_COUNTS: TypeAdapter[tuple[int, ...]] = TypeAdapter(
    Annotated[tuple[Count, ...], Field(min_length=1), Unique]
)


def _counts_or_nested(value: Any) -> tuple[int, ...] | Nested:
    if isinstance(value, Mapping | Nested):
        return Nested.model_validate(value)
    return _COUNTS.validate_python(value)


GroupSize = Annotated[tuple[Count, ...] | Nested, BeforeValidator(_counts_or_nested)]
"""A value of the key `sizes`: numbers of groups that scenarios have, or how groups are nested."""


def ancestors(groups: Groups, name: str) -> Iterator[str]:
    """Yield the grouping factors that a factor is nested in, the nearest first."""
    while nested := groups.get(name):
        name = nested.in_
        yield name


def children(groups: Groups, name: str) -> list[str]:
    """Return the grouping factors that are nested in a factor directly."""
    return [child for child, nested in groups.items() if nested and nested.in_ == name]


def group_counts(groups: Groups, participants: int, sizes: Mapping[str, int]) -> dict[str, int]:
    """Return the number of groups of every grouping factor, participants first.

    Parameters
    ----------
    groups : mapping
        Of a Design.
    participants : int
    sizes : mapping
        Number of groups of every grouping factor that is not nested.

    Raises
    ------
    ValueError
        If `sizes` has other names than these, or there are more than 10,000,000 groups.
    """
    free = {name for name, nested in groups.items() if nested is None}
    if free != set(sizes):
        raise ValueError(f"got sizes of {sorted(sizes)}, must be of {sorted(free)}")
    known = {PARTICIPANT: participants, **sizes}

    def count(name: str) -> int:
        if name not in known:
            nested = groups[name]
            assert nested is not None  # else the number is in `sizes`
            known[name] = _total(nested.each, count(nested.in_))
            if known[name] > MOST_GROUPS:
                raise ValueError(f"{name} has {known[name]:,} groups, more than {MOST_GROUPS:,}")
        return known[name]

    return {name: count(name) for name in (PARTICIPANT, *groups)}


def _total(each: tuple[int, ...], parents: int) -> int:
    cycles, rest = divmod(parents, len(each))
    return cycles * sum(each) + sum(each[:rest])


def group_positions(groups: Groups, counts: Mapping[str, int], name: str) -> np.ndarray:
    """Return the position of every group, from 0; of a nested factor within its parent group."""
    nested = groups.get(name)
    if nested is None:
        return np.arange(counts[name])
    sizes = np.resize(nested.each, counts[nested.in_])
    return np.arange(counts[name]) - np.repeat(np.cumsum(sizes) - sizes, sizes)


def number_of_combinations(groups: Groups, counts: Mapping[str, int]) -> int:
    """Return the number of combinations of groups that exist, without making them."""
    roots = [name for name in counts if groups.get(name) is None]
    return math.prod(int(_combinations_within(groups, counts, root).sum()) for root in roots)


def _combinations_within(groups: Groups, counts: Mapping[str, int], name: str) -> np.ndarray:
    """Number of combinations of the factors nested in a factor, for each of its groups."""
    number = np.ones(counts[name], dtype=object)  # Python's integers do not overflow
    for child in children(groups, name):
        first = np.flatnonzero(group_positions(groups, counts, child) == 0)
        number = number * np.add.reduceat(_combinations_within(groups, counts, child), first)
    return number


def combinations(groups: Groups, counts: Mapping[str, int]) -> dict[str, np.ndarray]:
    """Return the groups of every combination, the first factor of `counts` slowest.

    Parameters
    ----------
    groups : mapping
        Of a Design.
    counts : mapping
        From `group_counts`.

    Returns
    -------
    dict
        Grouping factor -> numbers of groups from 1, shape (n_combinations,).
    """
    columns: dict[str, np.ndarray] = {}
    for name in sorted(counts, key=lambda name: len(list(ancestors(groups, name)))):
        first, number = _groups_to_meet(groups, counts, name, columns)
        columns = {other: np.repeat(values, number) for other, values in columns.items()}
        before = np.repeat(np.cumsum(number) - number, number)
        columns[name] = np.repeat(first, number) + np.arange(number.sum()) - before
    order = np.lexsort([columns[name] for name in reversed([*counts])])
    return {name: columns[name][order] for name in counts}


def _groups_to_meet(
    groups: Groups, counts: Mapping[str, int], name: str, columns: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The first group of a factor that each combination meets, and the number of groups."""
    nested = groups.get(name)
    if nested is None:
        so_far = next(iter(columns.values())).size if columns else 1
        return np.ones(so_far, dtype=int), np.full(so_far, counts[name])
    number = np.resize(nested.each, counts[nested.in_])
    parent = columns[nested.in_] - 1
    return (np.cumsum(number) - number + 1)[parent], number[parent]
