"""Multilevel Poisson regression: counts.

y_i ~ poisson(exp(eta_i)); an exposure is `offset(log(exposure))` in the formula.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import gammaln

from recovery.families.family import Fields
from recovery.families.multilevel import Multilevel, Options
from recovery.families.multilevel.log_link import Counts, refuse_large


class Poisson(Counts):
    """Counts; the linear predictor is the logarithm of their expected value."""

    def simulate(
        self,
        predictor: np.ndarray,
        truth: Fields,
        trials: np.ndarray | None,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Draw a count for every linear predictor; SimulationError if it is too large for Stan."""
        refuse_large(predictor)
        return rng.poisson(np.exp(predictor))

    def log_density(
        self,
        y: np.ndarray,
        predictor: np.ndarray,
        values: Mapping[str, np.ndarray],
        trials: np.ndarray | None,
    ) -> np.ndarray:
        """Return log probabilities."""
        return y * predictor - self.expected(predictor, {}, None) - gammaln(y + 1)


def family(options: Options) -> Multilevel:
    """Return the family for a study's options."""
    return Multilevel(
        "multilevel_poisson",
        options,
        Poisson(),
        pooled_note=(
            ". Its b is then that of the population's average rate, whose intercept is higher than "
            "that of a typical group"
        ),
        density_seconds=0.00024,
        estimators=lambda classical, layout: classical.poisson(layout),
    )
