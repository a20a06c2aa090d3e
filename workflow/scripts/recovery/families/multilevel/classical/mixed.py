"""A multilevel linear regression by (restricted) maximum likelihood."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recovery.families.estimators import Estimates, EstimatorResult
from recovery.families.family import Columns
from recovery.families.multilevel.classical import wald
from recovery.families.multilevel.classical.deviance import (
    Crossproducts,
    Optimum,
    minimise,
    smallest_sd,
)
from recovery.families.multilevel.classical.information import Moments, covariance
from recovery.families.multilevel.classical.least_squares import (
    known_outcome,
    least_squares,
    residual_sd,
)
from recovery.families.multilevel.layout import Block, Layout

SINGULAR = 1e-4  # smallest SD over all directions, relative to sigma; the tolerance of lme4


def fit(layout: Layout, columns: Columns, restricted: bool) -> EstimatorResult:
    """Estimate all parameters; predict groups' deviations (best linear unbiased).

    The columns of X are scaled to root mean square 1, and the outcome to a standard deviation of
    1 of its residuals from the same coefficients for all groups. So results do not depend on units.

    References
    ----------
    Bates, Machler, Bolker & Walker (2015), doi:10.18637/jss.v067.i01.
    """
    block = layout.only_block
    assert block is not None  # else the layout has no such estimator
    x, y = layout.design_matrix(columns), known_outcome(layout, columns)
    start, _, squares = least_squares(x, y, "the predictors")
    unit_y = residual_sd(squares, y.size - layout.size, y)
    unit_x = np.sqrt(np.mean(x**2, axis=0))
    groups, index = block.groups(columns)
    varying = np.array(layout.centre) - 1
    if y.size <= len(groups) * varying.size:
        raise RuntimeError(
            f"{y.size} observations for {varying.size} coefficients of each {block.factor} of "
            f"{len(groups)}: no degrees of freedom are left to estimate sigma"
        )
    data = Crossproducts.of(x / unit_x, (y - x @ start) / unit_y, index, varying)
    optimum = minimise(data, restricted)
    moments = Moments.of(data, optimum.psi)
    units = unit_y / unit_x
    beta = start + optimum.beta * units
    scale = optimum.sigma * units
    predicted, prediction_error = _predicted_deviations(data, optimum, moments)
    names = [name for names in block.deviations(groups) for name in names]
    deviations, deviation_error = predicted * units[varying], prediction_error * units[varying]
    parts = [
        wald.coefficients(list(layout.b), beta, moments.covariance * np.outer(scale, scale)),
        *_variance_components(block, optimum, moments, units[varying], unit_y, restricted),
        wald.normal(names, deviations.T.ravel(), deviation_error.T.ravel()),
    ]
    return EstimatorResult(parts, _problem(optimum))


def _problem(optimum: Optimum) -> str:
    if not optimum.converged:
        return f"no convergence: the slope of the deviance is {optimum.slope:.2g}"
    if smallest_sd(optimum.psi) < SINGULAR:
        return "singular fit: a standard deviation at 0, or correlations at their bounds"
    return ""


def _variance_components(
    block: Block,
    optimum: Optimum,
    moments: Moments,
    units: np.ndarray,
    unit_y: float,
    restricted: bool,
) -> list[Estimates]:
    """Standard deviations, correlations and sigma; at the boundary only sigma has an error."""
    psi, sd = optimum.psi, np.sqrt(np.diag(optimum.psi))
    place = block.coefficients.index
    pairs = [(place(one), place(other)) for one, other in block.pairs]
    scale = [sd[a] * sd[b] for a, b in pairs]
    ratios = [psi[a, b] / s if s > 0 else 0.0 for (a, b), s in zip(pairs, scale, strict=True)]
    omega = np.clip(ratios, -1, 1)
    interior = _interior(optimum, pairs)
    errors = np.sqrt(np.diag(covariance(moments, sd, omega, pairs, restricted, interior)))
    if not interior.all():  # normal approximations to the coefficients' covariance do not hold
        errors[:-1] = np.nan
    sd_error, omega_error, sigma_error = np.split(errors, [sd.size, sd.size + len(pairs)])
    sigma_p, sigma = sd * optimum.sigma * units, np.array([optimum.sigma * unit_y])
    return [
        wald.logarithmic(list(block.sd), sigma_p, sd_error),
        wald.fisher(list(block.cor), omega, omega_error),
        wald.logarithmic(["sigma"], sigma, sigma_error),
    ]


def _interior(optimum: Optimum, pairs: Sequence[tuple[int, int]]) -> np.ndarray:
    """Which standard deviations, correlations and sigma are not on the boundary.

    None is without a minimum. Correlations are on the boundary together, if the coefficients with
    variance vary in fewer directions than there are coefficients.
    """
    if not optimum.converged:
        return np.zeros(len(optimum.psi) + len(pairs) + 1, dtype=bool)
    varies = np.sqrt(np.diag(optimum.psi)) >= SINGULAR
    bound = smallest_sd(optimum.psi[np.ix_(varies, varies)]) < SINGULAR
    free = [varies[a] and varies[b] and not bound for a, b in pairs]
    return np.array([*varies, *free, True])


def _predicted_deviations(
    data: Crossproducts, optimum: Optimum, moments: Moments
) -> tuple[np.ndarray, np.ndarray]:
    """Best linear unbiased predictions of groups' deviations, and prediction errors.

    Shape (n_groups, n_varying). Errors treat standard deviations and correlations as known.

    References
    ----------
    Robinson (1991), doi:10.1214/ss/1177011926, section 5.
    """
    psi, beta = optimum.psi, optimum.beta
    residuals = data.zy - data.zx @ beta
    effects = np.einsum("qr,jrs,js->jq", psi, moments.shrink, residuals)
    weights = psi @ moments.zwx
    conditional = psi - psi @ moments.zwz @ psi
    through_beta = weights @ moments.covariance @ np.swapaxes(weights, 1, 2)
    variance = np.diagonal(conditional + through_beta, axis1=1, axis2=2)
    error = optimum.sigma * np.sqrt(np.maximum(variance, 0))
    return effects, error
