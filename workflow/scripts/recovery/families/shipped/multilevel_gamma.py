"""Multilevel gamma regression: positive outcomes of constant coefficient of variation.

y_i ~ gamma(shape, shape / exp(eta_i)): the mean is exp(eta_i).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import gammaln

from recovery.common.types import Positive
from recovery.families.family import Fields
from recovery.families.multilevel import Multilevel, Options
from recovery.families.multilevel.log_link import PositiveNumbers, refuse_rounded
from recovery.families.multilevel.outcome import SHAPE


class Gamma(PositiveNumbers):
    """Positive outcomes; the linear predictor is the logarithm of their mean."""

    PARAMETERS = {"shape": "Shape, shape"}
    POSITIVE = ("shape",)
    TRUTH = {"shape": Positive}
    PRIORS = {"shape": ("shape", SHAPE)}

    def simulate(
        self,
        predictor: np.ndarray,
        truth: Fields,
        trials: np.ndarray | None,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Draw an outcome for every linear predictor; SimulationError if it rounds to 0."""
        with np.errstate(over="ignore", invalid="ignore"):
            y = np.exp(predictor) * rng.gamma(truth.shape, 1 / truth.shape, predictor.size)
        return refuse_rounded(y)

    def log_density(
        self,
        y: np.ndarray,
        predictor: np.ndarray,
        values: Mapping[str, np.ndarray],
        trials: np.ndarray | None,
    ) -> np.ndarray:
        """Return log densities."""
        shape = values["shape"]
        log_rate = np.log(shape) - predictor
        return shape * log_rate + (shape - 1) * np.log(y) - np.exp(log_rate) * y - gammaln(shape)


def family(options: Options) -> Multilevel:
    """Return the family for a study's options."""
    return Multilevel(
        "multilevel_gamma",
        options,
        Gamma(),
        pooled_note=(
            ". Its b is then that of the population's average, whose intercept is higher than that "
            "of a typical group, and its shape includes the differences between groups"
        ),
        density_seconds=0.0006,
    )
