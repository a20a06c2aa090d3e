"""Multilevel Poisson regression: counts, optionally with exposures.

y_i ~ poisson(exposure_i exp(X_i beta_p[j(i)]))
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, Strict
from scipy.special import gammaln

from recovery.common.types import Positive
from recovery.families import multilevel
from recovery.families.family import Columns, Fields, SimulationError, Values
from recovery.families.multilevel import Layout, Multilevel, Outcome, models

LARGEST_RATE = 2**30  # of Stan's poisson_rng, because its integers have 32 bits
LARGEST_COUNT = 2**31 - 1


class Options(multilevel.Options):
    """Options of the family."""

    exposure: Annotated[bool, Strict()] = False
    """Whether there is a column `exposure`; expected counts are proportional to it."""


def _ascending(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"got {list(bounds)}, must be [smallest, largest]")
    return bounds


Bounds = Annotated[tuple[Positive, Positive], AfterValidator(_ascending)]


class Poisson(Outcome):
    """Counts; the linear predictor is the logarithm of their expected value.

    Parameters
    ----------
    exposure : bool
        Whether there is a column `exposure`; its logarithm is added to the linear predictor.
    """

    KIND = "integer"
    Y_LABEL = "Count y"
    STRAIGHT = False
    SCALED = False

    def __init__(self, exposure: bool):
        self.COVARIATES = {"exposure": "real"} if exposure else {}
        self.DESIGN = {"exposure": (Bounds, (0.5, 1.5))} if exposure else {}

    def covariates(self, truth: Fields, size: int, rng: np.random.Generator) -> Columns:
        """Draw exposures uniformly between the bounds."""
        if not self.COVARIATES:
            return {}
        low, high = truth.exposure
        return {name: rng.uniform(low, high, size=size) for name in self.COVARIATES}

    def offset(self, columns: Columns) -> np.ndarray | float:
        """Return log exposures."""
        return np.log(columns["exposure"]) if self.COVARIATES else 0.0

    def stan_data(self, columns: Columns) -> dict[str, Any]:
        """Return exposures; 1 without the option."""
        return {"exposure": columns.get("exposure", np.ones(columns["y"].size))}

    def simulate(
        self, predictor: np.ndarray, truth: Fields, rng: np.random.Generator
    ) -> np.ndarray:
        """Draw a count for every linear predictor; SimulationError if it is too large for Stan."""
        if (largest := predictor.max()) > np.log(LARGEST_RATE):
            raise SimulationError(
                f"an expected count is exp({largest:.4g}), must be at most 2^30, exp(20.79); a "
                "truth with smaller beta and sigma_p, or a tighter prior, gives smaller counts"
            )
        return rng.poisson(np.exp(predictor))

    def expected(self, predictor: np.ndarray, values: Values) -> np.ndarray:
        """Return expected counts."""
        with np.errstate(over="ignore"):
            return np.exp(predictor)

    def log_density(
        self, y: np.ndarray, predictor: np.ndarray, values: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        """Return log probabilities."""
        return y * predictor - self.expected(predictor, {}) - gammaln(y + 1)

    def requirements(self, columns: Columns) -> dict[str, tuple[str, np.ndarray]]:
        """Return the requirements for y and exposures, and the rows that meet them."""
        y = columns["y"]
        counts = (y >= 0) & (y <= LARGEST_COUNT) & (y == np.floor(y))
        requirements = {"y": (f"counts: whole numbers from 0 to {LARGEST_COUNT:,}", counts)}
        if self.COVARIATES:
            requirements["exposure"] = ("only numbers above 0", columns["exposure"] > 0)
        return requirements


def family(options: Options) -> Multilevel:
    """Return the family for a study's options."""
    layout, outcome = Layout.of(options), Poisson(options.exposure)
    available = ["pooled", "centered", "noncentered"]
    addition = (
        ". Its beta is then that of the population's average rate, whose intercept is higher than "
        "that of a typical participant"
    )
    programs = models(
        "multilevel_poisson", layout, outcome.PARAMETERS, available, addition, 0.00024
    )
    return Multilevel(
        layout, outcome, programs, lambda classical: classical.poisson(layout, outcome.offset)
    )
