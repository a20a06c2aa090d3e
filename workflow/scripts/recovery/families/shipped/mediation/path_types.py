"""The types of truths, priors and observed columns of the family mediation."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
from pydantic import model_validator

from recovery.common.types import (
    Correlation,
    Frozen,
    NonNegative,
    Positive,
    Real,
    Scale,
    Text,
    repeated,
    tuple_of,
)
from recovery.families import correlations

PATHS, INTERCEPTS, RESIDUALS = ("a", "b", "cp"), ("d_m", "d_y"), ("sigma_m", "sigma_y")
VARYING = (*PATHS, *INTERCEPTS)
SIZE = len(VARYING)
INDICES = range(1, SIZE + 1)
PAIRS = tuple(combinations(INDICES, 2))


class Truth(Frozen):
    """Parameter values from which data are generated."""

    a: Real
    """Path from x to m."""
    b: Real
    """Path from m to y, given x."""
    cp: Real
    """Path from x to y, given m: the direct effect."""
    d_m: Real = 0.0
    d_y: Real = 0.0
    sigma_p: tuple_of(NonNegative, SIZE)  # type: ignore[valid-type]
    """Participants' standard deviations of a, b, cp, d_m and d_y."""
    rho_ab: Correlation | None = None
    """Correlation of participants' a and b; all others are 0."""
    Omega: tuple_of(tuple_of(Real, SIZE), SIZE) | None = None  # type: ignore[valid-type]
    """Correlations of a, b, cp, d_m and d_y."""
    sigma_m: Positive
    sigma_y: Positive

    @model_validator(mode="after")
    def _is_a_correlation_matrix(self) -> Truth:
        if (self.rho_ab is None) == (self.Omega is None):
            raise ValueError("must have either rho_ab or Omega")
        if requirement := correlations.unmet_requirement(self.correlations):
            raise ValueError(f"Omega: got {self.correlations.tolist()}, must be {requirement}")
        return self

    @property
    def correlations(self) -> np.ndarray:
        """Correlations of the participants' coefficients, shape (5, 5)."""
        if self.Omega is not None:
            return np.array(self.Omega)
        omega = np.eye(SIZE)
        omega[0, 1] = omega[1, 0] = self.rho_ab
        return omega


class Prior(Frozen):
    """A setting of every hyperparameter; the data `prior_NAME` of the Stan program."""

    path_mean: repeated(Real, len(PATHS))  # type: ignore[valid-type]
    path_sd: repeated(Scale, len(PATHS))  # type: ignore[valid-type]
    intercept_mean: repeated(Real, len(INTERCEPTS))  # type: ignore[valid-type]
    intercept_sd: repeated(Scale, len(INTERCEPTS))  # type: ignore[valid-type]
    sigma_p_rate: repeated(Scale, SIZE)  # type: ignore[valid-type]
    sigma_rate: repeated(Scale, len(RESIDUALS))  # type: ignore[valid-type]
    lkj_eta: Scale


class ObservedColumns(Frozen):
    """The column names of a CSV file with the family's data."""

    outcome: Text
    mediator: Text
    predictor: Text
    participant: Text


def effects(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the indirect and total effects of the population, given its other parameters."""
    covariance = values["sigma_p[1]"] * values["sigma_p[2]"] * values["Omega[1,2]"]
    indirect = values["a"] * values["b"] + covariance
    return {"indirect": indirect, "total": indirect + values["cp"]}
