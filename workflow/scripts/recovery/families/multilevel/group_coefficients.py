"""Groups' coefficients in a dataset: their names, and which of them every row has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recovery.families.family import Columns
from recovery.families.multilevel.layout import INTERCEPT, Block, Layout
from recovery.families.priors import NamedPriors


@dataclass(frozen=True)
class Term:
    """Coefficients that are correlated with one another, in the groups of a dataset.

    Parameters
    ----------
    names : list of list of str
        Deviations of every group, a list for every coefficient.
    index : ndarray, shape (n_rows,)
        The group of every row, from 0.
    z : ndarray, shape (n_rows, Q)
        Predictors.
    """

    names: list[list[str]]
    index: np.ndarray
    z: np.ndarray

    @property
    def in_order(self) -> list[str]:
        """The names group by group, as programs have them."""
        return [name for group in zip(*self.names, strict=True) for name in group]


def terms(layout: Layout, columns: Columns) -> Iterator[Term]:
    """Yield the terms of a dataset, in the order of programs."""
    for block in layout.blocks:
        groups, index = block.groups(columns)
        names, z = block.deviations(groups), block.matrix(columns)
        start = 0
        for size in block.sizes:
            yield Term(names[start : start + size], index, z[:, start : start + size])
            start += size


def names_in_order(layout: Layout, columns: Columns) -> list[str]:
    """Return the names of all groups' deviations in a dataset, in the order of programs."""
    return [name for term in terms(layout, columns) for name in term.in_order]


def stan_data(layout: Layout, columns: Columns, pooled: bool) -> dict[str, Any]:
    """Return the data of programs about groups' coefficients; `pooled` has none."""
    found = [] if pooled else list(terms(layout, columns))
    n_rows = len(columns["participant"])
    places, first = [], 1
    for term in found:
        size = len(term.names)
        places += [first + term.index * size + q for q in range(size)]
        first += size * len(term.names[0])
    sizes = [len(term.names) for term in found]
    return {
        "T": len(found),
        "Q": sizes,
        "J": [len(term.names[0]) for term in found],
        "M": sum(sizes),
        "P": sum(size * (size - 1) // 2 for size in sizes),
        "R": first - 1,
        "Z": np.column_stack([np.empty((n_rows, 0)), *(term.z for term in found)]),
        "place": np.array(places, dtype=int).reshape(-1, n_rows),
        "centre": [] if pooled else list(layout.centre),
        "F": 0 if pooled else len(layout.fixed),
        "fixed": [] if pooled else list(layout.fixed),
    }


def draw(
    block: Block, sds: np.ndarray, omega: np.ndarray, columns: Columns, rng: np.random.Generator
) -> dict[str, float]:
    """Draw the deviations of a block's groups, given standard deviations and correlations."""
    groups, _ = block.groups(columns)
    scale = sds[:, None] * np.linalg.cholesky(omega)
    deviations = rng.normal(size=(len(groups), len(sds))) @ scale.T
    return {
        name: value
        for names, values in zip(block.deviations(groups), deviations.T.tolist(), strict=True)
        for name, value in zip(names, values, strict=True)
    }


def draw_separate(
    layout: Layout, prior: NamedPriors, columns: Columns, rng: np.random.Generator
) -> dict[str, float]:
    """Draw the coefficients of every group from the prior of b; b is their mean.

    Returns
    -------
    dict
        b, the groups' deviations from it, and the standard deviations and correlations of the
        coefficients in these groups.
    """
    (block,) = layout.blocks
    names = block.deviations(block.groups(columns)[0])
    drawn = np.array([[prior.bounded(b).draw(rng) for _ in names[0]] for b in layout.b])
    if layout.coefficients[0] == INTERCEPT:
        drawn[0] -= layout.column_means(columns) @ drawn
    same = np.ptp(drawn, axis=1) == 0  # constants; a mean would round them
    means = np.where(same, drawn[:, 0], drawn.mean(axis=1))
    sds = np.where(same, 0.0, drawn.std(axis=1))
    deviations = (drawn - means[:, None]).tolist()
    values = dict(zip(layout.b, means.tolist(), strict=True))
    for members, some in zip(names, deviations, strict=True):
        values |= dict(zip(members, some, strict=True))
    with np.errstate(invalid="ignore"):  # a coefficient that is the same in all groups
        omega = np.nan_to_num(np.corrcoef(drawn)) if block.pairs else np.eye(1)
    values |= dict(zip(block.sd, sds.tolist(), strict=True))
    return values | {name: float(omega[a, b]) for a, b, name in block.places}


def part_of_predictor(layout: Layout, values: Mapping[str, Any], columns: Columns) -> Any:
    """Return the groups' part of the linear predictor of every row.

    Shape (n_rows,), or (n_rows, n_draws) if values are arrays of draws; 0 if `values` has no
    groups' deviations.
    """
    total: Any = 0.0
    for term in terms(layout, columns):
        if term.names[0][0] not in values:
            return 0.0
        for names, z in zip(term.names, term.z.T, strict=True):
            deviations = np.array([values[name] for name in names])[term.index]
            total = total + deviations * z.reshape(-1, *(1,) * (deviations.ndim - 1))
    return total
