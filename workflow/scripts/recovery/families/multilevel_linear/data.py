"""Datasets: simulated, observed, as Stan gets them and as figures draw them."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from recovery.families.base import Columns, Values
from recovery.families.multilevel_linear.names import K
from recovery.families.multilevel_linear.values import ObservedColumns, Prior, Truth


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
    if values.min() == values.max():  # rounding leaves the SD of a constant above 0
        raise ValueError(f"column {column!r} is constant and cannot be standardized")
    with np.errstate(over="ignore", invalid="ignore"):
        variance = values.var(ddof=1)
    if not np.finfo(float).tiny <= variance < np.inf:
        raise ValueError(f"column {column!r} is too large or too small to be standardized")
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
