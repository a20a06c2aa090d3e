"""Multilevel linear regression: one predictor, varying intercepts and slopes.

y_i ~ normal(beta_p[j(i), 1] + beta_p[j(i), 2] x_i, sigma)
beta_p[j] ~ multi_normal(beta, quad_form_diag(Omega, sigma_p))
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BeforeValidator, TypeAdapter, model_validator

from recovery.families.base import Axes, Columns, Model, Values
from recovery.families.lkj import draw_correlation
from recovery.study import Correlation, Frozen, NonNegative, Positive, Real, Text

LARGEST_RHO = 1 - 1e-12  # what rounds to 1 is not positive definite
K = 2  # coefficients: intercept and slope

PARAMETERS = {
    "beta[1]": "Intercept, beta[1]",
    "beta[2]": "Slope, beta[2]",
    "sigma_p[1]": "SD of intercepts, sigma_p[1]",
    "sigma_p[2]": "SD of slopes, sigma_p[2]",
    "Omega[1,2]": "Correlation, Omega[1,2]",
    "sigma": "Residual SD, sigma",
}
COEFFICIENTS = {"beta_p[,1]": "Participants' intercepts", "beta_p[,2]": "Participants' slopes"}
COLUMNS = {"participant": "integer", "x": "real", "y": "real"}
AXES = Axes("participant", "x", "y", x_label="Predictor x", y_label="Outcome y")
MODELS = {
    "pooled": Model(
        "Pooled",
        "complete",
        ("beta[1]", "beta[2]", "sigma"),
        "one line for everybody. It takes the observations of a participant for independent, so "
        "its intervals for beta are too narrow when participants differ, and its sigma also holds "
        "the differences between participants.",
    ),
    "unpooled": Model(
        "Unpooled",
        "none",
        ("beta[1]", "beta[2]", "sigma"),
        "a line of its own for every participant. Its beta is the mean of the lines of the "
        "participants who were observed. Scored against the population's beta it covers too "
        "little: it leaves out that other participants might have been observed.",
    ),
    "centered": Model(
        "Centred",
        "partial",
        tuple(PARAMETERS),
        "varying intercepts and slopes, sampled as they are. It has trouble when participants "
        "have few observations: divergent transitions, low effective sample sizes.",
    ),
    "noncentered": Model(
        "Non-centred",
        "partial",
        tuple(PARAMETERS),
        "the same model and the same posterior as centred, sampled through standard normal "
        "deviations.",
    ),
}


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


def simulate(
    truth: Truth, participants: int, observations: int | Columns, rng: np.random.Generator
) -> tuple[Columns, Values]:
    """Simulate one dataset, and the values behind it (participants' coefficients too)."""
    scale = np.array(truth.sigma_p)[:, None] * np.linalg.cholesky(truth.correlations)
    beta_p = np.array(truth.beta) + rng.normal(size=(participants, K)) @ scale.T
    participant, x = _predictors(truth, participants, observations, rng)
    lines = beta_p[participant - 1]
    y = lines[:, 0] + lines[:, 1] * x + truth.sigma * rng.normal(size=x.size)
    values = {
        "beta[1]": truth.beta[0],
        "beta[2]": truth.beta[1],
        "sigma_p[1]": truth.sigma_p[0],
        "sigma_p[2]": truth.sigma_p[1],
        "Omega[1,2]": truth.correlations[0, 1],
        "sigma": truth.sigma,
    }
    values |= {
        f"beta_p[{j + 1},{k + 1}]": beta_p[j, k] for j in range(participants) for k in range(K)
    }
    return {"participant": participant, "x": x, "y": y}, values


def _predictors(
    truth: Truth, participants: int, observations: int | Columns, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Participant and x of every row."""
    if isinstance(observations, int):
        participant = np.repeat(np.arange(1, participants + 1), observations)
        if truth.x == "days":
            return participant, np.tile(np.arange(observations, dtype=float), participants)
        return participant, rng.normal(size=participant.size)
    own_x = [
        observations["x"][observations["participant"] == j]
        for j in np.unique(observations["participant"])
    ]
    taken = [own_x[j % len(own_x)] for j in range(participants)]
    participant = np.repeat(np.arange(1, participants + 1), [x.size for x in taken])
    return participant, np.concatenate(taken)


def read_observed(table: Mapping, columns: ObservedColumns, standardize: bool) -> Columns:
    """Make participant, x and y of a CSV file's columns; ValueError says what is wrong."""
    x = _numbers(table, columns.predictor)
    y = _numbers(table, columns.outcome)
    _, first, number = np.unique(table[columns.participant], return_index=True, return_inverse=True)
    participant = np.argsort(np.argsort(first))[number] + 1
    if participant.max() < 2:
        raise ValueError(f"column {columns.participant!r} must name at least 2 participants")
    if standardize:
        x, y = _standardized(x, columns.predictor), _standardized(y, columns.outcome)
    return {"participant": participant, "x": x, "y": y}


def _numbers(table: Mapping, column: str) -> np.ndarray:
    if np.issubdtype(table[column].dtype, np.datetime64):
        raise ValueError(f"column {column!r} must hold numbers")
    try:
        return np.asarray(table[column], dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"column {column!r} must hold numbers") from None


def _standardized(values: np.ndarray, column: str) -> np.ndarray:
    if not values.std() > 0:
        raise ValueError(f"column {column!r} is constant and cannot be standardized")
    return (values - values.mean()) / values.std(ddof=1)


def stan_data(columns: Columns, prior: Prior) -> dict:
    """Return what the family's programs declare in `data`."""
    x = columns["x"]
    return {
        "N": x.size,
        "K": K,
        "J": int(columns["participant"].max()),
        "participant": columns["participant"],
        "X": np.column_stack([np.ones(x.size), x]),
        "y": columns["y"],
        **{f"prior_{name}": value for name, value in prior.model_dump().items()},
    }


_COEFFICIENT = re.compile(r"beta_p\[\d+,(\d+)\]")


def participants_of(names: list[str]) -> dict[str, list[str]]:
    """Group the participants' coefficients in `names`: `beta_p[,k]` -> its names in order."""
    groups: dict[str, list[str]] = {}
    for name in names:
        if match := _COEFFICIENT.fullmatch(name):
            groups.setdefault(f"beta_p[,{match[1]}]", []).append(name)
    return groups


def expected(values: Values, columns: Columns) -> np.ndarray:
    """Return the expected outcome of every row; participants' own where `values` has them."""
    if "beta_p[1,1]" in values:
        lines = [[values[f"beta_p[{j},{k + 1}]"] for k in range(K)] for j in columns["participant"]]
    else:
        lines = [[values["beta[1]"], values["beta[2]"]]] * len(columns["participant"])
    intercept, slope = np.array(lines).T
    return intercept + slope * columns["x"]


def line_grid(columns: Columns) -> Columns:
    """Return the rows between which a participant's line is drawn: smallest and largest x."""
    participants = np.unique(columns["participant"])
    ends = np.array([columns["x"].min(), columns["x"].max()])
    return {"participant": np.repeat(participants, 2), "x": np.tile(ends, participants.size)}


def population_of(coefficient: str) -> str:
    """Return the population parameter that is the mean of a participants' coefficient."""
    return re.sub(r"beta_p\[,(\d+)\]", r"beta[\1]", coefficient)
