"""Check that a scenario has enough groups and observations for its design."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recovery.families.designs.dealing import between_cells, number_of_cells
from recovery.families.designs.grouping_factors import PARTICIPANT, group_counts, group_positions
from recovery.families.designs.typed_design import Design
from recovery.families.designs.variables import Factor


def check_sizes(
    design: Design,
    participants: int,
    sizes: Mapping[str, int],
    observations: int | None = None,
) -> None:
    """Raise ValueError if a level has no group, or a covariate cannot vary.

    Parameters
    ----------
    design : Design
    participants : int
    sizes : mapping
        Number of groups of every grouping factor that is not nested.
    observations : int, optional
        Rows of each combination of groups and levels; covariates over the observations of a
        combination are checked only if it is given.
    """
    counts = group_counts(design.groups, participants, sizes)
    for group, number in counts.items():
        _check_between(design, group, number)
        _check_latin(design, group, number)
    _check_covariates(design, counts, observations)


def _check_between(design: Design, group: str, number: int) -> None:
    """Every combination of levels must have a group."""
    factors = design.between(group)
    cells = number_of_cells(factors)
    if number < cells:
        raise ValueError(f"{_levels(factors)}, but {_there_are(number, group)}")
    if np.unique(between_cells(factors, number)).size < cells:
        raise ValueError(
            f"{_levels(factors)}, and one has a share so small that it gets none: "
            f"{_there_are(number, group)}"
        )


def _check_latin(design: Design, group: str, number: int) -> None:
    """Every participant must meet every combination of levels."""
    factors = design.latin(group)
    between = between_cells(design.between(group), number)
    if factors and np.bincount(between).max() < number_of_cells(factors):
        alike = f" with the same {' and '.join(design.between(group))}" if between.any() else ""
        most = int(np.bincount(between).max())
        raise ValueError(f"{_levels(factors)}, but {_there_are(most, group)}{alike}")


def _check_covariates(design: Design, counts: Mapping[str, int], observations: int | None) -> None:
    for name, covariate in design.covariates.items():
        group = covariate.between
        if group and counts[group] < 2:
            raise ValueError(f"{name} cannot vary, because {_there_are(counts[group], group)}")
        if not (covariate.sequence or covariate.values):
            continue
        if group and group_positions(design.groups, counts, group).max() == 0:
            parent = design.groups[group]
            assert parent is not None  # else there is one group, which is refused above
            raise ValueError(f"{name} cannot vary, because each {parent.in_} has one {group}")
        if not group and observations == 1:
            raise ValueError(
                f"{name} cannot vary, because each combination of groups and levels has "
                "1 observation"
            )


def _levels(factors: Mapping[str, Factor]) -> str:
    cells = number_of_cells(factors)
    if len(factors) == 1:
        return f"{next(iter(factors))} has {cells} levels"
    return f"{' and '.join(factors)} have {cells} combinations of levels"


def _there_are(number: int, group: str) -> str:
    if number == 1:
        return f"there is 1 {group}"
    return f"there are {number} {'participants' if group == PARTICIPANT else f'groups of {group}'}"
