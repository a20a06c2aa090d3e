"""The distribution of an outcome given its linear predictor: how multilevel families differ."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import numpy as np

from recovery.families.family import Columns, Fields, Values


class Outcome:
    """The distribution of an outcome, and its parameters besides the regression's."""

    KIND: ClassVar[str] = "real"  # or "integer"
    COVARIATES: Mapping[str, str] = {}  # columns besides the predictors -> their kind
    DESIGN: Mapping[str, Any] = {}  # their simulation: fields -> (type, default)
    PARAMETERS: Mapping[str, str] = {}  # parameter of the outcome -> label
    POSITIVE: ClassVar[Collection[str]] = ()  # parameters that cannot be negative
    TRUTH: Mapping[str, Any] = {}  # fields of a truth -> type
    PRIOR: ClassVar[Mapping[str, Any]] = {}  # fields of a prior -> type
    Y_LABEL: ClassVar[str] = "Outcome y"
    STRAIGHT: ClassVar[bool] = True  # whether expected outcomes are linear in a predictor
    CLOSED: ClassVar[bool] = False  # whether `log_marginal` has a closed form
    SCALED: ClassVar[bool] = True  # whether an observed outcome may be standardized

    def draw(self, prior: Fields, rng: np.random.Generator) -> dict[str, Any]:
        """Draw the outcome's fields of a truth from a prior."""
        return {}

    def values(self, truth: Fields) -> Values:
        """Return the values of the outcome's parameters in a truth."""
        return {}

    def truth_fields(self, means: Values) -> dict[str, Any]:
        """Return the outcome's fields of a truth, given the values of parameters."""
        return {}

    def prior_sd(self, prior: Fields) -> Values:
        """Return the known prior standard deviations of the outcome's parameters."""
        return {}

    def covariates(self, truth: Fields, size: int, rng: np.random.Generator) -> Columns:
        """Simulate the covariates of `size` rows."""
        return {}

    def offset(self, columns: Columns) -> np.ndarray | float:
        """Return the offset in the linear predictor of every row."""
        return 0.0

    def stan_data(self, columns: Columns) -> dict[str, Any]:
        """Return the data of its Stan programs besides y and those of the regression."""
        return {}

    def simulate(
        self, predictor: np.ndarray, truth: Fields, rng: np.random.Generator
    ) -> np.ndarray:
        """Draw an outcome for every linear predictor."""
        raise NotImplementedError

    def expected(self, predictor: np.ndarray, values: Values) -> np.ndarray:
        """Return the mean outcome for every linear predictor."""
        return predictor

    def log_density(
        self, y: np.ndarray, predictor: np.ndarray, values: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        """Return the log density of outcomes, shape (n_observations, n_draws).

        `y` has shape (n_observations, 1), `predictor` (n_observations, n_draws), every
        value (n_draws,).
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

    def requirements(self, columns: Columns) -> dict[str, tuple[str, np.ndarray]]:
        """Return the requirement for each observed column, and the rows that meet it."""
        return {}
