"""The joint models of parameters and data that programs are exact for, for calibration."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recovery.families.base import Columns, Values
from recovery.families.multilevel_linear.data import participants_of, simulate
from recovery.families.multilevel_linear.values import Prior, draw_truth


def simulate_joint(
    joint: str,
    prior: Prior,
    design: Mapping,
    participants: int,
    observations: int,
    rng: np.random.Generator,
) -> tuple[Columns, Values]:
    """Draw parameters from a prior, then a dataset: from the joint model of a program.

    `pooled` takes participants for alike; `unpooled` draws each line from the prior of beta,
    and its beta is the mean of the lines that were drawn.
    """
    truth = draw_truth(prior, rng).model_copy(update=dict(design))
    if joint == "pooled":
        truth = truth.model_copy(update={"sigma_p": (0.0, 0.0)})
    if joint == "unpooled":
        lines = {"beta": prior.beta_mean, "sigma_p": prior.beta_sd, "rho": 0.0}
        truth = truth.model_copy(update=lines)
    columns, values = simulate(truth, participants, observations, rng)
    if joint == "unpooled":
        for k in (1, 2):
            own = [values[f"beta_p[{j},{k}]"] for j in range(1, participants + 1)]
            values[f"beta[{k}]"] = np.mean(own)
    return columns, values


def test_quantities(
    values: Mapping[str, np.ndarray], columns: Columns, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return what calibration ranks besides parameters: functions of them and of the data.

    Sum and difference of beta tell a wrong correlation of the two, a random projection of
    participants' coefficients that of many, and the joint log likelihood whether the data
    were used at all (Modrak et al. 2023, doi:10.1214/23-BA1404).
    """
    effects = [name for names in participants_of(list(values)).values() for name in names]
    weights = rng.normal(size=len(effects))
    found = {
        "beta[1] + beta[2]": values["beta[1]"] + values["beta[2]"],
        "beta[1] - beta[2]": values["beta[1]"] - values["beta[2]"],
        "log likelihood": _log_likelihood(values, columns),
    }
    if effects:
        found["projection of beta_p"] = weights @ np.array([values[name] for name in effects])
    return found


def _log_likelihood(values: Mapping[str, np.ndarray], columns: Columns) -> np.ndarray:
    """Of all observations, given participants' own lines where `values` has them."""
    if "beta_p[1,1]" in values:
        people = range(1, columns["participant"].max() + 1)
        lines = [np.array([values[f"beta_p[{j},{k}]"] for j in people]) for k in (1, 2)]
        intercept, slope = (line[columns["participant"] - 1] for line in lines)
    else:
        intercept, slope = values["beta[1]"], values["beta[2]"]
    error = columns["y"][:, None] - intercept - slope * columns["x"][:, None]
    sigma = values["sigma"]
    return -columns["y"].size * np.log(sigma) - (error**2).sum(axis=0) / (2 * sigma**2)
