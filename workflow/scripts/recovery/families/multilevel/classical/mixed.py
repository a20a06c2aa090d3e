"""A multilevel linear regression by (restricted) maximum likelihood."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recovery.families.family import Columns, Estimated, Estimates
from recovery.families.multilevel.classical import wald
from recovery.families.multilevel.classical.deviance import (
    Crossproducts,
    Optimum,
    minimise,
    smallest,
)
from recovery.families.multilevel.classical.information import Moments, covariance
from recovery.families.multilevel.classical.least_squares import least_squares, spread
from recovery.families.multilevel.layout import Layout

SINGULAR = 1e-4  # smallest SD, relative to sigma, of any direction; lme4's own tolerance


def fit(layout: Layout, columns: Columns, restricted: bool) -> Estimated:
    """Estimate all parameters, and participants' own coefficients by best linear prediction.

    Columns of X are brought to root mean square 1, and the outcome to its residuals' standard
    deviation from one line for everybody, so that units decide nothing.

    References
    ----------
    Bates, Machler, Bolker & Walker (2015), doi:10.18637/jss.v067.i01.
    """
    x, y = layout.design_matrix(columns), columns["y"]
    start, _, left = least_squares(x, y, "the predictors")
    unit_y = spread(left, y.size - layout.size, y)
    unit_x = np.sqrt(np.mean(x**2, axis=0))
    people, person = np.unique(columns["participant"], return_inverse=True)
    varying = np.array(layout.varying) - 1
    if y.size <= people.size * varying.size:
        raise RuntimeError(
            f"{y.size} observations for {people.size} participants' {varying.size} coefficients "
            "each: nothing is left to tell sigma"
        )
    data = Crossproducts.of(x / unit_x, (y - x @ start) / unit_y, person, varying)
    found = minimise(data, restricted)
    moments = Moments.of(data, found.psi)
    units = unit_y / unit_x
    not_converged_because = _not_converged_because(found)
    parts = [
        wald.normal(
            list(layout.beta),
            start + found.beta * units,
            np.sqrt(np.diag(moments.covariance)) * found.sigma * units,
        ),
        *_components(layout, found, moments, units[varying], unit_y, restricted),
    ]
    own, error = _participants(data, found, moments)
    names = [f"beta_p[{j},{q + 1}]" for q in range(varying.size) for j in people]
    own = start[varying] + own * units[varying]
    parts.append(wald.normal(names, own.T.ravel(), (error * units[varying]).T.ravel()))
    return Estimated(parts, not_converged_because)


def _not_converged_because(found: Optimum) -> str:
    if not found.converged:
        return f"no convergence: the deviance still has a slope of {found.slope:.2g}"
    if smallest(found.psi) < SINGULAR:
        return "singular fit: a standard deviation at 0, or correlations at their bounds"
    return ""


def _components(
    layout: Layout,
    found: Optimum,
    moments: Moments,
    units: np.ndarray,
    unit_y: float,
    restricted: bool,
) -> list[Estimates]:
    """Standard deviations, correlations and sigma; on the edge sigma alone has an error."""
    sd = np.sqrt(np.diag(found.psi))
    pairs = [(a - 1, b - 1) for a, b in layout.pairs]
    scale = [sd[a] * sd[b] for a, b in pairs]
    ratios = [found.psi[a, b] / s if s > 0 else 0.0 for (a, b), s in zip(pairs, scale, strict=True)]
    omega = np.clip(ratios, -1, 1)
    interior = _interior(found, pairs)
    errors = np.sqrt(np.diag(covariance(moments, sd, omega, pairs, restricted, interior)))
    if not interior.all():  # normal approximations to the coefficients' covariance do not hold
        errors[:-1] = np.nan
    of_sd, of_omega, of_sigma = np.split(errors, [sd.size, sd.size + len(pairs)])
    sigma_p, sigma = sd * found.sigma * units, np.array([found.sigma * unit_y])
    return [
        wald.logarithmic(list(layout.sigma_p), sigma_p, of_sd),
        wald.fisher(list(layout.omega), omega, of_omega),
        wald.logarithmic(["sigma"], sigma, of_sigma),
    ]


def _interior(found: Optimum, pairs: Sequence[tuple[int, int]]) -> np.ndarray:
    """Which standard deviations, correlations and sigma are off the edge; none without a minimum.

    Correlations are at their bounds together, where the coefficients that do vary vary along
    fewer directions than they are.
    """
    if not found.converged:
        return np.zeros(len(found.psi) + len(pairs) + 1, dtype=bool)
    varies = np.sqrt(np.diag(found.psi)) >= SINGULAR
    bound = smallest(found.psi[np.ix_(varies, varies)]) < SINGULAR
    free = [varies[a] and varies[b] and not bound for a, b in pairs]
    return np.array([*varies, *free, True])


def _participants(
    data: Crossproducts, found: Optimum, moments: Moments
) -> tuple[np.ndarray, np.ndarray]:
    """Best linear unbiased predictions of own coefficients, and their prediction errors.

    Shape (n_participants, n_varying). Errors take standard deviations and correlations for known.

    References
    ----------
    Robinson (1991), doi:10.1214/ss/1177011926, section 5.
    """
    left = data.zy - data.zx @ found.beta
    effects = np.einsum("qr,jrs,js->jq", found.psi, moments.shrink, left)
    chosen = np.eye(len(found.beta))[data.varying]
    weights = chosen - found.psi @ moments.zwx
    own = found.psi - found.psi @ moments.zwz @ found.psi
    through_beta = weights @ moments.covariance @ np.swapaxes(weights, 1, 2)
    variance = np.diagonal(own + through_beta, axis1=1, axis2=2)
    error = found.sigma * np.sqrt(np.maximum(variance, 0))
    return found.beta[data.varying] + effects, error
