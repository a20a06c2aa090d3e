"""Likelihood of a participant's observations with its coefficients integrated out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recovery.families.family import Columns
from recovery.families.multilevel.layout import INTERCEPT, Layout
from recovery.families.multilevel.outcome import Outcome
from recovery.families.priors import NamedPriors
from recovery.families.priors.location_scale import Normal

Draws = Mapping[str, np.ndarray]


def log_likelihood(
    layout: Layout,
    outcome: Outcome,
    joint: str,
    prior: NamedPriors,
    values: Draws,
    columns: Columns,
) -> np.ndarray | None:
    """Return the log density of every participant's observations, shape (n_participants, n_draws).

    None without a closed form: if neither the outcome nor its logarithm is normal, a grouping
    factor other than participants has coefficients, or `unpooled` has coefficients that are not
    normal.

    Parameters
    ----------
    joint : str
        The joint model of parameters and data.
    """
    integrable = joint == "pooled" or layout.only_factor == "participant"
    if not outcome.CLOSED or not integrable:
        return None
    if joint == "unpooled" and not all(isinstance(prior.of(name), Normal) for name in layout.b):
        return None
    x = layout.design_matrix(columns)
    varying = [] if joint == "pooled" else [block.matrix(columns) for block in layout.blocks]
    z = np.hstack(varying or [np.zeros((len(x), 1))])
    mean, covariance = _new_participant(layout, joint, prior, values, columns)
    predictor = x @ mean + layout.offset(columns)[:, None]
    densities = []
    for person in np.unique(columns["participant"]):
        rows = columns["participant"] == person
        y = columns[layout.response][rows][:, None]
        densities.append(outcome.log_marginal(y, predictor[rows], z[rows], covariance, values))
    return np.array(densities)


def _new_participant(
    layout: Layout,
    joint: str,
    prior: NamedPriors,
    values: Draws,
    columns: Columns,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the coefficients of a participant who is not in the data.

    In `unpooled` they are those of the prior; in `pooled` all participants have the same.

    Returns
    -------
    mean : ndarray, shape (n_coefficients, n_draws or 1)
    covariance : ndarray, shape (n_draws or 1, n_varying, n_varying)
        Of the coefficients that vary.
    """
    if joint == "unpooled":
        mean, sd = np.array([prior.of(name).moments() for name in layout.b]).T
        to_zero = np.eye(layout.size)  # from the intercept at means of predictors to that at 0
        if layout.coefficients[0] == INTERCEPT:
            to_zero[0] -= layout.column_means(columns)
        return (to_zero @ mean)[:, None], (to_zero * np.square(sd) @ to_zero.T)[None]
    draws = next(iter(values.values())).size
    population = np.array([values[name] for name in layout.b]).reshape(layout.size, draws)
    if joint == "pooled":
        return population, np.zeros((1, 1, 1))
    sds = np.array([values[name] for name in layout.sd])
    omega = np.tile(np.eye(len(sds)), (draws, 1, 1))
    for block in layout.blocks:
        first = list(layout.sd).index(block.sd[0])
        for a, b, name in block.places:
            omega[:, first + a, first + b] = omega[:, first + b, first + a] = values[name]
    return population, sds.T[:, :, None] * omega * sds.T[:, None, :]
