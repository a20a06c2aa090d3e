"""The distribution of an outcome given its linear predictor: how multilevel families differ."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import numpy as np

from recovery.families.family import Fields, Values
from recovery.families.priors import Bounded, NamedPriors, PriorKey

SCALE = PriorKey("exponential(1)")
SHAPE = PriorKey("gamma(2, 0.1)")


class Outcome:
    """The distribution of an outcome, and its parameters besides the regression's."""

    KIND: ClassVar[str] = "real"  # or "integer"
    CATEGORIES: tuple[int, ...] = ()  # outcomes that there are, if these are categories
    PARAMETERS: Mapping[str, str] = {}  # parameter of the outcome -> label
    STAN: Mapping[str, str] = {}  # parameter -> its name in programs, where that is another
    POSITIVE: ClassVar[Collection[str]] = ()  # parameters that cannot be negative
    LOW: Mapping[str, float] = {}  # lower bounds of parameters that have another than 0
    TRUTH: Mapping[str, Any] = {}  # fields of a truth -> type
    PRIORS: Mapping[str, tuple[str, PriorKey]] = {}  # parameter -> its class in a prior
    TRIALS: ClassVar[bool] = False  # whether the formula names numbers of trials
    INTERCEPT: ClassVar[bool] = True  # whether there is a population intercept
    Y_LABEL: ClassVar[str] = "Outcome"
    STRAIGHT: ClassVar[bool] = True  # whether the expected outcome is the linear predictor
    CLOSED: ClassVar[bool] = False  # whether `log_marginal` has a closed form
    SCALED: ClassVar[bool] = True  # whether an observed outcome may be standardized

    @property
    def low(self) -> dict[str, float]:
        """The lower bounds of its parameters that have one."""
        return dict.fromkeys(self.POSITIVE, 0.0) | dict(self.LOW)

    def draw(self, prior: NamedPriors, shift: float, rng: np.random.Generator) -> dict[str, Any]:
        """Draw the outcome's fields of a truth from a prior.

        `shift` is how much the linear predictor at the means of predictors is above that at 0.
        """
        return {name: prior.bounded(name).draw(rng) for name in self.TRUTH}

    def values(self, truth: Fields) -> Values:
        """Return the values of the outcome's parameters in a truth."""
        return {name: getattr(truth, name) for name in self.PARAMETERS}

    def truth_fields(self, means: Values) -> dict[str, Any]:
        """Return the outcome's fields of a truth, given the values of parameters."""
        return {name: means[name] for name in self.PARAMETERS}

    def prior_sd(self, prior: NamedPriors, at_zero: bool) -> Values:
        """Return the prior standard deviations of its parameters; not finite if there is none.

        `at_zero` says whether the prior of the intercept is at zero of predictors.
        """
        return {name: prior.bounded(name).moments()[1] for name in self.PARAMETERS}

    def priors(self, prior: NamedPriors) -> list[Bounded]:
        """Return the priors of its parameters, in the order of programs."""
        return [prior.bounded(name) for name in self.PARAMETERS]

    def stan_data(self, prior: NamedPriors, means: np.ndarray) -> dict[str, Any]:
        """Return the data of its programs besides the outcome, priors and the regression's.

        `means` are those of the columns of X, shape (K,).
        """
        return {}

    def simulate(
        self,
        predictor: np.ndarray,
        truth: Fields,
        trials: np.ndarray | None,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Draw an outcome for every linear predictor, and number of trials if there are any."""
        raise NotImplementedError

    def expected(
        self, predictor: np.ndarray, values: Mapping[str, Any], trials: np.ndarray | None
    ) -> np.ndarray:
        """Return the mean outcome for every linear predictor."""
        return predictor

    def log_density(
        self,
        y: np.ndarray,
        predictor: np.ndarray,
        values: Mapping[str, np.ndarray],
        trials: np.ndarray | None,
    ) -> np.ndarray:
        """Return the log density of outcomes, shape (n_observations, n_draws).

        `y` and `trials` have shape (n_observations, 1), `predictor` (n_observations, n_draws),
        every value (n_draws,).
        """
        raise NotImplementedError

    def log_marginal(
        self,
        y: np.ndarray,
        predictor: np.ndarray,
        z: np.ndarray,
        covariance: np.ndarray,
        values: Mapping[str, np.ndarray],
    ) -> np.ndarray:
        """Return the log density of a participant's outcomes with its coefficients integrated out.

        Parameters
        ----------
        y, predictor : ndarray, shape (n_observations, 1) and (n_observations, n_draws)
            Outcomes, and the linear predictor at the population's coefficients.
        z : ndarray, shape (n_observations, n_varying)
            The predictors whose coefficients vary.
        covariance : ndarray, shape (n_draws or 1, n_varying, n_varying)
            The covariance of these coefficients.

        Returns
        -------
        ndarray, shape (n_draws,)
        """
        raise NotImplementedError

    def requirement(self, y: np.ndarray, trials: np.ndarray | None) -> tuple[str, np.ndarray]:
        """Return the requirement for an observed outcome, and the rows that meet it."""
        return "numbers", np.isfinite(y)
