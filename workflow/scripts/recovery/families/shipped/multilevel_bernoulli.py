"""Multilevel logistic regression: a binary outcome.

y_i ~ bernoulli(inv_logit(eta_i))
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import expit, log_expit

from recovery.families.family import Fields
from recovery.families.multilevel import Multilevel, Options, Outcome


class Bernoulli(Outcome):
    """0 or 1; the linear predictor is the log odds of 1."""

    KIND = "integer"
    CATEGORIES = (0, 1)
    STRAIGHT = False
    SCALED = False

    def simulate(
        self,
        predictor: np.ndarray,
        truth: Fields,
        trials: np.ndarray | None,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Draw 0 or 1 for every linear predictor."""
        return (rng.random(predictor.size) < expit(predictor)).astype(int)

    def expected(
        self, predictor: np.ndarray, values: Mapping[str, Any], trials: np.ndarray | None
    ) -> np.ndarray:
        """Return probabilities of 1."""
        return expit(predictor)

    def log_density(
        self,
        y: np.ndarray,
        predictor: np.ndarray,
        values: Mapping[str, np.ndarray],
        trials: np.ndarray | None,
    ) -> np.ndarray:
        """Return log probabilities."""
        return log_expit(np.where(y == 1, predictor, -predictor))

    def requirement(self, y: np.ndarray, trials: np.ndarray | None) -> tuple[str, np.ndarray]:
        """Return the requirement for an observed outcome, and the rows that meet it."""
        return "only 0 and 1", np.isin(y, (0, 1))


def family(options: Options) -> Multilevel:
    """Return the family for a study's options."""
    return Multilevel(
        "multilevel_bernoulli",
        options,
        Bernoulli(),
        pooled_note=(
            ". Its b is then the effect on the population's average, which is closer to 0 than the "
            "effect in a group"
        ),
        density_seconds=0.00035,
        estimators=lambda classical, layout: classical.bernoulli(layout),
    )
