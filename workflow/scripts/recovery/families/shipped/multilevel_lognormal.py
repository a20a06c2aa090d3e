"""Multilevel log-normal regression: positive outcomes such as reading times.

y_i ~ lognormal(eta_i, sigma): log(y_i) is normal around the linear predictor.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recovery.common.types import Positive
from recovery.families.family import Fields, SimulationError, Values
from recovery.families.multilevel import Multilevel, Options, Outcome


class LogNormal(Outcome):
    """Outcomes whose logarithm is normal with residual standard deviation sigma."""

    PARAMETERS = {"sigma": "Residual SD of log, sigma"}
    POSITIVE = ("sigma",)
    TRUTH = {"sigma": Positive}
    PRIORS = {"sigma": ("sigma", "exponential")}
    STRAIGHT = False
    SCALED = False

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
        if not np.all(np.isfinite(y) & (y > 0)):
            raise SimulationError("an outcome is too large or too small for a computer's numbers")
        return y

    def expected(
        self, predictor: np.ndarray, values: Values, trials: np.ndarray | None
    ) -> np.ndarray:
        """Return mean outcomes."""
        with np.errstate(over="ignore"):
            return np.exp(predictor + np.square(values["sigma"]) / 2)

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

    def requirement(self, y: np.ndarray, trials: np.ndarray | None) -> tuple[str, np.ndarray]:
        """Return the requirement for an observed outcome, and the rows that meet it."""
        return "numbers above 0", y > 0


def family(options: Options) -> Multilevel:
    """Return the family for a study's options."""
    return Multilevel(
        "multilevel_lognormal",
        options,
        LogNormal(),
        pooled_note=(", and its sigma includes the differences between groups"),
        density_seconds=0.0,
    )
