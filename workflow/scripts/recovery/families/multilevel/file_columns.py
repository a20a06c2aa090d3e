"""Columns of a CSV file as a design describes them: groups, factors and numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from recovery.families import observed_data
from recovery.families.designs import Design
from recovery.families.designs.grouping_factors import PARTICIPANT, ancestors
from recovery.families.family import Columns


def read(
    design: Design, table: Mapping, source: Mapping[str, str], scaled: Collection[str] = ()
) -> Columns:
    """Return columns of a family from those of a file; ValueError if a cell is wrong.

    Parameters
    ----------
    table : mapping
        Column of the file -> cells as text.
    source : mapping
        Column of the family -> that of the file.
    scaled : collection of str
        Columns that get mean 0 and standard deviation 1.
    """
    columns: Columns = {}
    for name, column in source.items():
        if name in design.grouping_factors:
            within = [source[each] for each in ancestors(design.groups, name)]
            columns[name] = observed_data.groups(table, column, name == PARTICIPANT, within)
        elif name in design.factors:
            columns[name] = observed_data.levels(table, column, design.factors[name].levels)
        else:
            columns[name] = observed_data.numbers(table, column)
            if name in scaled:
                columns[name] = observed_data.standardized(columns[name], column)
    return columns
