"""Correlations of normal covariates: their pairs, and the covariates that are drawn jointly."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recovery.common.errors import listed
from recovery.families.designs.collected_faults import Faults, unknown
from recovery.families.designs.variables import Covariate

SMALLEST_EIGENVALUE = 1e-10  # of a correlation matrix that is not singular up to rounding

Covariates = Mapping[str, Covariate]


def with_correlations_once(covariates: Covariates, faults: Faults) -> dict[str, Covariate]:
    """Return covariates with each correlation at the later of its two, and add faults."""
    pairs: dict[tuple[str, str], float] = {}
    order = list(covariates)
    for name, covariate in covariates.items():
        for other, correlation in covariate.correlated.items():
            place = ("design", name, "correlated", other)
            if message := _unmet(name, other, covariates):
                faults.add(place, message)
                continue
            first, second = sorted((name, other), key=order.index)
            if pairs.setdefault((second, first), correlation) != correlation:
                faults.add(place, f"got {correlation} here and {pairs[second, first]} at {other}")
    once = {
        name: each.model_copy(update={"correlated": _of(name, pairs, order)})
        for name, each in covariates.items()
    }
    _check_definite(once, faults)
    return once


def _unmet(name: str, other: str, covariates: Covariates) -> str | None:
    """What a covariate must be to be correlated with another; None if it is so."""
    if other == name:
        return f"got {name} itself, must be another covariate"
    if other not in covariates:
        return unknown(other, [each for each in covariates if each != name])
    if covariates[other].normal is None:
        return f"got {other}, which is not normal, must be a normal covariate"
    here, there = (covariates[each].between or "rows" for each in (name, other))
    if here != there:
        return f"got {other}, which is drawn for {there}, must be drawn for {here} as {name} is"
    return None


def _of(name: str, pairs: Mapping[tuple[str, str], float], order: list[str]) -> dict[str, float]:
    return {other: pairs[name, other] for other in order if pairs.get((name, other))}


def _check_definite(covariates: Covariates, faults: Faults) -> None:
    checked: set[str] = set()
    for name in covariates:
        joint = drawn_together(covariates, name)
        if name in checked or len(joint) == 1:
            continue
        checked.update(joint)
        if np.linalg.eigvalsh(correlation_matrix(covariates, joint)).min() < SMALLEST_EIGENVALUE:
            faults.add(
                ("design", joint[-1], "correlated"),
                f"the correlations of {listed(joint)} must be a positive definite matrix; "
                "a pair that is not named has a correlation of 0",
            )


def drawn_together(covariates: Covariates, name: str) -> list[str]:
    """Return a covariate and all that it is correlated with, directly or through others."""
    joint = {name}
    while True:
        linked = {
            end
            for later, covariate in covariates.items()
            for earlier in covariate.correlated
            if {later, earlier} & joint
            for end in (later, earlier)
        }
        if linked <= joint:
            return [each for each in covariates if each in joint]
        joint |= linked


def correlation_matrix(covariates: Covariates, names: list[str]) -> np.ndarray:
    """Return the correlations of some covariates, shape (n_names, n_names)."""
    matrix = np.eye(len(names))
    for row, name in enumerate(names):
        for column, other in enumerate(names):
            if other in covariates[name].correlated:
                matrix[row, column] = matrix[column, row] = covariates[name].correlated[other]
    return matrix
