"""Maximum likelihood of pooled regressions with a binary, counted or ordered outcome.

statsmodels fits them. Whether there is a maximum at all is asked first: where a line tells
outcomes apart without fault, the likelihood grows for ever as it becomes steeper, and an
optimiser stops somewhere on the way.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.optimize import linprog
from statsmodels.genmod import families
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.miscmodels.ordinal_model import OrderedModel

from recovery.families.family import Columns, Estimated
from recovery.families.multilevel.classical import least_squares, wald
from recovery.families.multilevel.layout import Layout

MOST_ITERATIONS = 1000
TOLERANCE = 1e-6  # of the linear program, a row
SEPARATED = "the likelihood has no maximum: a line tells the outcomes apart (separation)"


def binomial(layout: Layout, columns: Columns) -> Estimated:
    """Fit a logistic regression; beta has normal intervals."""
    q, back = _basis(layout.design_matrix(columns))
    y = columns["y"]
    refuse_separation(np.where(y == 1, 1, -1)[:, None] * q)
    return _of_glm(layout, GLM(y, q, families.Binomial()), back)


def poisson(layout: Layout, offset: np.ndarray | float, columns: Columns) -> Estimated:
    """Fit a log-linear regression of counts; beta has normal intervals."""
    q, back = _basis(layout.design_matrix(columns))
    y = columns["y"]
    refuse_separation(-q[y == 0], q[y > 0])
    shift = np.broadcast_to(offset, y.shape)
    return _of_glm(layout, GLM(y, q, families.Poisson(), offset=shift), back)


def ordered(layout: Layout, thresholds: list[str], columns: Columns) -> Estimated:
    """Fit cumulative logits; beta and the thresholds have normal intervals."""
    x, y, size = layout.design_matrix(columns), columns["y"], len(thresholds)
    lacking = sorted({*range(1, size + 2)} - {*y.tolist()})
    if lacking:
        raise RuntimeError(f"no outcome is in category {lacking[0]}: its thresholds are not told")
    # The first column of Q is the constant, whose place the thresholds take.
    q, back = _basis(x)
    q = q[:, 1:]
    steps = np.eye(size + 2)[:, 1:-1]  # category k lies between c[k-1], none below the first
    above = np.column_stack([q, -steps[y - 1]])[y > 1]
    below = np.column_stack([-q, steps[y]])[y <= size]
    refuse_separation(np.vstack([above, below]))
    model = OrderedModel(y, q, distr="logit")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they say is in `mle_retvals`
        found = model.fit(method="bfgs", disp=False, maxiter=MOST_ITERATIONS)
    slopes = q.shape[1]
    value = np.concatenate(
        [found.params[:slopes], model.transform_threshold_params(found.params)[1:-1]]
    )
    # Of the thresholds statsmodels has the first, and logarithms of the others' distances.
    along = np.eye(value.size)
    along[slopes + 1 :, slopes + 1 :] = np.tril(np.ones((size - 1, size - 1)))
    along[slopes + 1 :, slopes] = 1
    along[:, slopes + 1 :] *= np.exp(found.params[slopes + 1 :])
    # Q holds each predictor less its mean, so that thresholds are those of the mean.
    whole = np.eye(value.size)
    whole[:slopes, :slopes] = back[1:, 1:]
    whole[slopes:, :slopes] = x[:, 1:].mean(axis=0) @ back[1:, 1:]
    along = whole @ along
    error = np.sqrt(np.diag(along @ found.cov_params() @ along.T))
    converged = found.mle_retvals["converged"]
    return _estimated([*layout.beta, *thresholds], whole @ value, error, converged)


def refuse_separation(rows: np.ndarray, level: np.ndarray | None = None) -> None:
    """Raise RuntimeError if the likelihood grows for ever in some direction of the parameters.

    Parameters
    ----------
    rows : ndarray, shape (n, p)
        The likelihood does not fall along a direction d where rows d >= 0, and rises where
        one of them is above.
    level : ndarray, shape (m, p), optional
        Rows that must be 0.

    References
    ----------
    Albert & Anderson (1984), doi:10.1093/biomet/71.1.1; Konis (2007), Linear programming
    algorithms for detecting separated data in binary logistic regression models.
    """
    equal = {} if level is None else {"A_eq": level, "b_eq": np.zeros(len(level))}
    found = linprog(-rows.sum(axis=0), -rows, np.zeros(len(rows)), **equal, bounds=(-1, 1))
    if -found.fun > TOLERANCE * len(rows):
        raise RuntimeError(SEPARATED)


def _basis(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns of mean square 1, unrelated, and the matrix that makes them of X.

    Whatever the units of predictors and wherever they lie, it is as far to the maximum.
    """
    q, inverse = least_squares.orthonormal(x)
    return np.sqrt(len(x)) * q, np.sqrt(len(x)) * inverse


def _of_glm(layout: Layout, model: GLM, back: np.ndarray) -> Estimated:
    """The fit of a basis of the predictors' space, brought back to the predictors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # separation is refused above
        found = model.fit(maxiter=MOST_ITERATIONS)
    error = np.sqrt(np.diag(back @ found.cov_params() @ back.T))
    return _estimated([*layout.beta], back @ found.params, error, found.converged)


def _estimated(
    names: list[str], value: np.ndarray, error: np.ndarray, converged: bool
) -> Estimated:
    not_converged_because = "" if converged else f"no convergence in {MOST_ITERATIONS} iterations"
    return Estimated([wald.normal(names, value, error)], not_converged_because)
