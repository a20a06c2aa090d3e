"""What an outcome is, given its linear predictor: where multilevel families differ."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

import numpy as np

from recovery.families.family import Columns, Settings, Values


class Outcome:
    """The distribution of an outcome, and the parameters that it has of its own."""

    KIND: ClassVar[str] = "real"  # or "integer"
    COVARIATES: Mapping[str, str] = {}  # columns it needs beside the predictors -> their kind
    DESIGN: Mapping[str, Any] = {}  # how these are simulated: fields -> (type, default)
    PARAMETERS: Mapping[str, str] = {}  # its own parameter -> label
    POSITIVE: ClassVar[Collection[str]] = ()  # those that cannot be negative
    TRUTH: Mapping[str, Any] = {}  # fields of a truth -> type
    PRIOR: ClassVar[Mapping[str, Any]] = {}  # fields of a prior -> type
    Y_LABEL: ClassVar[str] = "Outcome y"
    STRAIGHT: ClassVar[bool] = True  # whether expected outcomes are linear in a predictor
    CLOSED: ClassVar[bool] = False  # whether `log_marginal` has a closed form
    SCALED: ClassVar[bool] = True  # whether an observed outcome may be standardized

    def draw(self, prior: Settings, rng: np.random.Generator) -> dict[str, Any]:
        """Draw its fields of a truth from a prior."""
        return {}

    def values(self, truth: Settings) -> Values:
        """Return its parameters' values in a truth."""
        return {}

    def truth_fields(self, means: Values) -> dict[str, Any]:
        """Return its fields of a truth, from its parameters' values."""
        return {}

    def prior_sd(self, prior: Settings) -> Values:
        """Return prior standard deviations of its parameters, where they are known."""
        return {}

    def covariates(self, truth: Settings, size: int, rng: np.random.Generator) -> Columns:
        """Simulate its covariates for as many rows."""
        return {}

    def offset(self, columns: Columns) -> np.ndarray | float:
        """Return what covariates add to the linear predictor of every row."""
        return 0.0

    def stan_data(self, columns: Columns) -> dict[str, Any]:
        """Return what its programs declare in `data` beside y and the regression's own."""
        return {}

    def simulate(
        self, predictor: np.ndarray, truth: Settings, rng: np.random.Generator
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
        """Return the log density of one participant's outcomes, its coefficients integrated out.

        Parameters
        ----------
        y, predictor : ndarray, shape (n_observations, 1) and (n_observations, n_draws)
            Outcomes, and the linear predictor of a participant like the population.
        z : ndarray, shape (n_observations, n_varying)
            The predictors whose coefficients vary.
        covariance : ndarray, shape (n_draws or 1, n_varying, n_varying)
            Of these coefficients.

        Returns
        -------
        ndarray, shape (n_draws,)
        """
        raise NotImplementedError

    def requirements(self, columns: Columns) -> dict[str, tuple[str, np.ndarray]]:
        """Return what observed columns (y, covariates) must hold, and which rows do."""
        return {}
