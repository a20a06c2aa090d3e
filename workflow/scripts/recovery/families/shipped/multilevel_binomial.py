"""Multilevel binomial regression: successes of a number of trials.

y_i ~ binomial(trials_i, inv_logit(eta_i)); the formula is `y | trials(n) ~ ...`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import expit, gammaln, log_expit

from recovery.families.family import Fields
from recovery.families.multilevel import Multilevel, Options, Outcome


class Binomial(Outcome):
    """Numbers of successes; the linear predictor is the log odds of a success."""

    KIND = "integer"
    Y_LABEL = "Successes"
    STRAIGHT = False
    SCALED = False
    TRIALS = True

    def simulate(
        self,
        predictor: np.ndarray,
        truth: Fields,
        trials: np.ndarray | None,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Draw a number of successes for every linear predictor."""
        return rng.binomial(_given(trials), expit(predictor))

    def expected(
        self, predictor: np.ndarray, values: Mapping[str, Any], trials: np.ndarray | None
    ) -> np.ndarray:
        """Return expected numbers of successes."""
        return (_given(trials) * expit(predictor).T).T

    def log_density(
        self,
        y: np.ndarray,
        predictor: np.ndarray,
        values: Mapping[str, np.ndarray],
        trials: np.ndarray | None,
    ) -> np.ndarray:
        """Return log probabilities."""
        n = _given(trials)
        choices = gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1)
        return choices + y * log_expit(predictor) + (n - y) * log_expit(-predictor)

    def requirement(self, y: np.ndarray, trials: np.ndarray | None) -> tuple[str, np.ndarray]:
        """Return the requirement for an observed outcome, and the rows that meet it."""
        valid = (y >= 0) & (y <= _given(trials)) & (y == np.floor(y))
        return "whole numbers from 0 to the number of trials", valid


def _given(trials: np.ndarray | None) -> np.ndarray:
    assert trials is not None  # the formula has them
    return trials


def family(options: Options) -> Multilevel:
    """Return the family for a study's options."""
    return Multilevel(
        "multilevel_binomial",
        options,
        Binomial(),
        pooled_note=(
            ". Its b is then that of the population's average, which is closer to 0 than that in "
            "a group"
        ),
        density_seconds=0.0006,
    )
