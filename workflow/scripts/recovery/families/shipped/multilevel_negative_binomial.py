"""Multilevel negative binomial regression: counts that vary more than Poisson's.

y_i ~ neg_binomial_2(exp(eta_i), shape), with the variance mu + mu^2 / shape.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import betaln

from recovery.common.types import Positive
from recovery.families.family import Fields
from recovery.families.multilevel import Multilevel, Options
from recovery.families.multilevel.log_link import Counts, refuse_large
from recovery.families.multilevel.outcome import SHAPE


class NegativeBinomial(Counts):
    """Counts; the linear predictor is the logarithm of their expected value."""

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
        """Draw counts as a gamma mixture of Poisson's; SimulationError if too large for Stan."""
        refuse_large(predictor)
        rate = np.exp(predictor) * rng.gamma(truth.shape, 1 / truth.shape, predictor.size)
        refuse_large(np.log(np.maximum(rate, np.finfo(float).tiny)))
        return rng.poisson(rate)

    def log_density(
        self,
        y: np.ndarray,
        predictor: np.ndarray,
        values: Mapping[str, np.ndarray],
        trials: np.ndarray | None,
    ) -> np.ndarray:
        """Return log probabilities.

        They keep their digits where the shape is large, unlike differences of log gammas.
        """
        shape = values["shape"]
        ratio = predictor - np.log(shape)  # log of the mean over the shape
        choices = np.where(y > 0, -betaln(np.maximum(y, 1), shape) - np.log(np.maximum(y, 1)), 0.0)
        smaller = np.exp(np.minimum(ratio, 0))
        of_shape = np.where(ratio > 0, np.logaddexp(0, ratio), np.log1p(smaller))
        return choices - y * np.logaddexp(0, -ratio) - shape * of_shape


def family(options: Options) -> Multilevel:
    """Return the family for a study's options."""
    return Multilevel(
        "multilevel_negative_binomial",
        options,
        NegativeBinomial(),
        pooled_note=(
            ". Its b is then that of the population's average rate, whose intercept is higher than "
            "that of a typical group, and its shape includes the differences between groups"
        ),
        density_seconds=0.0005,
    )
