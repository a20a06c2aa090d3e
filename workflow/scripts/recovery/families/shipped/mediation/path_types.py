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
    Text,
    tuple_of,
)
from recovery.families import correlations
from recovery.families.priors import CORRELATIONS, PriorKey, prior_type

PATHS, INTERCEPTS, RESIDUALS = ("a", "b", "cp"), ("d_m", "d_y"), ("sigma_m", "sigma_y")
VARYING = (*PATHS, *INTERCEPTS)
SIZE = len(VARYING)
INDICES = range(1, SIZE + 1)
PAIRS = tuple(combinations(INDICES, 2))
SDS = tuple(f"sigma_p[{k}]" for k in INDICES)
OMEGA = tuple(f"Omega[{k},{q}]" for k, q in PAIRS)
_KEYS = (  # parameters, their own keys in a prior, the key for all of them, and what it may be
    (PATHS, PATHS, "path", PriorKey("normal(0, 1)")),
    (INTERCEPTS, INTERCEPTS, "intercept", PriorKey("normal(0, 1)")),
    (SDS, tuple(f"sd_{name}" for name in VARYING), "sd", PriorKey("exponential(1)")),
    (RESIDUALS, RESIDUALS, "sigma", PriorKey("exponential(1)")),
)
_COR = PriorKey("lkj(2)", CORRELATIONS)


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


Prior = prior_type(
    {
        parameter: (own, common)
        for parameters, names, common, _ in _KEYS
        for parameter, own in zip(parameters, names, strict=True)
    }
    | dict.fromkeys(OMEGA, ("cor",)),
    {key: kind for _, names, common, kind in _KEYS for key in (*names, common)} | {"cor": _COR},
    dict.fromkeys((*SDS, *RESIDUALS), 0.0),
)


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
