"""Estimates from an answer of R."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import special

from recovery.families.estimators import Estimates, EstimatorResult
from recovery.families.family import Columns
from recovery.families.multilevel.classical import wald
from recovery.families.multilevel.in_r.requests import terms_of
from recovery.families.multilevel.layout import Layout

_STEP = 1e-5  # of numeric derivatives
_EXACT = 1e-10  # of the outcome's SD: a residual SD that is only rounding
_ULPS = 100  # the same, of the rounding of the largest outcome


def read(
    answer: Mapping[str, Any],
    layout: Layout,
    own: Sequence[str],
    columns: Columns,
    logarithm: bool,
) -> EstimatorResult:
    """Return the estimates in an answer.

    Parameters
    ----------
    own : sequence of str
        The parameters of the outcome.
    logarithm : bool
        Whether the logarithm of the outcome is modelled.
    """
    _refuse_exact(answer, own, columns[layout.response], logarithm)
    thresholds = [] if layout.intercept else list(own)
    parts = [_coefficients(answer, [*layout.b, *thresholds])]
    for (block, places, _), term in zip(terms_of(layout), answer["varying"], strict=True):
        coefficients = [block.coefficients[place] for place in places]
        pairs = {
            name: (coefficients.index(one), coefficients.index(other))
            for (one, other), name in zip(block.pairs, block.cor, strict=True)
        }
        parts += _variances(term, [block.sd[place] for place in places], pairs)
        names = block.deviations(block.groups(columns)[0])
        parts.append(_modes(term, [names[place] for place in places]))
    if own and not thresholds:
        parts.append(_positive(own, answer["own"], answer["own_error"]))
    return EstimatorResult(parts, answer["problem"], answer["seconds"])


def _refuse_exact(
    answer: Mapping[str, Any], own: Sequence[str], y: np.ndarray, logarithm: bool
) -> None:
    """Raise RuntimeError if nothing is left to estimate a residual standard deviation from."""
    if "sigma" not in own:
        return
    modelled = np.log(y) if logarithm else y
    rounding = np.finfo(float).eps * np.abs(modelled).max()
    if answer["own"] <= max(_EXACT * modelled.std(), _ULPS * rounding):
        raise RuntimeError("the fit is exact: all residuals are 0, so sigma cannot be estimated")


def _coefficients(answer: Mapping[str, Any], names: Sequence[str]) -> Estimates:
    """The population's coefficients, with Satterthwaite's degrees of freedom if they are there."""
    n = len(names)
    value, covariance = _array(answer["b"], n), _array(answer["covariance"], n, n)
    np.fill_diagonal(covariance, np.square(_roots(np.diag(covariance))))
    jacobian = answer.get("jacobian")
    if jacobian is None:
        return wald.coefficients(names, value, covariance)
    slopes = _array(jacobian, len(jacobian), n, n)
    df_of = satterthwaite(covariance, slopes, _array(answer["variances"], *2 * [len(jacobian)]))
    df = np.array([df_of(weights) for weights in np.eye(n)])
    found = wald.normal(names, value, np.sqrt(np.diag(covariance)))

    def quantile(p: float) -> np.ndarray:
        return value + special.stdtrit(df, p) * found.error

    return replace(found, quantile=quantile, covariance=covariance, df=df_of)


def satterthwaite(
    covariance: np.ndarray, slopes: np.ndarray, of_variances: np.ndarray
) -> Callable[[np.ndarray], float]:
    """Return the degrees of freedom of weighted sums of coefficients.

    Parameters
    ----------
    covariance : ndarray, shape (n, n)
        Of the coefficients.
    slopes : ndarray, shape (n_variances, n, n)
        Its derivatives with respect to the parameters of variance.
    of_variances : ndarray, shape (n_variances, n_variances)
        The covariance of these parameters.

    References
    ----------
    Kuznetsova, Brockhoff & Christensen (2017), doi:10.18637/jss.v082.i13, section 2.3.
    """

    def df(weights: np.ndarray) -> float:
        variance = weights @ covariance @ weights
        slope = np.einsum("kij,i,j->k", slopes, weights, weights)
        return float(2 * variance**2 / (slope @ of_variances @ slope))

    return df


def _variances(
    term: Mapping[str, Any], sd: Sequence[str], pairs: Mapping[str, tuple[int, int]]
) -> Iterator[Estimates]:
    """Standard deviations and correlations; with intervals if R has the errors of `theta`."""
    n = len(sd)
    value, correlations = _array(term["sd"], n), _array(term["cor"], n, n)
    # lme4 has no number for a correlation with a coefficient that does not vary; ours is 0.
    cor = np.clip([np.nan_to_num(correlations[place]) for place in pairs.values()], -1, 1)
    at = np.array(term["places"], dtype=int).reshape(n) - 1
    if "theta" in term:
        theta = _array(term["theta"], n + n * (n - 1) // 2)
        errors = _array(term["theta_covariance"], theta.size, theta.size)
        sd_error = _roots(np.diag(errors))[at]
        slopes = np.array([_slope(theta, n, at[a], at[b]) for a, b in pairs.values()])
        cor_error = _roots([slope @ errors @ slope for slope in slopes])
    else:
        sd_error, cor_error = np.full(n, np.nan), np.full(len(pairs), np.nan)
    yield wald.logarithmic(sd, value, sd_error)
    if pairs:
        yield wald.fisher(list(pairs), cor, cor_error)


def _slope(theta: np.ndarray, n: int, one: int, other: int) -> np.ndarray:
    """The derivatives of Fisher's z of a correlation with respect to glmmTMB's `theta`.

    References
    ----------
    The vignette "Covariance structures with glmmTMB", section "Mappings": the first n are
    logarithms of standard deviations; the others, row by row, the part below a diagonal of 1 of a
    matrix whose rows, scaled to length 1, are a Cholesky factor of the correlations.
    """

    def z(values: np.ndarray) -> float:
        lower = np.eye(n)
        lower[np.tril_indices(n, -1)] = values[n:]
        lower /= np.linalg.norm(lower, axis=1, keepdims=True)
        return float(np.arctanh(lower[one] @ lower[other]))

    steps = _STEP * np.eye(theta.size)
    return np.array([(z(theta + step) - z(theta - step)) / (2 * _STEP) for step in steps])


def _modes(term: Mapping[str, Any], names: Sequence[Sequence[str]]) -> Estimates:
    """Conditional modes of groups' deviations with their conditional standard deviations."""
    shape = (len(names[0]), len(names))
    modes, error = _array(term["modes"], *shape), _array(term["modes_error"], *shape)
    return wald.normal([each for some in names for each in some], modes.T.ravel(), error.T.ravel())


def _positive(names: Sequence[str], value: float, log_error: float | None) -> Estimates:
    """A positive parameter of the outcome, from its value and the error of its logarithm."""
    return wald.logarithmic(names, _array(value, 1), _array(log_error, 1))


def _roots(variances: Sequence[float] | np.ndarray) -> np.ndarray:
    """Square roots; NaN of what is no variance, where the Hessian was not positive definite."""
    found = np.array(variances, dtype=float)
    return np.sqrt(np.where(found >= 0, found, np.nan))


def _array(numbers: Any, *shape: int) -> np.ndarray:
    """Numbers of R as an array of this shape; NaN where they are missing."""
    return np.array(numbers, dtype=float).reshape(shape)
