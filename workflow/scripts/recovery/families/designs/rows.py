"""The rows of a simulated dataset: its groups and predictors, without the outcome."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recovery.families.designs.covariate_values import covariate_values
from recovery.families.designs.dealing import between_levels, latin_levels, number_of_cells
from recovery.families.designs.grouping_factors import (
    combinations,
    group_counts,
    number_of_combinations,
)
from recovery.families.designs.missing_rows import observed_rows
from recovery.families.designs.typed_design import Design


def number_of_rows(
    design: Design, participants: int, sizes: Mapping[str, int], observations: int
) -> int:
    """Return the number of rows of a dataset before rows go missing, without making them.

    Parameters are those of `simulate_rows`.
    """
    counts = group_counts(design.groups, participants, sizes)
    cells = number_of_cells(design.crossed)
    return number_of_combinations(design.groups, counts) * cells * observations


def simulate_rows(
    design: Design,
    participants: int,
    sizes: Mapping[str, int],
    observations: int,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Return the groups and predictors of every row of a dataset.

    Rows are all combinations of groups, participants slowest, times all combinations of the
    levels of crossed factors, times `observations`.

    Parameters
    ----------
    design : Design
    participants : int
    sizes : mapping
        Number of groups of every grouping factor that is not nested.
    observations : int
        Rows of each combination of groups and levels.
    rng : numpy.random.Generator
        Draws covariates in the order of the design, then missing rows.

    Returns
    -------
    dict
        Grouping factors and factors as integers from 1, covariates as floats; the grouping
        factors first, then the variables in the order of the design.

    Raises
    ------
    ValueError
        If `sizes` has other names than the grouping factors that are not nested.
    """
    counts = group_counts(design.groups, participants, sizes)
    groups = combinations(design.groups, counts)
    shape = (
        next(iter(groups.values())).size,
        *(len(factor.levels) for factor in design.crossed.values()),
        observations,
    )
    combination, *crossed, observation = np.unravel_index(np.arange(np.prod(shape)), shape)
    dealt = between_levels(design, counts, groups) | latin_levels(design, counts, groups)
    group_columns = {name: values[combination] for name, values in groups.items()}
    variables = {
        **{name: levels[combination] for name, levels in dealt.items()},
        **{name: level + 1 for name, level in zip(design.crossed, crossed, strict=True)},
        **covariate_values(design, counts, group_columns, observation, rng),
    }
    columns = group_columns | {name: variables[name] for name in design.variables}
    if design.missing is None:
        return columns
    observed = observed_rows(design.missing, columns, design.grouping_factors, rng)
    return {name: values[observed] for name, values in columns.items()}
