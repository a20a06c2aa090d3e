"""Multilevel linear regression: varying intercepts and slopes, normal residuals.

y_i ~ normal(X_i beta_p[j(i)], sigma)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from recovery.common.types import Positive
from recovery.families.family import Fields, Values
from recovery.families.multilevel import Layout, Multilevel, Options, Outcome, Scale, models


class Normal(Outcome):
    """Normal residuals with standard deviation sigma ~ exponential(sigma_rate)."""

    PARAMETERS = {"sigma": "Residual SD, sigma"}
    POSITIVE = ("sigma",)
    CLOSED = True
    TRUTH = {"sigma": Positive}
    PRIOR = {"sigma_rate": Scale}

    def draw(self, prior: Fields, rng: np.random.Generator) -> dict[str, Any]:
        """Draw sigma from its prior."""
        return {"sigma": rng.exponential(1 / prior.sigma_rate)}

    def values(self, truth: Fields) -> Values:
        """Return sigma."""
        return {"sigma": truth.sigma}

    def truth_fields(self, means: Values) -> dict[str, Any]:
        """Return sigma."""
        return {"sigma": means["sigma"]}

    def prior_sd(self, prior: Fields) -> Values:
        """Return the prior standard deviation of sigma."""
        return {"sigma": 1 / prior.sigma_rate}

    def simulate(
        self, predictor: np.ndarray, truth: Fields, rng: np.random.Generator
    ) -> np.ndarray:
        """Add normal residuals."""
        return predictor + truth.sigma * rng.normal(size=predictor.size)

    def log_density(
        self, y: np.ndarray, predictor: np.ndarray, values: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        """Return normal log densities."""
        sigma = values["sigma"]
        return -0.5 * np.log(2 * np.pi) - np.log(sigma) - 0.5 * ((y - predictor) / sigma) ** 2

    def log_marginal(
        self,
        y: np.ndarray,
        predictor: np.ndarray,
        z: np.ndarray,
        covariance: np.ndarray,
        values: Mapping[str, np.ndarray],
    ) -> np.ndarray:
        """Return multivariate normal log densities with covariance sigma^2 I + Z Sigma Z'.

        With the QR decomposition Z = Q R, the component of y orthogonal to Z has only residual
        variance, and Q' y has the covariance sigma^2 W, W = I + R Sigma R' / sigma^2.
        """
        sigma, n = values["sigma"], len(y)
        q, r = np.linalg.qr(z)
        scaled = (y - predictor) / sigma
        inside = q.T @ scaled
        w = np.eye(len(r)) + r @ (covariance / np.square(sigma)[:, None, None]) @ r.T
        factor = np.linalg.cholesky(w)
        white = np.linalg.solve(factor, inside.T[..., None])[..., 0]
        squares = np.square(scaled - q @ inside).sum(axis=0) + np.square(white).sum(axis=1)
        half_log_det = np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
        return -0.5 * (n * np.log(2 * np.pi) + squares) - n * np.log(sigma) - half_log_det


def family(options: Options) -> Multilevel:
    """Return the family for a study's options.

    `unpooled` requires that every coefficient varies, `marginal` an intercept and one slope.
    """
    layout, outcome = Layout.of(options), Normal()
    available = ["pooled", "centered", "noncentered"]
    if layout.all_vary:
        available.append("unpooled")
    if layout.varying == (1, 2) and layout.size == 2:
        available.append("marginal")
    addition = ", and its sigma includes the differences between participants"
    programs = models("multilevel_linear", layout, outcome.PARAMETERS, available, addition)
    return Multilevel(
        layout,
        outcome,
        programs,
        lambda classical: classical.linear(layout, tuple(outcome.PARAMETERS)),
    )
