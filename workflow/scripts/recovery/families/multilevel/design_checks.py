"""Checks that a dataset can tell the coefficients of a formula apart."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from recovery.families.designs import Design
from recovery.families.family import Columns
from recovery.families.multilevel.layout import Layout

DEPENDENT = 1e-10  # of a column's length, that is left after the columns before it


def check_rows(layout: Layout, design: Design, columns: Columns, source: Mapping[str, str]) -> None:
    """Raise ValueError if the rows of a file do not fit the design or the formula.

    `source` is that of `refuse_contradictions`.
    """
    refuse_contradictions(design, columns, source)
    refuse_not_told_apart(layout, columns)
    layout.offset(columns)  # refuses, for example, the logarithm of 0


def refuse_not_told_apart(layout: Layout, columns: Columns) -> None:
    """Raise ValueError if a dataset cannot tell all coefficients apart."""
    _refuse_few(layout, columns)
    _refuse_same_groups(layout, columns)
    _refuse_dependent(layout, columns)


def _refuse_few(layout: Layout, columns: Columns) -> None:
    """Raise ValueError if groups have more coefficients than there are groups."""
    for block in layout.blocks:
        groups, _ = block.groups(columns)
        number = len(block.coefficients)
        if len(groups) < max(2, number):
            raise ValueError(
                f"{block.factor} has {len(groups)} {'group' if len(groups) == 1 else 'groups'}, "
                f"must have at least {max(2, number)}: {number} "
                f"{'coefficient varies' if number == 1 else 'coefficients vary'} by it"
            )


def _refuse_same_groups(layout: Layout, columns: Columns) -> None:
    """Raise ValueError if a coefficient varies by two factors that have the same groups."""
    for one, other in combinations(layout.blocks, 2):
        shared = [name for name in one.coefficients if name in other.coefficients]
        if not shared or one.factor == other.factor:
            continue
        indices = [block.groups(columns)[1] for block in (one, other)]
        pairs = np.unique(np.column_stack(indices), axis=0)
        if len(pairs) == indices[0].max() + 1 == indices[1].max() + 1:
            raise ValueError(
                f"{shared[0]} varies by {one.factor} and by {other.factor}, whose groups are the "
                "same; must vary by one of them"
            )


def _refuse_dependent(layout: Layout, columns: Columns) -> None:
    """Raise ValueError if the columns of the population's design matrix depend on one another."""
    matrix = layout.population(columns)
    largest = np.abs(matrix).max(axis=0)
    rest = matrix / np.where(largest == 0, 1.0, largest)  # its squares do not overflow
    rest /= np.where(largest == 0, 1.0, np.linalg.norm(rest, axis=0))
    for place, name in enumerate(layout.population.names):
        length = np.linalg.norm(rest[:, place])
        if length <= DEPENDENT:
            raise ValueError(
                f"the coefficient {name} cannot be told from those before it: its column of the "
                "design matrix is 0, or depends on theirs"
            )
        direction = rest[:, place] / length
        rest[:, place + 1 :] -= np.outer(direction, direction @ rest[:, place + 1 :])


def refuse_contradictions(design: Design, columns: Columns, source: Mapping[str, str]) -> None:
    """Raise ValueError if observed variables do not vary as the design says.

    Parameters
    ----------
    source : mapping
        Column of the family -> that of the file.
    """
    for name, variable in design.variables.items():
        if name not in columns:
            continue
        group = variable.between
        if group and (odd := _first_varying(columns[name], columns[group])) is not None:
            raise ValueError(
                f"column {source[name]!r} must be the same in all rows of a {group} "
                f"(between: {group}), varies in {group} number {odd}"
            )
        for group in getattr(variable, "within", ()):
            if _first_varying(columns[name], columns[group]) is None:
                raise ValueError(
                    f"column {source[name]!r} must vary within each {group} (within: {group}), is "
                    f"the same in all rows of every {group}"
                )


def _first_varying(values: np.ndarray, groups: np.ndarray) -> int | None:
    """The number of the first group in which values vary; None if they do in none."""
    order = np.lexsort([values, groups])
    same_group = np.diff(groups[order]) == 0
    changes = same_group & (np.diff(values[order]) != 0)
    return int(groups[order][1:][changes][0]) if changes.any() else None
