"""Multilevel ordinal regression: ordered categories, cumulative logits.

y_i ~ ordered_logistic(X_i beta_p[j(i)], c), with beta[1] = 0: the thresholds c take the
place of a population intercept, around which participants' own vary.
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
from recovery.families.family import Columns, Settings, SimulationError, Values
from recovery.families.multilevel import Layout, Multilevel, Outcome, Scale, models

MOST_CATEGORIES = 20


class Options(multilevel.Options):
    """What may stand beside the family's name."""

    categories: Annotated[int, Strict(), Field(ge=3, le=MOST_CATEGORIES)] = 5
    """How many categories; they are numbered from 1."""


def _increasing(c: tuple[float, ...]) -> tuple[float, ...]:
    if not np.all(np.diff(c) > 0):
        raise ValueError(f"got {list(c)}, must be increasing")
    return c


class Ordinal(Outcome):
    """Ordered categories: those above k have log odds of the linear predictor less c[k].

    The thresholds' prior is that of sorted draws from normal(c_mean, c_sd): iid normals,
    given their order.
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

    def draw(self, prior: Settings, rng: np.random.Generator) -> dict[str, Any]:
        """Draw thresholds from their prior."""
        c = np.sort(rng.normal(prior.c_mean, prior.c_sd, self.categories - 1))
        if not np.all(np.diff(c) > 0):
            raise SimulationError(
                f"two thresholds drawn with c_sd {prior.c_sd} are equal after rounding"
            )
        return {"c": tuple(c)}

    def values(self, truth: Settings) -> Values:
        """Return the thresholds."""
        return dict(zip(self.PARAMETERS, truth.c, strict=True))

    def truth_fields(self, means: Values) -> dict[str, Any]:
        """Return the thresholds."""
        return {"c": tuple(means[name] for name in self.PARAMETERS)}

    def prior_sd(self, prior: Settings) -> Values:
        """Return those of the thresholds: normal order statistics."""
        number = self.categories - 1
        return {
            name: prior.c_sd * order_statistic_sd(place, number)
            for place, name in enumerate(self.PARAMETERS, start=1)
        }

    def stan_data(self, columns: Columns) -> dict[str, Any]:
        """Return the number of categories."""
        return {"C": self.categories}

    def simulate(
        self, predictor: np.ndarray, truth: Settings, rng: np.random.Generator
    ) -> np.ndarray:
        """Count the thresholds below a latent logistic variable."""
        latent = predictor + rng.logistic(size=predictor.size)
        return 1 + np.searchsorted(truth.c, latent)

    def expected(self, predictor: np.ndarray, values: Values) -> np.ndarray:
        """Return means of the categories' numbers."""
        return 1 + sum(expit(predictor - values[name]) for name in self.PARAMETERS)

    def log_density(
        self, y: np.ndarray, predictor: np.ndarray, values: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        """Return log probabilities.

        expit(a) - expit(b) = expit(a) expit(-b) (1 - exp(b - a)), which cannot cancel.
        """
        c = np.array([values[name] for name in self.PARAMETERS])
        edge = np.full_like(c[:1], np.inf)
        bounds = np.concatenate([-edge, c, edge])
        below, above = bounds[y[:, 0] - 1], bounds[y[:, 0]]
        apart = np.log1p(-np.exp(below - above))
        return log_expit(predictor - below) + log_expit(above - predictor) + apart

    def requirements(self, columns: Columns) -> dict[str, tuple[str, np.ndarray]]:
        """Return what y must hold, and which rows do."""
        wanted = f"only categories, whole numbers from 1 to {self.categories}"
        return {"y": (wanted, np.isin(columns["y"], np.arange(1, self.categories + 1)))}


def order_statistic_sd(place: int, number: int) -> float:
    """Return the standard deviation of the smallest, ..., largest of standard normal draws.

    Their places in the normal distribution are beta(place, number + 1 - place).
    """
    z, step = np.linspace(-12, 12, 2401, retstep=True)
    cdf = stats.norm.cdf(z)
    weight = step * stats.beta.pdf(cdf, place, number + 1 - place) * stats.norm.pdf(z)
    return float(np.sqrt(weight @ z**2 - (weight @ z) ** 2))


def family(options: Options) -> Multilevel:
    """Return the family for a study's options."""
    layout, outcome = Layout.of(options, intercept=False), Ordinal(options.categories)
    absorbs = (
        ". Then its beta and its thresholds are those of the population's average too, nearer "
        "to 0 than a participant's"
    )
    serving = ["pooled", "noncentered"]
    shared = models("multilevel_ordinal", layout, outcome.PARAMETERS, serving, absorbs)
    return Multilevel(
        layout, outcome, shared, lambda classical: classical.ordinal(layout, [*outcome.PARAMETERS])
    )
