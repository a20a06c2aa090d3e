"""Multilevel linear regression: normal residuals.

y_i ~ normal(eta_i, sigma)
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recovery.common.types import Positive
from recovery.families.family import Fields
from recovery.families.multilevel import Multilevel, Options, Outcome, normal_marginal
from recovery.families.multilevel.outcome import SCALE


class Normal(Outcome):
    """Normal residuals with standard deviation sigma."""

    PARAMETERS = {"sigma": "Residual SD, sigma"}
    POSITIVE = ("sigma",)
    CLOSED = True
    TRUTH = {"sigma": Positive}
    PRIORS = {"sigma": ("sigma", SCALE)}

    def simulate(
        self,
        predictor: np.ndarray,
        truth: Fields,
        trials: np.ndarray | None,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Add normal residuals."""
        return predictor + truth.sigma * rng.normal(size=predictor.size)

    def log_density(
        self,
        y: np.ndarray,
        predictor: np.ndarray,
        values: Mapping[str, np.ndarray],
        trials: np.ndarray | None,
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
        """Return multivariate normal log densities."""
        return normal_marginal.log_density(y, predictor, z, covariance, values["sigma"])


def family(options: Options) -> Multilevel:
    """Return the family for a study's options.

    `unpooled` requires that every coefficient varies, `marginal` that all terms in parentheses
    have the same grouping factor.
    """
    return Multilevel(
        "multilevel_linear",
        options,
        Normal(),
        ("pooled", "unpooled", "centered", "noncentered", "marginal"),
        pooled_note=", and its sigma includes the differences between groups",
        estimators=lambda classical, layout: classical.linear(layout, ("sigma",)),
    )
