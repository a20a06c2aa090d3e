"""Multilevel linear regression with Student t residuals, which have heavy tails.

y_i ~ student_t(nu, eta_i, sigma)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field, Strict
from scipy.special import gammaincc, gammainccinv, gammaln

from recovery.common.types import Positive
from recovery.families.family import Fields, SimulationError, Values
from recovery.families.multilevel import Multilevel, Options, Outcome
from recovery.families.multilevel.named_priors import NamedPriors
from recovery.families.multilevel.outcome import draw_positive, sd_of


class StudentT(Outcome):
    """Student t residuals with scale sigma and nu degrees of freedom.

    The gamma prior of nu is truncated to nu > 1, because residuals have no mean otherwise.
    """

    PARAMETERS = {
        "sigma": "Residual scale, sigma",
        "nu": "Degrees of freedom, nu",
    }
    POSITIVE = ("sigma", "nu")
    TRUTH = {"sigma": Positive, "nu": Annotated[float, Strict(), Field(ge=1)]}
    PRIORS = {"sigma": ("sigma", "exponential"), "nu": ("nu", "gamma")}

    def draw(self, prior: NamedPriors, rng: np.random.Generator) -> dict[str, Any]:
        """Draw sigma and nu from their priors."""
        shape, rate = prior.of("nu").arguments
        upper_tail = (1 - rng.random()) * gammaincc(shape, rate)
        nu = gammainccinv(shape, upper_tail) / rate
        if not np.isfinite(nu):
            raise SimulationError(f"nu ~ {prior.of('nu')} is almost never above 1")
        return {"sigma": draw_positive(prior.of("sigma"), rng), "nu": max(1.0, float(nu))}

    def prior_sd(self, prior: NamedPriors) -> Values:
        """Return those of sigma and, from the moments of a truncated gamma, nu."""
        shape, rate = prior.of("nu").arguments
        with np.errstate(all="ignore"):
            tail = gammaincc([shape, shape + 1, shape + 2], rate)
            mean = shape / rate * tail[1] / tail[0]
            square = shape * (shape + 1) / rate**2 * tail[2] / tail[0]
            nu = np.sqrt(square - mean**2)
        known = {"sigma": sd_of(prior.of("sigma"))}
        return known | ({"nu": float(nu)} if np.isfinite(nu) else {})

    def simulate(
        self,
        predictor: np.ndarray,
        truth: Fields,
        trials: np.ndarray | None,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Add Student t residuals."""
        return predictor + truth.sigma * rng.standard_t(truth.nu, size=predictor.size)

    def log_density(
        self,
        y: np.ndarray,
        predictor: np.ndarray,
        values: Mapping[str, np.ndarray],
        trials: np.ndarray | None,
    ) -> np.ndarray:
        """Return Student t log densities."""
        sigma, nu = values["sigma"], values["nu"]
        constant = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * np.log(np.pi * nu)
        constant = constant - np.log(sigma)
        return constant - (nu + 1) / 2 * np.log1p(((y - predictor) / sigma) ** 2 / nu)


def family(options: Options) -> Multilevel:
    """Return the family for a study's options."""
    return Multilevel(
        "multilevel_robust",
        options,
        StudentT(),
        pooled_note=", and its sigma and nu include the differences between groups",
        density_seconds=0.00045,
        estimators=lambda classical, layout: classical.robust(layout),
    )
