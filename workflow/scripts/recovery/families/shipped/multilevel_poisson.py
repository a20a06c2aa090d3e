"""Multilevel Poisson regression: counts.

y_i ~ poisson(exp(eta_i)); an exposure is `offset(log(exposure))` in the formula.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import gammaln

from recovery.families.family import Fields, SimulationError, Values
from recovery.families.multilevel import Multilevel, Options, Outcome

LARGEST_RATE = 2**30  # of Stan's poisson_rng, because its integers have 32 bits
LARGEST_COUNT = 2**31 - 1


def refuse_large(predictor: np.ndarray) -> None:
    """Raise SimulationError if the expected count of a linear predictor is too large for Stan."""
    if predictor.size and (largest := predictor.max()) > np.log(LARGEST_RATE):
        raise SimulationError(
            f"an expected count is exp({largest:.4g}), must be at most 2^30, exp(20.79); a "
            "truth with smaller b and sd, or a tighter prior, gives smaller counts"
        )


def counts(y: np.ndarray) -> tuple[str, np.ndarray]:
    """Return the requirement for observed counts, and the rows that meet it."""
    valid = (y >= 0) & (y <= LARGEST_COUNT) & (y == np.floor(y))
    return f"counts: whole numbers from 0 to {LARGEST_COUNT:,}", valid


class Poisson(Outcome):
    """Counts; the linear predictor is the logarithm of their expected value."""

    KIND = "integer"
    Y_LABEL = "Count"
    STRAIGHT = False
    SCALED = False

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

    def expected(
        self, predictor: np.ndarray, values: Values, trials: np.ndarray | None
    ) -> np.ndarray:
        """Return expected counts."""
        with np.errstate(over="ignore"):
            return np.exp(predictor)

    def log_density(
        self,
        y: np.ndarray,
        predictor: np.ndarray,
        values: Mapping[str, np.ndarray],
        trials: np.ndarray | None,
    ) -> np.ndarray:
        """Return log probabilities."""
        return y * predictor - self.expected(predictor, {}, None) - gammaln(y + 1)

    def requirement(self, y: np.ndarray, trials: np.ndarray | None) -> tuple[str, np.ndarray]:
        """Return the requirement for an observed outcome, and the rows that meet it."""
        return counts(y)


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
