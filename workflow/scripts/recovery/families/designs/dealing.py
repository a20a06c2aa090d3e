"""The levels of factors that groups, or pairs of a participant and a group, are dealt."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from itertools import product

import numpy as np

from recovery.families.designs.grouping_factors import PARTICIPANT
from recovery.families.designs.typed_design import Design
from recovery.families.designs.variables import Factor


def number_of_cells(factors: Mapping[str, Factor]) -> int:
    """Return the number of combinations of levels."""
    return math.prod(len(factor.levels) for factor in factors.values())


def between_cells(factors: Mapping[str, Factor], number: int) -> np.ndarray:
    """Return the combination of levels of every group, for factors between the same groups.

    Group g gets the cell with the largest deficit, share * g - count so far, the first of
    several. The first groups have the same cells whatever the number of groups.

    Parameters
    ----------
    factors : mapping
        Name -> Factor; the levels of the first vary slowest over the cells.
    number : int
        Number of groups.

    Returns
    -------
    ndarray of int, shape (number,)
        Cells from 0.
    """
    weights = _weights(factors)
    total = sum(weights)
    counts = [0] * len(weights)
    cells: list[int] = []
    for group in range(1, min(number, total) + 1):
        deficits = [weight * group - total * n for weight, n in zip(weights, counts, strict=True)]
        cell = deficits.index(max(deficits))
        counts[cell] += 1
        cells.append(cell)
    # After `total` groups every cell has its share exactly, and all deficits are 0 again.
    return np.resize(np.array(cells, dtype=int), number)


def _weights(factors: Mapping[str, Factor]) -> list[int]:
    """The shares of all cells as the smallest integers in their ratio.

    Shares are taken as the decimals that are written: ties do not depend on rounding.
    """
    shares = [
        [Fraction(1, len(factor.levels))] * len(factor.levels)
        if factor.shares is None
        else [Fraction(repr(share)) for share in factor.shares]
        for factor in factors.values()
    ]
    of_cells = [math.prod(cell) for cell in product(*shares)]
    denominator = math.lcm(*(Fraction(share).denominator for share in of_cells))
    weights = [int(share * denominator) for share in of_cells]
    divisor = math.gcd(*weights)
    return [weight // divisor for weight in weights]


def levels_of_cells(factors: Mapping[str, Factor], cells: np.ndarray) -> dict[str, np.ndarray]:
    """Return the level of every factor, from 1, in combinations of levels."""
    if not factors:
        return {}
    shape = [len(factor.levels) for factor in factors.values()]
    levels = np.unravel_index(cells, shape)
    return {name: level + 1 for name, level in zip(factors, levels, strict=True)}


def between_levels(
    design: Design, counts: Mapping[str, int], groups: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the levels of all `between` factors in combinations of groups."""
    levels = {}
    for group, number in counts.items():
        factors = design.between(group)
        dealt = levels_of_cells(factors, between_cells(factors, number))
        levels.update({name: level[groups[group] - 1] for name, level in dealt.items()})
    return levels


def latin_levels(
    design: Design, counts: Mapping[str, int], groups: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the levels of all `latin` factors in combinations of groups.

    A cell is a combination of the levels of all `latin: item` factors. Participant p meets item i
    in the cell

        (rank of p among the participants of its own between-participant cell
         + rank of i among the items of its own between-item cell) mod number of cells,

    with ranks from 0. Items of one between-item cell therefore go through all cells in every
    participant, and participants of one between-participant cell in every item, so that no level
    is confounded with participants or items, or with their groups.
    """
    levels = {}
    participants = ranks(between_cells(design.between(PARTICIPANT), counts[PARTICIPANT]))
    for group in design.groups:
        factors = design.latin(group)
        items = ranks(between_cells(design.between(group), counts[group]))
        sums = participants[groups[PARTICIPANT] - 1] + items[groups[group] - 1]
        levels.update(levels_of_cells(factors, sums % number_of_cells(factors)))
    return levels


def ranks(cells: np.ndarray) -> np.ndarray:
    """Return the rank of every group among those of its cell, from 0."""
    result = np.empty(cells.size, dtype=int)
    for cell in np.unique(cells):
        members = cells == cell
        result[members] = np.arange(members.sum())
    return result
