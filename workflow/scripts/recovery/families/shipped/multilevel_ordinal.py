"""Multilevel ordinal regression: ordered categories, cumulative logits.

y_i ~ ordered_logistic(X_i beta_p[j(i)], c), with beta[1] = 0: the thresholds c replace a
population intercept, and participants' intercepts vary around 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, Field, Strict
from scipy import stats
from scipy.special import expit, log_expit

from recovery.common.types import Real, tuple_of
from recovery.families import multilevel
from recovery.families.family import Columns, Fields, SimulationError, Values
from recovery.families.multilevel import Layout, Multilevel, Outcome, Scale, models

MOST_CATEGORIES = 20


class Options(multilevel.Options):
    """Options of the family."""

    categories: Annotated[int, Strict(), Field(ge=3, le=MOST_CATEGORIES)] = 5
    """Number of categories, which are numbered from 1."""


def _increasing(c: tuple[float, ...]) -> tuple[float, ...]:
    if not np.all(np.diff(c) > 0):
        raise ValueError(f"got {list(c)}, must be increasing")
    return c


class Ordinal(Outcome):
    """Ordered categories: the log odds of a category above k are the linear predictor - c[k].

    The prior of the thresholds is the distribution of sorted draws from normal(c_mean, c_sd).
    """

    KIND = "integer"
    Y_LABEL = "Category y"
    STRAIGHT = False
    SCALED = False
    PRIOR = {"c_mean": Real, "c_sd": Scale}

    def __init__(self, categories: int):
        self.categories, number = categories, categories - 1
        self.PARAMETERS = {f"c[{k}]": f"Threshold {k}, c[{k}]" for k in range(1, categories)}
        thresholds: Any = tuple_of(Real, number)
        self.TRUTH = {"c": Annotated[thresholds, AfterValidator(_increasing)]}

    def draw(self, prior: Fields, rng: np.random.Generator) -> dict[str, Any]:
        """Draw thresholds from their prior."""
        c = np.sort(rng.normal(prior.c_mean, prior.c_sd, self.categories - 1))
        if not np.all(np.diff(c) > 0):
            raise SimulationError(
                f"two thresholds drawn with c_sd {prior.c_sd} are equal after rounding"
            )
        return {"c": tuple(c)}

    def values(self, truth: Fields) -> Values:
        """Return the thresholds."""
        return dict(zip(self.PARAMETERS, truth.c, strict=True))

    def truth_fields(self, means: Values) -> dict[str, Any]:
        """Return the thresholds."""
        return {"c": tuple(means[name] for name in self.PARAMETERS)}

    def prior_sd(self, prior: Fields) -> Values:
        """Return the prior standard deviations of the thresholds, normal order statistics."""
        number = self.categories - 1
        return {
            name: prior.c_sd * order_statistic_sd(k, number)
            for k, name in enumerate(self.PARAMETERS, start=1)
        }

    def stan_data(self, columns: Columns) -> dict[str, Any]:
        """Return the number of categories."""
        return {"C": self.categories}

    def simulate(
        self, predictor: np.ndarray, truth: Fields, rng: np.random.Generator
    ) -> np.ndarray:
        """Count the thresholds below a latent logistic variable."""
        latent = predictor + rng.logistic(size=predictor.size)
        return 1 + np.searchsorted(truth.c, latent)

    def expected(self, predictor: np.ndarray, values: Values) -> np.ndarray:
        """Return expected category numbers."""
        return 1 + sum(expit(predictor - values[name]) for name in self.PARAMETERS)

    def log_density(
        self, y: np.ndarray, predictor: np.ndarray, values: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        """Return log probabilities.

        The form expit(a) - expit(b) = expit(a) expit(-b) (1 - exp(b - a)) avoids cancellation.
        """
        c = np.array([values[name] for name in self.PARAMETERS])
        infinity = np.full_like(c[:1], np.inf)
        bounds = np.concatenate([-infinity, c, infinity])
        lower, upper = bounds[y[:, 0] - 1], bounds[y[:, 0]]
        log_difference = np.log1p(-np.exp(lower - upper))
        return log_expit(predictor - lower) + log_expit(upper - predictor) + log_difference

    def requirements(self, columns: Columns) -> dict[str, tuple[str, np.ndarray]]:
        """Return the requirement for y, and the rows that meet it."""
        requirement = f"only categories, whole numbers from 1 to {self.categories}"
        return {"y": (requirement, np.isin(columns["y"], np.arange(1, self.categories + 1)))}


def order_statistic_sd(rank: int, number: int) -> float:
    """Return the standard deviation of an order statistic of standard normal draws.

    Its normal cumulative probability has the distribution beta(rank, number + 1 - rank).
    """
    z, step = np.linspace(-12, 12, 2401, retstep=True)
    cdf = stats.norm.cdf(z)
    weight = step * stats.beta.pdf(cdf, rank, number + 1 - rank) * stats.norm.pdf(z)
    return float(np.sqrt(weight @ z**2 - (weight @ z) ** 2))


def family(options: Options) -> Multilevel:
    """Return the family for a study's options."""
    layout, outcome = Layout.of(options, intercept=False), Ordinal(options.categories)
    available = ["pooled", "noncentered"]
    addition = (
        ". Its beta and thresholds are then those of the population's average, which are closer to "
        "0 than those of a participant"
    )
    programs = models("multilevel_ordinal", layout, outcome.PARAMETERS, available, addition, 0.0055)
    return Multilevel(
        layout,
        outcome,
        programs,
        lambda classical: classical.ordinal(layout, [*outcome.PARAMETERS]),
    )
