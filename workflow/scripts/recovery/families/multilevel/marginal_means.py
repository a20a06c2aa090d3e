"""Marginal means of a regression: of the linear predictor, or of the outcome.

As in emmeans, factors that are not named have equal weights, covariates their mean, and offsets
are computed from these. Covariates have the mean of the design, not of a dataset: it is the same
in all replicates. Groups' deviations are 0, or integrated over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from recovery.families.designs import Covariate
from recovery.families.estimands import Combination, Estimand, Mean, Vocabulary, linear
from recovery.families.family import Columns
from recovery.families.multilevel.layout import Block, Layout
from recovery.families.multilevel.outcome import Outcome

MOST_CELLS = 10_000
DIGITS = 12  # after the point, of weights
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(51)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()  # of a standard normal variable


@dataclass(frozen=True)
class Row:
    """The predictors of a marginal mean.

    Parameters
    ----------
    x : ndarray, shape (K,)
        Of the population's coefficients.
    z : list of ndarray, each of shape (Q,)
        Of the coefficients of every block.
    offset : float
    """

    x: np.ndarray
    z: list[np.ndarray]
    offset: float


def row(layout: Layout, mean: Mean, rows: Columns | None) -> Row:
    """Return the predictors of a marginal mean: the mean over the cells that it has.

    Parameters
    ----------
    rows : mapping of str to ndarray, optional
        The groups and predictors of a design's file.

    Raises
    ------
    ValueError
        If the design gives no mean of a covariate, or a value depends on all rows of a dataset.
    """
    if part := layout.depends_on_all_rows:
        raise ValueError(
            f"mean(...): must not be given with {part} in the formula, whose columns depend on "
            "all rows of a dataset; write powers, as in I(x^2)"
        )
    cells = _cells(layout, dict(mean.at), rows)
    x = layout.design_matrix(cells).mean(axis=0)
    z = [block.matrix(cells).mean(axis=0) for block in layout.blocks]
    return Row(x, z, float(layout.offset(cells).mean()))


def _cells(layout: Layout, at: dict[str, str | float], rows: Columns | None) -> Columns:
    """The columns of all cells of a marginal mean."""
    choices: dict[str, list[float]] = {}
    for name in layout.formula.variables:
        if coding := layout.codings.get(name):
            levels = coding.levels
            chosen = [at[name]] if name in at else levels
            choices[name] = [levels.index(str(level)) + 1 for level in chosen]
        else:
            value = at[name] if name in at else _mean_of(layout, name, rows)
            choices[name] = [float(value)]
    number = int(np.prod([len(each) for each in choices.values()]))
    if number > MOST_CELLS:
        raise ValueError(f"mean(...): has {number:,} cells, must have at most {MOST_CELLS:,}")
    columns = dict(zip(choices, np.array(list(product(*choices.values()))).T, strict=True))
    return {"participant": np.ones(number, dtype=int), **columns}


def _mean_of(layout: Layout, name: str, rows: Columns | None) -> float:
    """The mean of a covariate of the design; ValueError if it depends on the sizes of a dataset."""
    if rows is not None:
        return float(np.mean(rows[name]))
    covariate = layout.design.variables[name]
    assert isinstance(covariate, Covariate)
    if covariate.normal is not None:
        return covariate.normal[0]
    if covariate.uniform is not None:
        return sum(covariate.uniform) / 2
    if covariate.bernoulli is not None:
        return covariate.bernoulli
    if covariate.values is not None:
        return float(np.mean(covariate.values))
    raise ValueError(
        f"mean(...): must name the value of {name}, as in mean({name} = 0): the mean of a "
        "sequence depends on the number of observations"
    )


def vocabulary(layout: Layout, parameters: Iterable[str]) -> Vocabulary:
    """Return what users write in estimands: coefficients without `b_` too, and variables."""
    names = {name.removeprefix("b_"): name for name in layout.b}
    names |= {name: name for name in parameters}
    used = layout.formula.variables
    levels = {name: layout.codings[name].levels for name in used if name in layout.codings}
    groups = dict.fromkeys(block.factor for block in layout.blocks)
    covariates = [name for name in used if name not in levels]
    return Vocabulary(names, levels, covariates, tuple(groups), has_means=True)


def estimand(
    layout: Layout,
    outcome: Outcome,
    name: str,
    text: str,
    combination: Combination,
    rows: Columns | None,
) -> Estimand:
    """Return what the text of an estimand says; ValueError if a mean is not possible.

    Means of the linear predictor are linear combinations of coefficients, and so are expected
    outcomes that are equal to it.
    """
    means = {mean: row(layout, mean, rows) for mean in combination.means}
    if not combination.response or outcome.STRAIGHT:
        return linear(name, text, _of_coefficients(layout, combination, means))
    return _of_outcomes(layout, outcome, name, text, combination, means)


def _of_coefficients(
    layout: Layout, combination: Combination, means: Mapping[Mean, Row]
) -> Combination:
    """The combination with its means written as coefficients."""
    found = Combination({name: combination.terms[name] for name in combination.parameters})
    for mean, each in means.items():
        terms: dict[str | Mean, float] = dict(zip(layout.b, each.x.tolist(), strict=True))
        found = found.plus(Combination(terms, each.offset), combination.terms[mean])
    kept = {
        name: rounded for name, weight in found.terms.items() if (rounded := round(weight, DIGITS))
    }
    if not kept:
        raise ValueError("must depend on a coefficient: what it subtracts is equal")
    return Combination(kept, found.constant + combination.constant)


def _of_outcomes(
    layout: Layout,
    outcome: Outcome,
    name: str,
    text: str,
    combination: Combination,
    means: Mapping[Mean, Row],
) -> Estimand:
    """A combination of expected outcomes."""
    over = [block for block in layout.blocks if block.factor in combination.over]
    parameters = (
        *layout.b,
        *(each for block in over for each in (*block.sd, *block.cor)),
        *outcome.PARAMETERS,
    )

    def compute(values: Mapping[str, np.ndarray]) -> np.ndarray:
        total = np.full(np.shape(values[parameters[0]]), combination.constant)
        for mean, each in means.items():
            expected = _expected(layout, outcome, each, over, values)
            total = total + combination.terms[mean] * expected
        return total

    return Estimand(name, text, parameters, compute)


def _expected(
    layout: Layout,
    outcome: Outcome,
    means: Row,
    over: list[Block],
    values: Mapping[str, np.ndarray],
) -> np.ndarray:
    """The expected outcome, shape (n_draws,)."""
    b = np.array([values[name] for name in layout.b])
    predictor = means.offset + means.x @ b
    own = {name: values[name] for name in outcome.PARAMETERS}
    if not over:
        return outcome.expected(predictor[None], own, np.ones(1))[0]
    variance = sum(
        _variance(block, z, values)
        for block, z in zip(layout.blocks, means.z, strict=True)
        if block in over
    )
    points = predictor + _NODES[:, None] * np.sqrt(variance)
    return _WEIGHTS @ outcome.expected(points, own, np.ones(len(_NODES)))


def _variance(block: Block, z: np.ndarray, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """The variance of a block's part of the linear predictor, shape (n_draws,)."""
    scaled = [each * values[name] for each, name in zip(z, block.sd, strict=True)]
    total = sum(np.square(each) for each in scaled)
    for a, b, name in block.places:
        total = total + 2 * scaled[a] * scaled[b] * values[name]
    return np.maximum(total, 0.0)
