"""Truths by the means of cells: the coefficients of factors follow from their codings."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from recovery.common.errors import PlacedError, shown
from recovery.families.formulas import DesignMatrix
from recovery.families.multilevel.layout import Layout

DIGITS = 12  # after the point, of coefficients
LARGEST = sys.float_info.max
ROUNDING = 1e-8  # relative, of means that follow a formula


def coefficients(
    layout: Layout, means: Mapping[str, Any], others: Mapping[str, float]
) -> dict[str, float]:
    """Return the population's coefficients, given the means of the cells.

    Parameters
    ----------
    means : mapping
        Level -> mean, nested for several factors in the order of the design: those of the
        formula's terms.
    others : mapping
        The coefficients of terms that have a covariate, whose values are 0 in the means.

    Raises
    ------
    ValueError
        If a cell is missing or unknown, the formula cannot have these means, or a coefficient is
        missing or given twice.
    """
    if not layout.intercept:
        raise PlacedError(("means",), "must not be given, thresholds replace the intercept")
    _refuse_functions(layout)
    factors, matrix = _factors(layout), _without_covariates(layout)
    needed = [name for name in layout.coefficients if name not in matrix.names]
    if lacking := [name for name in needed if name not in others]:
        raise PlacedError(("b",), f"must have {', '.join(map(repr, lacking))} too")
    if double := [name for name in others if name in matrix.names]:
        raise PlacedError(("b", double[0]), "must not be given with `means`, it follows from them")
    levels = [layout.codings[name].levels for name in factors]
    values = np.array(list(_values(means, levels, ("means",))))
    cells = np.array(list(product(*(range(1, len(each) + 1) for each in levels))))
    rows = {name: cells[:, place] for place, name in enumerate(factors)}
    x = matrix({"participant": np.arange(len(values)), **rows})
    found, *_ = np.linalg.lstsq(x, values, rcond=None)
    if not np.allclose(x @ found, values, rtol=ROUNDING, atol=ROUNDING):
        raise PlacedError(
            ("means",), "the formula cannot have these means, it lacks an interaction"
        )
    rounded = [round(value, DIGITS) for value in found.tolist()]
    by_name = dict(zip(matrix.names, rounded, strict=True)) | dict(others)
    return {name: by_name[name] for name in layout.coefficients}


def _factors(layout: Layout) -> list[str]:
    """The factors of the population's terms, in the order of the design."""
    used = {name for term in layout.formula.population for atom in term for name in atom.variables}
    return [name for name in layout.design.factors if name in used]


def _refuse_functions(layout: Layout) -> None:
    """Raise PlacedError if a function of a covariate is not 0 where the covariate is 0."""
    for term in layout.formula.population:
        for atom in term:
            if atom.is_column or atom.depends_on_all_rows:
                continue
            try:
                zeros = {name: np.zeros(1) for name in atom.variables}
                at_zero = bool(atom.values(zeros).any())
            except ValueError:  # the logarithm of 0
                at_zero = True
            if at_zero:
                raise PlacedError(
                    ("means",),
                    f"must not be given with {atom.text}, which is not 0 where its variable is 0; "
                    "give b",
                )


def _without_covariates(layout: Layout) -> DesignMatrix:
    """The design matrix of the population's terms that have no covariate."""
    terms = [
        term
        for term in layout.formula.population
        if all(name in layout.codings for atom in term for name in atom.variables)
    ]
    return DesignMatrix(terms, layout.codings)


def _values(means: Any, levels: Sequence[Sequence[str]], place: tuple[str, ...]) -> Iterator[float]:
    """The means of all cells, the last factor's levels fastest."""
    if not levels:
        number = isinstance(means, int | float) and not isinstance(means, bool)
        if not number or not -LARGEST <= means <= LARGEST:
            raise PlacedError(place, f"got {shown(means)}, must be a number")
        yield float(means)
        return
    if not isinstance(means, Mapping) or set(means) != set(levels[0]):
        got = list(means) if isinstance(means, Mapping) else means
        wanted = ", ".join(levels[0])
        raise PlacedError(place, f"got {shown(got)}, must have the levels {wanted}")
    for level in levels[0]:
        yield from _values(means[level], levels[1:], (*place, level))
