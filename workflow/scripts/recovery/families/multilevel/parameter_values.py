"""Values of a regression's parameters: drawn from a prior, estimated, or those of a truth."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np

from recovery.families.correlations import draw_correlation
from recovery.families.family import Columns, Fields, Values
from recovery.families.multilevel import regression_priors
from recovery.families.multilevel.layout import INTERCEPT, Block, Layout
from recovery.families.multilevel.outcome import Outcome
from recovery.families.multilevel.parameter_types import correlation_of
from recovery.families.priors import NamedPriors

MOST_PAIRS = 10  # of population coefficients, whose sums and differences calibration ranks


def drawn(
    layout: Layout,
    outcome: Outcome,
    prior: NamedPriors,
    columns: Columns,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Return the fields of a truth, drawn from a prior.

    The prior of the intercept is at the means of the dataset's predictors.
    """
    means = layout.column_means(columns)
    b = {name: prior.bounded(f"b_{name}").draw(rng) for name in layout.coefficients}
    shift = float(means @ np.array([*b.values()])) if b else 0.0
    if INTERCEPT in b:
        b[INTERCEPT] -= shift
    sds, omegas = [], []
    for block in layout.blocks:
        sds.append([prior.bounded(name).draw(rng) for name in block.sd])
        size = len(block.coefficients)
        shape = regression_priors.lkj(prior, block.cor[0]).arguments[0] if block.pairs else None
        omegas.append(np.eye(size) if shape is None else draw_correlation(size, shape, rng))
    return _fields(layout, b, sds, omegas) | outcome.draw(prior, shift, rng)


def estimated(layout: Layout, outcome: Outcome, means: Values) -> dict[str, Any]:
    """Return the fields of a truth with the posterior means of a fit."""
    b = {name: means[f"b_{name}"] for name in layout.coefficients}
    sds = [[means[name] for name in block.sd] for block in layout.blocks]
    omegas = [_correlations(block, means) for block in layout.blocks]
    return _fields(layout, b, sds, omegas) | outcome.truth_fields(means)


def of_truth(layout: Layout, outcome: Outcome, truth: Fields) -> Values:
    """Return the values of all population parameters in a truth."""
    values = {f"b_{name}": value for name, value in truth.coefficients.items()}
    for block in layout.blocks:
        values |= dict(zip(block.sd, truth.sds(block).tolist(), strict=True))
    for block in layout.blocks:
        omega = truth.correlations(block)
        values |= {name: float(omega[a, b]) for a, b, name in block.places}
    return values | outcome.values(truth)


def prior_sd(layout: Layout, outcome: Outcome, prior: NamedPriors) -> Values:
    """Return the known prior standard deviations of all population parameters.

    Where the prior of the intercept is at the means of predictors, the SD of the intercept itself
    depends on the dataset. Others have none: a flat prior, or one with too heavy tails.
    """
    known = {name: prior.bounded(name).moments()[1] for name in (*layout.b, *layout.sd)}
    at_zero = not layout.centred or not set(layout.coefficients) - {INTERCEPT}
    if not at_zero:
        known.pop(f"b_{INTERCEPT}", None)
    for block in layout.blocks:
        size = len(block.coefficients)
        for name in block.cor:
            known[name] = regression_priors.lkj(prior, name).correlation_sd(size)
    known |= outcome.prior_sd(prior, at_zero)
    return {name: sd for name, sd in known.items() if 0 < sd < np.inf}


def _correlations(block: Block, means: Values) -> np.ndarray:
    omega = np.eye(len(block.coefficients))
    for a, b, name in block.places:
        omega[a, b] = omega[b, a] = means[name]
    return omega


def _fields(
    layout: Layout, b: Mapping[str, float], sds: list[list[float]], omegas: list[np.ndarray]
) -> dict[str, Any]:
    """The fields of a truth for the standard deviations and correlations of every block."""
    sd: dict[str, dict[str, float]] = {}
    cor: dict[str, Any] = {}
    for block, deviations, omega in zip(layout.blocks, sds, omegas, strict=True):
        sd.setdefault(block.factor, {}).update(zip(block.coefficients, deviations, strict=True))
        if block.pairs:
            cor[block.factor] = correlation_of(omega)
    return {"b": b, **({"sd": sd} if sd else {}), **({"cor": cor} if cor else {})}


def sums_and_differences(layout: Layout, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the sums and differences of pairs of population coefficients."""
    found = {}
    pairs = combinations([name for name in layout.b if name in values], 2)
    for one, other in list(pairs)[:MOST_PAIRS]:
        found[f"{one} + {other}"] = values[one] + values[other]
        found[f"{one} - {other}"] = values[one] - values[other]
    return found
