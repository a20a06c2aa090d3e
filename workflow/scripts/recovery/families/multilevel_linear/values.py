"""What a truth and a prior hold, and truths drawn from a prior."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BeforeValidator, TypeAdapter, model_validator

from recovery.families.base import Values
from recovery.families.lkj import draw_correlation
from recovery.families.multilevel_linear.names import MODELS, PARAMETERS, K
from recovery.fields import Correlation, Frozen, NonNegative, Positive, Real, Text

LARGEST_RHO = 1 - 1e-12  # what rounds to 1 is not positive definite


def _drawable(value: float) -> float:
    """Refuse what no truth could be drawn from without overflow."""
    if not 1e-50 <= value <= 1e50:
        raise ValueError(f"got {value}, must be from 1e-50 to 1e50")
    return value


def _one_for_all(kind: Any) -> BeforeValidator:
    """A number stands for all coefficients, and is checked as one."""
    number = TypeAdapter(kind)

    def widened(value: Any) -> Any:
        many = isinstance(value, list | tuple)
        return value if many else (number.validate_python(value),) * K

    return BeforeValidator(widened, json_schema_input_type=kind | tuple[kind, kind])


Reals = Annotated[tuple[Real, Real], _one_for_all(Real)]
Scale = Annotated[Positive, AfterValidator(_drawable)]
Scales = Annotated[tuple[Scale, Scale], _one_for_all(Scale)]
Row = tuple[Real, Real]


class Design(Frozen):
    """What the generator needs besides parameters: how x comes about."""

    x: Literal["standard_normal", "days"] = "standard_normal"


class Truth(Design):
    """Parameter values that data are generated from; `rho` or `Omega`, not both."""

    beta: tuple[Real, Real]
    sigma_p: tuple[NonNegative, NonNegative]
    rho: Correlation | None = None
    Omega: tuple[Row, Row] | None = None
    sigma: Positive

    @model_validator(mode="after")
    def _is_a_correlation_matrix(self) -> Truth:
        if (self.rho is None) == (self.Omega is None):
            raise ValueError("must have either rho or Omega")
        omega = self.correlations
        if not np.array_equal(omega, omega.T) or not np.array_equal(np.diag(omega), np.ones(K)):
            raise ValueError(f"Omega: got {omega.tolist()}, must be symmetric with a diagonal of 1")
        if np.linalg.eigvalsh(omega).min() <= 0:
            raise ValueError(f"Omega: got {omega.tolist()}, must be positive definite")
        return self

    @property
    def correlations(self) -> np.ndarray:
        """Correlations of the participants' coefficients, shape (K, K)."""
        if self.Omega is not None:
            return np.array(self.Omega)
        return np.array([[1.0, self.rho], [self.rho, 1.0]])


class Prior(Frozen):
    """A setting of every hyperparameter; the programs get each as `prior_NAME`."""

    beta_mean: Reals
    beta_sd: Scales
    sigma_p_rate: Scales
    sigma_rate: Scale
    lkj_eta: Scale


class ObservedColumns(Frozen):
    """The columns of a CSV file that hold the family's data."""

    outcome: Text
    predictor: Text
    participant: Text


def draw_truth(prior: Prior, rng: np.random.Generator) -> Truth:
    """Draw every parameter from the prior."""
    return Truth(
        beta=tuple(rng.normal(prior.beta_mean, prior.beta_sd)),
        sigma_p=tuple(rng.exponential(1 / np.array(prior.sigma_p_rate))),
        rho=np.clip(draw_correlation(K, prior.lkj_eta, rng)[0, 1], -LARGEST_RHO, LARGEST_RHO),
        sigma=rng.exponential(1 / prior.sigma_rate),
    )


def prior_sd(prior: Prior, model: str) -> Values:
    """Return prior standard deviations of a model's parameters, where they are known.

    A correlation of K = 2 has (rho + 1) / 2 ~ beta(lkj_eta, lkj_eta). The mean of separate
    lines, the beta of `unpooled`, has one that depends on how many participants there are.
    """
    known = {
        "beta[1]": prior.beta_sd[0],
        "beta[2]": prior.beta_sd[1],
        "sigma_p[1]": 1 / prior.sigma_p_rate[0],
        "sigma_p[2]": 1 / prior.sigma_p_rate[1],
        "Omega[1,2]": 1 / np.sqrt(2 * prior.lkj_eta + 1),
        "sigma": 1 / prior.sigma_rate,
    }
    scored = set(MODELS[model].scored)
    if MODELS[model].pooling == "none":
        scored -= {"beta[1]", "beta[2]"}
    return {name: sd for name, sd in known.items() if name in scored}


def determines_truth(model: str) -> bool:
    """Whether a model's estimates hold every parameter that a Truth needs."""
    return set(MODELS[model].scored) == set(PARAMETERS)


def truth_from_estimates(means: Values) -> Truth:
    """Make a Truth of a fit's posterior means."""
    return Truth(
        beta=(means["beta[1]"], means["beta[2]"]),
        sigma_p=(means["sigma_p[1]"], means["sigma_p[2]"]),
        rho=means["Omega[1,2]"],
        sigma=means["sigma"],
    )
