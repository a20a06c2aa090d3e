"""Multilevel linear regression with Student t residuals, which have heavy tails.

y_i ~ student_t(nu, eta_i, sigma)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from pydantic import Field, Strict
from scipy.special import betaln

from recovery.common.types import Positive
from recovery.families.family import Fields
from recovery.families.multilevel import Multilevel, Options, Outcome
from recovery.families.multilevel.outcome import SCALE, SHAPE


class StudentT(Outcome):
    """Student t residuals with scale sigma and nu degrees of freedom.

    nu is above 1, because residuals have no mean otherwise.
    """

    PARAMETERS = {
        "sigma": "Residual scale, sigma",
        "nu": "Degrees of freedom, nu",
    }
    POSITIVE = ("sigma", "nu")
    LOW = {"nu": 1.0}
    TRUTH = {"sigma": Positive, "nu": Annotated[float, Strict(), Field(ge=1)]}
    PRIORS = {"sigma": ("sigma", SCALE), "nu": ("nu", SHAPE)}

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
        constant = -betaln(nu / 2, 0.5) - 0.5 * np.log(nu) - np.log(sigma)
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
