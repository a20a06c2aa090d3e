"""The types of truths, priors and observed columns of a multilevel regression."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, create_model, model_validator

from recovery.common.types import (
    Correlation,
    Frozen,
    NonNegative,
    Proportion,
    Real,
    Scale,
    Text,
    repeated,
    tuple_of,
)
from recovery.families import correlations
from recovery.families.multilevel.layout import Layout
from recovery.families.multilevel.outcome import Outcome


class Design(Frozen):
    """Settings of the generator besides parameters: the distribution of x, and missing data."""

    x: Literal["standard_normal", "days"] = "standard_normal"
    missing: Proportion | None = None


class MultilevelTruth(Design):
    """Parameter values from which data are generated; the family adds its fields."""

    @model_validator(mode="after")
    def _is_a_correlation_matrix(self: Any) -> Any:
        size = len(self.sigma_p)
        if size == 1:
            return self
        if (self.rho is None) == (self.Omega is None):
            raise ValueError("must have either rho or Omega")
        omega = self.correlations
        if requirement := correlations.unmet_requirement(omega):
            got = f"rho: got {self.rho}" if self.Omega is None else f"Omega: got {omega.tolist()}"
            raise ValueError(f"{got}, must be {requirement}")
        return self

    @property
    def correlations(self: Any) -> np.ndarray:
        """Correlations of the participants' coefficients, shape (Q, Q)."""
        size = len(self.sigma_p)
        if size == 1:
            return np.ones((1, 1))
        if self.Omega is not None:
            return np.array(self.Omega)
        omega = np.full((size, size), self.rho)
        np.fill_diagonal(omega, 1.0)
        return omega


def correlation_field(omega: np.ndarray) -> dict[str, Any]:
    """Return the field of a truth for a correlation matrix: `rho` for two, otherwise `Omega`.

    Correlations that would round to a singular matrix are moved towards 0.
    """
    if len(omega) == 2:
        return {
            "rho": float(
                np.clip(
                    omega[0, 1], -correlations.LARGEST_CORRELATION, correlations.LARGEST_CORRELATION
                )
            )
        }
    return {"Omega": tuple(map(tuple, correlations.shrunken(omega).tolist()))}


def design_type(outcome: Outcome) -> type[Design]:
    """Return the type of the generator's settings besides parameters."""
    return create_model("Design", __base__=Design, __doc__=Design.__doc__, **outcome.DESIGN)


def truth_type(layout: Layout, outcome: Outcome) -> type[MultilevelTruth]:
    """Return the type of a truth; `rho` is the correlation of every pair, `Omega` the matrix."""
    q = len(layout.varying)
    square = tuple_of(tuple_of(Real, q), q)
    correlated: dict[str, Any] = {"rho": (Correlation | None, None), "Omega": (square | None, None)}
    fields: dict[str, Any] = {
        "beta": (tuple_of(Real, len(layout.beta)), ...),
        "sigma_p": (tuple_of(NonNegative, q), ...),
        **(correlated if q > 1 else {}),
        **{name: (kind, ...) for name, kind in outcome.TRUTH.items()},
        **outcome.DESIGN,
    }
    description = "Parameter values from which data are generated."
    return create_model("Truth", __base__=MultilevelTruth, __doc__=description, **fields)


def prior_type(layout: Layout, outcome: Outcome) -> type[BaseModel]:
    """Return the type of a prior; its fields are the data `prior_NAME` of the Stan programs."""
    q = len(layout.varying)
    fields: dict[str, Any] = {
        "beta_mean": (repeated(Real, len(layout.beta)), ...),
        "beta_sd": (repeated(Scale, len(layout.beta)), ...),
        "sigma_p_rate": (repeated(Scale, q), ...),
        **({"lkj_eta": (Scale, ...)} if q > 1 else {}),
        **{name: (kind, ...) for name, kind in outcome.PRIOR.items()},
    }
    description = "A setting of every hyperparameter."
    return create_model("Prior", __base__=Frozen, __doc__=description, **fields)


def observed_type(layout: Layout, outcome: Outcome) -> type[BaseModel]:
    """Return the type of the column names of a CSV file with a multilevel family's data."""
    number = len(layout.predictors)
    predictors = {"predictor": Text} if number == 1 else {"predictors": tuple_of(Text, number)}
    fields: dict[str, Any] = {
        "outcome": (Text, ...),
        **{name: (kind, ...) for name, kind in predictors.items()},
        "participant": (Text, ...),
        **dict.fromkeys(outcome.COVARIATES, (Text, ...)),
    }
    description = "The column names of a CSV file with the family's data."
    return create_model("ObservedColumns", __base__=Frozen, __doc__=description, **fields)
