"""Multilevel log-normal regression: positive outcomes such as reading times.

y_i ~ lognormal(eta_i, sigma): log(y_i) is normal around the linear predictor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from recovery.common.types import Positive
from recovery.families.family import Fields
from recovery.families.multilevel import Multilevel, Options, normal_marginal
from recovery.families.multilevel.log_link import PositiveNumbers, refuse_rounded
from recovery.families.multilevel.outcome import SCALE


class LogNormal(PositiveNumbers):
    """Outcomes whose logarithm is normal with residual standard deviation sigma."""

    PARAMETERS = {"sigma": "Residual SD of log, sigma"}
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
        """Draw an outcome for every linear predictor; SimulationError if it overflows."""
        with np.errstate(over="ignore"):
            y = np.exp(predictor + truth.sigma * rng.normal(size=predictor.size))
        return refuse_rounded(y)

    def expected(
        self, predictor: np.ndarray, values: Mapping[str, Any], trials: np.ndarray | None
    ) -> np.ndarray:
        """Return mean outcomes."""
        return super().expected(predictor + np.square(values["sigma"]) / 2, values, trials)

    def log_density(
        self,
        y: np.ndarray,
        predictor: np.ndarray,
        values: Mapping[str, np.ndarray],
        trials: np.ndarray | None,
    ) -> np.ndarray:
        """Return log densities."""
        sigma, log_y = values["sigma"], np.log(y)
        z = (log_y - predictor) / sigma
        return -0.5 * np.log(2 * np.pi) - np.log(sigma) - log_y - 0.5 * z**2

    def log_marginal(
        self,
        y: np.ndarray,
        predictor: np.ndarray,
        z: np.ndarray,
        covariance: np.ndarray,
        values: Mapping[str, np.ndarray],
    ) -> np.ndarray:
        """Return multivariate normal log densities of log(y), and the Jacobian."""
        log_y = np.log(y)
        density = normal_marginal.log_density(log_y, predictor, z, covariance, values["sigma"])
        return density - log_y.sum()


def family(options: Options) -> Multilevel:
    """Return the family for a study's options.

    `marginal` requires that all terms in parentheses have the same grouping factor.
    """
    return Multilevel(
        "multilevel_lognormal",
        options,
        LogNormal(),
        ("pooled", "centered", "noncentered", "marginal"),
        pooled_note=", and its sigma includes the differences between groups",
    )
