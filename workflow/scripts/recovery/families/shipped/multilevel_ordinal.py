"""Multilevel ordinal regression: ordered categories, cumulative logits.

y_i ~ ordered_logistic(eta_i, c): the thresholds c replace a population intercept, and groups'
intercepts vary around 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, Field, Strict
from scipy import stats
from scipy.special import expit, log_expit, ndtr

from recovery.common.types import Real, tuple_of
from recovery.families import multilevel
from recovery.families.family import Fields, SimulationError, Values
from recovery.families.multilevel import Multilevel, Outcome
from recovery.families.priors import WHOLE_LINE, Bounded, NamedPriors, PriorKey, program_data

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

    The prior of the thresholds at the means of predictors is the distribution of sorted draws from
    the prior `Intercept`.
    """

    KIND = "integer"
    Y_LABEL = "Category"
    STRAIGHT = False
    SCALED = False
    INTERCEPT = False

    def __init__(self, categories: int):
        self.categories, numbers = categories, range(1, categories)
        self.CATEGORIES = (*numbers, categories)
        self.PARAMETERS = {f"b_Intercept[{k}]": f"Threshold {k}, b_Intercept[{k}]" for k in numbers}
        self.STAN = {f"b_Intercept[{k}]": f"c[{k}]" for k in numbers}
        one = PriorKey("normal(0, 1)", WHOLE_LINE)
        self.PRIORS = dict.fromkeys(self.PARAMETERS, ("Intercept", one))
        thresholds: Any = tuple_of(Real, categories - 1)
        self.TRUTH = {"thresholds": Annotated[thresholds, AfterValidator(_increasing)]}

    def draw(self, prior: NamedPriors, shift: float, rng: np.random.Generator) -> dict[str, Any]:
        """Draw thresholds from their prior, which is at the means of predictors."""
        one = prior.bounded("b_Intercept[1]")
        drawn = np.sort([one.draw(rng) for _ in self.PARAMETERS])
        thresholds = drawn + shift
        if not np.all(np.diff(thresholds) > 0):
            raise SimulationError(f"two thresholds drawn from {one.distribution} are equal")
        return {"thresholds": tuple(thresholds.tolist())}

    def values(self, truth: Fields) -> Values:
        """Return the thresholds."""
        return dict(zip(self.PARAMETERS, truth.thresholds, strict=True))

    def truth_fields(self, means: Values) -> dict[str, Any]:
        """Return the thresholds."""
        return {"thresholds": tuple(means[name] for name in self.PARAMETERS)}

    def prior_sd(self, prior: NamedPriors, at_zero: bool) -> Values:
        """Return those of the thresholds, order statistics; none if they depend on predictors."""
        one = prior.of("b_Intercept[1]")
        if not at_zero or not np.isfinite(one.moments()[1]):
            return {}
        number = len(self.PARAMETERS)
        z, step = np.linspace(-8, 8, 1601, retstep=True)
        x = np.array([one.from_upper_tail(tail) for tail in ndtr(-z)])
        weight = step * stats.norm.pdf(z)
        known = {}
        for k, name in enumerate(self.PARAMETERS, start=1):
            # Its cumulative probability has the distribution beta(k, number + 1 - k).
            share = weight * stats.beta.pdf(ndtr(z), k, number + 1 - k)
            known[name] = float(np.sqrt(share @ x**2 - (share @ x) ** 2))
        return known

    def priors(self, prior: NamedPriors) -> list[Bounded]:
        """Return none: programs have the prior of the thresholds by itself."""
        return []

    def stan_data(self, prior: NamedPriors, means: np.ndarray) -> dict[str, Any]:
        """Return the number of categories, the means of predictors, the prior of thresholds."""
        one = program_data([prior.bounded("b_Intercept[1]")])
        return {
            "C": self.categories,
            "c_X_mean": means,
            "c_distribution": one["prior_distribution"][0],
            "c_arguments": one["prior_arguments"][0],
        }

    def simulate(
        self,
        predictor: np.ndarray,
        truth: Fields,
        trials: np.ndarray | None,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Count the thresholds below a latent logistic variable."""
        latent = predictor + rng.logistic(size=predictor.size)
        return 1 + np.searchsorted(truth.thresholds, latent)

    def expected(
        self, predictor: np.ndarray, values: Mapping[str, Any], trials: np.ndarray | None
    ) -> np.ndarray:
        """Return expected category numbers."""
        return 1 + sum(expit(predictor - values[name]) for name in self.PARAMETERS)

    def log_density(
        self,
        y: np.ndarray,
        predictor: np.ndarray,
        values: Mapping[str, np.ndarray],
        trials: np.ndarray | None,
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

    def requirement(self, y: np.ndarray, trials: np.ndarray | None) -> tuple[str, np.ndarray]:
        """Return the requirement for an observed outcome, and the rows that meet it."""
        requirement = f"only categories, whole numbers from 1 to {self.categories}"
        return requirement, np.isin(y, np.arange(1, self.categories + 1))


def family(options: Options) -> Multilevel:
    """Return the family for a study's options."""
    outcome = Ordinal(options.categories)
    return Multilevel(
        "multilevel_ordinal",
        options,
        outcome,
        pooled_note=(
            ". Its b and thresholds are then those of the population's average, which are closer "
            "to 0 than those in a group"
        ),
        density_seconds=0.0055,
        estimators=lambda classical, layout: classical.ordinal(layout, [*outcome.PARAMETERS]),
    )
