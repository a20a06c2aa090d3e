"""Multilevel logistic regression: a binary outcome.

y_i ~ bernoulli(inv_logit(X_i beta_p[j(i)]))
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import expit, log_expit

from recovery.families.family import Columns, Fields, Values
from recovery.families.multilevel import Layout, Multilevel, Options, Outcome, models


class Bernoulli(Outcome):
    """0 or 1; the linear predictor is the log odds of 1."""

    KIND = "integer"
    STRAIGHT = False
    SCALED = False

    def simulate(
        self, predictor: np.ndarray, truth: Fields, rng: np.random.Generator
    ) -> np.ndarray:
        """Draw 0 or 1 for every linear predictor."""
        return (rng.random(predictor.size) < expit(predictor)).astype(int)

    def expected(self, predictor: np.ndarray, values: Values) -> np.ndarray:
        """Return probabilities of 1."""
        return expit(predictor)

    def log_density(
        self, y: np.ndarray, predictor: np.ndarray, values: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        """Return log probabilities."""
        return log_expit(np.where(y == 1, predictor, -predictor))

    def requirements(self, columns: Columns) -> dict[str, tuple[str, np.ndarray]]:
        """Return the requirement for y, and the rows that meet it."""
        return {"y": ("only 0 and 1", np.isin(columns["y"], (0, 1)))}


def family(options: Options) -> Multilevel:
    """Return the family for a study's options."""
    layout, outcome = Layout.of(options), Bernoulli()
    available = ["pooled", "centered", "noncentered"]
    addition = (
        ". Its beta is then the effect on the population's average, which is closer to 0 than the "
        "effect on a participant"
    )
    programs = models(
        "multilevel_bernoulli", layout, outcome.PARAMETERS, available, addition, 0.00035
    )
    return Multilevel(layout, outcome, programs, lambda classical: classical.bernoulli(layout))
