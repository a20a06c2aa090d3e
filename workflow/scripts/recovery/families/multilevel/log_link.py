"""Outcomes with a linear predictor on a logarithmic scale: counts, and positive numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from recovery.families.family import SimulationError
from recovery.families.multilevel.outcome import Outcome

LARGEST_RATE = 2**30  # of Stan's poisson_rng, because its integers have 32 bits
LARGEST_COUNT = 2**31 - 1


class LogLink(Outcome):
    """Outcomes with the mean exp(linear predictor)."""

    STRAIGHT = False
    SCALED = False

    def expected(
        self, predictor: np.ndarray, values: Mapping[str, Any], trials: np.ndarray | None
    ) -> np.ndarray:
        """Return mean outcomes."""
        with np.errstate(over="ignore"):
            return np.exp(predictor)


class Counts(LogLink):
    """Counts that Stan's integers can hold."""

    KIND = "integer"
    Y_LABEL = "Count"

    def requirement(self, y: np.ndarray, trials: np.ndarray | None) -> tuple[str, np.ndarray]:
        """Return the requirement for an observed outcome, and the rows that meet it."""
        valid = (y >= 0) & (y <= LARGEST_COUNT) & (y == np.floor(y))
        return f"counts: whole numbers from 0 to {LARGEST_COUNT:,}", valid


class PositiveNumbers(LogLink):
    """Numbers above 0."""

    def requirement(self, y: np.ndarray, trials: np.ndarray | None) -> tuple[str, np.ndarray]:
        """Return the requirement for an observed outcome, and the rows that meet it."""
        return "numbers above 0", y > 0


def refuse_large(predictor: np.ndarray) -> None:
    """Raise SimulationError if the expected count of a linear predictor is too large for Stan."""
    if predictor.size and (largest := predictor.max()) > np.log(LARGEST_RATE):
        raise SimulationError(
            f"an expected count is exp({largest:.4g}), must be at most 2^30, exp(20.79); a "
            "truth with smaller b and sd, or a tighter prior, gives smaller counts"
        )


def refuse_rounded(y: np.ndarray) -> np.ndarray:
    """Return simulated outcomes; raise SimulationError if one is 0 or infinite."""
    if not np.all(np.isfinite(y) & (y > 0)):
        raise SimulationError("an outcome is too large or too small for a computer's numbers")
    return y
