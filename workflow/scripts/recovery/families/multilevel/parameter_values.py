"""Values of a regression's parameters: drawn from a prior, estimated, or those of a truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from recovery.families.correlations import draw_correlation
from recovery.families.family import Fields, Values
from recovery.families.multilevel.layout import Block, Layout
from recovery.families.multilevel.named_priors import NamedPriors
from recovery.families.multilevel.outcome import Outcome
from recovery.families.multilevel.parameter_types import correlation_of


def drawn(
    layout: Layout, outcome: Outcome, prior: NamedPriors, rng: np.random.Generator
) -> dict[str, Any]:
    """Return the fields of a truth, drawn from a prior."""
    means, sds_of_b = prior.arguments([*layout.b]) if layout.b else ((), ())
    b = dict(zip(layout.coefficients, rng.normal(means, sds_of_b).tolist(), strict=True))
    sds, omegas = [], []
    for block in layout.blocks:
        sds.append([rng.exponential(1 / prior.of(name).arguments[0]) for name in block.sd])
        eta = prior.of(block.cor[0]).arguments[0] if block.pairs else None
        size = len(block.coefficients)
        omegas.append(np.eye(size) if eta is None else draw_correlation(size, eta, rng))
    return _fields(layout, b, sds, omegas) | outcome.draw(prior, rng)


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

    For a correlation of Q coefficients, (rho + 1) / 2 ~ beta(a, a) with a = eta - 1 + Q / 2.
    """
    known = {name: prior.of(name).arguments[1] for name in layout.b}
    known |= {name: 1 / prior.of(name).arguments[0] for name in layout.sd}
    for block in layout.blocks:
        for name in block.cor:
            shape = prior.of(name).arguments[0] - 1 + len(block.coefficients) / 2
            known[name] = float(1 / np.sqrt(2 * shape + 1))
    return known | outcome.prior_sd(prior)


def partial_shapes(layout: Layout, prior: NamedPriors) -> list[float]:
    """Return the shapes of the beta distributions of partial correlations, scaled to (0, 1).

    Under LKJ's distribution with shape eta, the partial correlation of coefficient i of Q with
    coefficient j < i, given those before j, has the shape eta + (Q - 1 - j) / 2.

    References
    ----------
    Lewandowski, Kurowicka & Joe (2009), doi:10.1016/j.jmva.2009.04.008, section 2.4.
    """
    return [
        prior.of(block.cor[0]).arguments[0] + (len(block.coefficients) - 1 - j) / 2
        for block in layout.blocks
        if block.pairs
        for i in range(2, len(block.coefficients) + 1)
        for j in range(1, i)
    ]


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
