"""The values of covariates: drawn at random, or fixed in a sequence."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recovery.families.designs.correlated_covariates import (
    Covariates,
    correlation_matrix,
    drawn_together,
)
from recovery.families.designs.grouping_factors import group_positions
from recovery.families.designs.typed_design import Design
from recovery.families.designs.variables import Covariate


def covariate_values(
    design: Design,
    counts: Mapping[str, int],
    groups: Mapping[str, np.ndarray],
    observation: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Return the covariates of every row.

    Random ones are drawn in the order of the design; correlated ones when the first is due.

    Parameters
    ----------
    design : Design
    counts : mapping
        Grouping factor -> number of groups.
    groups : mapping
        Grouping factor -> group of every row.
    observation : ndarray of int, shape (n_rows,)
        Position of the row in its combination of groups and levels, from 0.
    rng : numpy.random.Generator

    Returns
    -------
    dict
        Name -> values, shape (n_rows,).
    """
    units: dict[str, np.ndarray] = {}
    for name, covariate in design.covariates.items():
        if name in units:
            continue
        group = covariate.between
        if covariate.sequence or covariate.values:
            position = group_positions(design.groups, counts, group) if group else observation
            units[name] = _fixed(covariate, position)
        else:
            number = counts[group] if group else observation.size
            units.update(_drawn(design.covariates, name, number, rng))
    return {
        name: units[name][groups[each.between] - 1] if each.between else units[name]
        for name, each in design.covariates.items()
    }


def _fixed(covariate: Covariate, position: np.ndarray) -> np.ndarray:
    if covariate.sequence:
        first, step = covariate.sequence
        return first + step * position
    values = np.array(covariate.values)
    return values[position % values.size]


def _drawn(
    covariates: Covariates, name: str, number: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Values of a random covariate and of those that are drawn together with it."""
    covariate = covariates[name]
    if covariate.uniform:
        low, high = covariate.uniform
        return {name: rng.uniform(low, high, size=number)}
    if covariate.bernoulli is not None:
        return {name: (rng.random(number) < covariate.bernoulli).astype(float)}
    names = drawn_together(covariates, name)
    factor = np.linalg.cholesky(correlation_matrix(covariates, names))
    standard = rng.standard_normal((number, len(names))) @ factor.T
    return {
        each: _scaled(covariates[each], values)
        for each, values in zip(names, standard.T, strict=True)
    }


def _scaled(covariate: Covariate, standard: np.ndarray) -> np.ndarray:
    assert covariate.normal is not None  # uniform and Bernoulli covariates are drawn above
    mean, sd = covariate.normal
    return mean + sd * standard
