"""Multilevel beta regression: proportions between 0 and 1.

y_i ~ beta_proportion(inv_logit(eta_i), phi), with the variance mu (1 - mu) / (1 + phi).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import expit, gammaln

from recovery.common.types import Positive
from recovery.families.family import Fields, SimulationError
from recovery.families.multilevel import Multilevel, Options, Outcome
from recovery.families.multilevel.outcome import SHAPE


class Beta(Outcome):
    """Proportions; the linear predictor is the logit of their mean."""

    PARAMETERS = {"phi": "Precision, phi"}
    POSITIVE = ("phi",)
    TRUTH = {"phi": Positive}
    PRIORS = {"phi": ("phi", SHAPE)}
    Y_LABEL = "Proportion"
    STRAIGHT = False
    SCALED = False

    def simulate(
        self,
        predictor: np.ndarray,
        truth: Fields,
        trials: np.ndarray | None,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Draw a proportion for every linear predictor; SimulationError if it rounds to 0 or 1."""
        a, b = expit(predictor) * truth.phi, expit(-predictor) * truth.phi
        y = rng.beta(a, b) if np.all((a > 0) & (b > 0)) else np.zeros(1)
        if not np.all((y > 0) & (y < 1)):
            raise SimulationError("a proportion is 0 or 1 after rounding")
        return y

    def expected(
        self, predictor: np.ndarray, values: Mapping[str, Any], trials: np.ndarray | None
    ) -> np.ndarray:
        """Return mean proportions."""
        return expit(predictor)

    def log_density(
        self,
        y: np.ndarray,
        predictor: np.ndarray,
        values: Mapping[str, np.ndarray],
        trials: np.ndarray | None,
    ) -> np.ndarray:
        """Return log densities."""
        phi = values["phi"]
        a, b = expit(predictor) * phi, expit(-predictor) * phi
        constant = gammaln(phi) - gammaln(a) - gammaln(b)
        return constant + (a - 1) * np.log(y) + (b - 1) * np.log1p(-y)

    def requirement(self, y: np.ndarray, trials: np.ndarray | None) -> tuple[str, np.ndarray]:
        """Return the requirement for an observed outcome, and the rows that meet it."""
        return "numbers between 0 and 1", (y > 0) & (y < 1)


def family(options: Options) -> Multilevel:
    """Return the family for a study's options."""
    return Multilevel(
        "multilevel_beta",
        options,
        Beta(),
        pooled_note=(
            ". Its b is then that of the population's average, which is closer to 0 than that in "
            "a group, and its phi includes the differences between groups"
        ),
        density_seconds=0.0015,
    )
