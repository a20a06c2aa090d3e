"""Maximum likelihood of pooled regressions with a binary, count or ordinal outcome.

statsmodels fits them. Separation is detected first: if a linear predictor separates the outcomes,
the likelihood grows without bound with its slope, and an optimiser stops at an arbitrary value.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.optimize import linprog
from statsmodels.genmod import families
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.miscmodels.ordinal_model import OrderedModel

from recovery.families.estimators import EstimatorResult
from recovery.families.family import Columns
from recovery.families.multilevel.classical import least_squares, wald
from recovery.families.multilevel.layout import Layout

MOST_ITERATIONS = 1000
TOLERANCE = 1e-6  # of the linear program, per row
SEPARATION = "complete or quasi-complete separation: the maximum-likelihood estimate does not exist"


def binomial(layout: Layout, columns: Columns) -> EstimatorResult:
    """Fit a logistic regression; intervals of b are normal."""
    q, back = _basis(layout.design_matrix(columns))
    y = columns[layout.response]
    refuse_separation(np.where(y == 1, 1, -1)[:, None] * q)
    return _fit_glm(layout, GLM(y, q, families.Binomial(), offset=layout.offset(columns)), back)


def poisson(layout: Layout, columns: Columns) -> EstimatorResult:
    """Fit a log-linear regression of counts; intervals of b are normal."""
    q, back = _basis(layout.design_matrix(columns))
    y = columns[layout.response]
    refuse_separation(-q[y == 0], q[y > 0])
    known = layout.offset(columns)
    return _fit_glm(layout, GLM(y, q, families.Poisson(), offset=known), back)


def ordered(layout: Layout, thresholds: list[str], columns: Columns) -> EstimatorResult:
    """Fit a cumulative-logit regression; intervals of b and thresholds are normal."""
    y, size = columns[layout.response], len(thresholds)
    x = np.column_stack([np.ones(y.size), layout.design_matrix(columns)])
    empty = sorted({*range(1, size + 2)} - {*y.tolist()})
    if empty:
        raise RuntimeError(
            f"no outcome is in category {empty[0]}: its thresholds cannot be estimated"
        )
    # The first column of Q is constant; the thresholds replace it.
    q, back = _basis(x)
    q = q[:, 1:]
    steps = np.eye(size + 2)[:, 1:-1]  # row k indicates c[k]; the first and the last row are 0
    above = np.column_stack([q, -steps[y - 1]])[y > 1]
    below = np.column_stack([-q, steps[y]])[y <= size]
    refuse_separation(np.vstack([above, below]))
    model = OrderedModel(y, q, offset=layout.offset(columns), distr="logit")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `mle_retvals` has the same information
        fitted = model.fit(method="bfgs", disp=False, maxiter=MOST_ITERATIONS)
    slopes = q.shape[1]
    value = np.concatenate(
        [fitted.params[:slopes], model.transform_threshold_params(fitted.params)[1:-1]]
    )
    # statsmodels has the first threshold and the logarithms of the differences between thresholds.
    jacobian = np.eye(value.size)
    jacobian[slopes + 1 :, slopes + 1 :] = np.tril(np.ones((size - 1, size - 1)))
    jacobian[slopes + 1 :, slopes] = 1
    jacobian[:, slopes + 1 :] *= np.exp(fitted.params[slopes + 1 :])
    # The predictors in Q are centred, so its thresholds are those at the predictors' means.
    to_predictors = np.eye(value.size)
    to_predictors[:slopes, :slopes] = back[1:, 1:]
    to_predictors[slopes:, :slopes] = x[:, 1:].mean(axis=0) @ back[1:, 1:]
    jacobian = to_predictors @ jacobian
    covariance = jacobian @ fitted.cov_params() @ jacobian.T
    converged = fitted.mle_retvals["converged"]
    return _result([*layout.b, *thresholds], to_predictors @ value, covariance, converged)


def refuse_separation(rows: np.ndarray, level: np.ndarray | None = None) -> None:
    """Raise RuntimeError if the likelihood has no maximum because the outcomes are separated.

    Parameters
    ----------
    rows : ndarray, shape (n, p)
        The likelihood does not decrease in a direction d of the parameters with rows d >= 0,
        and increases if an element of rows d is above 0.
    level : ndarray, shape (m, p), optional
        Constraints on this direction: level d = 0.

    References
    ----------
    Albert & Anderson (1984), doi:10.1093/biomet/71.1.1; Konis (2007), Linear programming
    algorithms for detecting separated data in binary logistic regression models.
    """
    equal = {} if level is None else {"A_eq": level, "b_eq": np.zeros(len(level))}
    solution = linprog(-rows.sum(axis=0), -rows, np.zeros(len(rows)), **equal, bounds=(-1, 1))
    if -solution.fun > TOLERANCE * len(rows):
        raise RuntimeError(SEPARATION)


def _basis(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Uncorrelated columns with mean square 1, and the matrix that computes them from X.

    With them, the optimiser does not depend on the units and the means of the predictors.
    """
    q, inverse = least_squares.orthonormal(x)
    return np.sqrt(len(x)) * q, np.sqrt(len(x)) * inverse


def _fit_glm(layout: Layout, model: GLM, back: np.ndarray) -> EstimatorResult:
    """Fit a model of transformed predictors; return the coefficients of the predictors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # separation has been detected before
        fitted = model.fit(maxiter=MOST_ITERATIONS)
    covariance = back @ fitted.cov_params() @ back.T
    return _result([*layout.b], back @ fitted.params, covariance, fitted.converged)


def _result(
    names: list[str], value: np.ndarray, covariance: np.ndarray, converged: bool
) -> EstimatorResult:
    problem = "" if converged else f"no convergence in {MOST_ITERATIONS} iterations"
    return EstimatorResult([wald.coefficients(names, value, covariance)], problem)
