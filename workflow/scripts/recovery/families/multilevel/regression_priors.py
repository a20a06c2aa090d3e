"""The priors of a regression: their keys, and the data of its programs.

A prior's classes are `Intercept`, `b`, `sd`, `cor` and the outcome's parameters. `Intercept` is for
the population's intercept at the means of the columns of the design matrix, as in brms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from recovery.families.family import Columns
from recovery.families.multilevel.layout import INTERCEPT, Layout
from recovery.families.priors import (
    CORRELATIONS,
    LKJ,
    Bounded,
    NamedPriors,
    PriorKey,
    WeightedSum,
    prior_type,
    program_data,
    weighted_sum,
)

_COEFFICIENT = PriorKey("normal(0, 1)")
_SD = PriorKey("exponential(1)")
_COR = PriorKey("lkj(2)", CORRELATIONS)


def type_of(
    layout: Layout, outcome: Mapping[str, tuple[str, PriorKey]], low: Mapping[str, float]
) -> type[NamedPriors]:
    """Return the type of a prior of a regression.

    Parameters
    ----------
    outcome : mapping
        Parameters of the outcome -> their class, and what it may be.
    low : mapping
        Lower bounds of the outcome's parameters.
    """
    keys: dict[str, tuple[str, ...]] = {}
    allowed: dict[str, PriorKey] = {}
    for name in layout.coefficients:
        centred_one = name == INTERCEPT and layout.centred
        keys[f"b_{name}"] = (INTERCEPT,) if centred_one else (f"b_{name}", "b")
        allowed |= dict.fromkeys(keys[f"b_{name}"], _COEFFICIENT)
    for block in layout.blocks:
        for sd in block.sd:
            keys[sd] = (sd, f"sd_{block.factor}", "sd")
            allowed |= dict.fromkeys(keys[sd], _SD)
        for cor in block.cor:
            keys[cor] = (f"cor_{block.factor}", "cor")
            allowed |= dict.fromkeys(keys[cor], _COR)
    for parameter, (key, kind) in outcome.items():
        keys[parameter], allowed[key] = (key,), kind
    at_means = [name for name, each in keys.items() if each == (INTERCEPT,)]
    centred = layout.centred and len(set(layout.coefficients) - {INTERCEPT}) > 0
    bounds = dict.fromkeys(layout.sd, 0.0) | dict(low)
    return prior_type(keys, allowed, bounds, at_means if centred else ())


def lkj(prior: NamedPriors, correlation: str) -> LKJ:
    """Return the prior of the correlation matrix that a correlation is in."""
    found = prior.of(correlation)
    assert isinstance(found, LKJ)
    return found


def stan_data(
    layout: Layout,
    outcome: Sequence[Bounded],
    prior: NamedPriors,
    pooling: str,
    n_groups: Sequence[int],
) -> dict[str, Any]:
    """Return the priors of a program's parameters as its data.

    The parameters are the population's coefficients, in `unpooled` those of every group instead,
    then the groups' standard deviations, then the outcome's own.
    """
    parameters = [prior.bounded(name) for name in layout.b]
    if pooling == "none":
        parameters *= n_groups[0]
    if pooling == "partial":
        parameters += [prior.bounded(name) for name in layout.sd]
    shapes = [] if pooling == "complete" else _partial_shapes(layout, prior)
    return {**program_data([*parameters, *outcome]), "partial_shape": shapes}


def weighted_sum_of(
    layout: Layout,
    prior: NamedPriors,
    weights: Mapping[str, float],
    columns: Columns,
    pooling: str,
) -> WeightedSum:
    """Return a weighted sum of coefficients as one of a program's parameters.

    The intercept's prior is at the means of predictors, so that the intercept is a sum too. In
    `unpooled` a coefficient is the mean of those of all groups.
    """
    own = np.array([weights.get(name, 0.0) for name in layout.b])
    own = own - own[0] * layout.column_means(columns)
    priors = [prior.bounded(name) for name in layout.b]
    if pooling == "none":
        n_groups = len(layout.blocks[0].groups(columns)[0])
        own, priors = np.tile(own / n_groups, n_groups), priors * n_groups
    return weighted_sum(priors, own)


def _partial_shapes(layout: Layout, prior: NamedPriors) -> list[float]:
    """Return the shapes of the beta distributions of partial correlations, scaled to (0, 1).

    Under LKJ's distribution with shape eta, the partial correlation of coefficient i of Q with
    coefficient j < i, given those before j, has the shape eta + (Q - 1 - j) / 2.

    References
    ----------
    Lewandowski, Kurowicka & Joe (2009), doi:10.1016/j.jmva.2009.04.008, section 2.4.
    """
    return [
        lkj(prior, block.cor[0]).arguments[0] + (len(block.coefficients) - 1 - j) / 2
        for block in layout.blocks
        if block.pairs
        for i in range(2, len(block.coefficients) + 1)
        for j in range(1, i)
    ]
