"""Multilevel linear regression with Student t residuals, which have heavy tails.

y_i ~ student_t(nu, X_i beta_p[j(i)], sigma)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field, Strict
from scipy.special import gammaincc, gammainccinv, gammaln

from recovery.common.types import Positive
from recovery.families.family import Fields, SimulationError, Values
from recovery.families.multilevel import Layout, Multilevel, Options, Outcome, Scale, models


class StudentT(Outcome):
    """Student t residuals with scale sigma ~ exponential(sigma_rate).

    Their degrees of freedom are nu ~ gamma(nu_shape, nu_rate), truncated to nu > 1, because
    residuals have no mean otherwise.
    """

    PARAMETERS = {
        "sigma": "Residual scale, sigma",
        "nu": "Degrees of freedom, nu",
    }
    POSITIVE = ("sigma", "nu")
    TRUTH = {"sigma": Positive, "nu": Annotated[float, Strict(), Field(ge=1)]}
    PRIOR = {"sigma_rate": Scale, "nu_shape": Scale, "nu_rate": Scale}

    def draw(self, prior: Fields, rng: np.random.Generator) -> dict[str, Any]:
        """Draw sigma and nu from their priors."""
        sigma = rng.exponential(1 / prior.sigma_rate)
        upper_tail = (1 - rng.random()) * gammaincc(prior.nu_shape, prior.nu_rate)
        nu = gammainccinv(prior.nu_shape, upper_tail) / prior.nu_rate
        if not np.isfinite(nu):
            raise SimulationError(
                f"nu ~ gamma({prior.nu_shape}, {prior.nu_rate}) is almost never above 1"
            )
        return {"sigma": sigma, "nu": max(1.0, float(nu))}

    def values(self, truth: Fields) -> Values:
        """Return sigma and nu."""
        return {"sigma": truth.sigma, "nu": truth.nu}

    def truth_fields(self, means: Values) -> dict[str, Any]:
        """Return sigma and nu."""
        return {"sigma": means["sigma"], "nu": means["nu"]}

    def prior_sd(self, prior: Fields) -> Values:
        """Return those of sigma and, from the moments of a truncated gamma, nu."""
        shape, rate = prior.nu_shape, prior.nu_rate
        with np.errstate(all="ignore"):
            tail = gammaincc([shape, shape + 1, shape + 2], rate)
            mean = shape / rate * tail[1] / tail[0]
            square = shape * (shape + 1) / rate**2 * tail[2] / tail[0]
            nu = np.sqrt(square - mean**2)
        return {"sigma": 1 / prior.sigma_rate} | ({"nu": nu} if np.isfinite(nu) else {})

    def simulate(
        self, predictor: np.ndarray, truth: Fields, rng: np.random.Generator
    ) -> np.ndarray:
        """Add Student t residuals."""
        return predictor + truth.sigma * rng.standard_t(truth.nu, size=predictor.size)

    def log_density(
        self, y: np.ndarray, predictor: np.ndarray, values: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        """Return Student t log densities."""
        sigma, nu = values["sigma"], values["nu"]
        constant = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * np.log(np.pi * nu)
        constant = constant - np.log(sigma)
        return constant - (nu + 1) / 2 * np.log1p(((y - predictor) / sigma) ** 2 / nu)


def family(options: Options) -> Multilevel:
    """Return the family for a study's options."""
    layout, outcome = Layout.of(options), StudentT()
    available = ["pooled", "centered", "noncentered"]
    addition = ", and its sigma and nu include the differences between participants"
    programs = models("multilevel_robust", layout, outcome.PARAMETERS, available, addition, 0.00045)
    return Multilevel(layout, outcome, programs, lambda classical: classical.robust(layout))
