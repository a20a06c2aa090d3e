"""Likelihood of a participant's observations with its coefficients integrated out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recovery.families.family import Columns, Fields
from recovery.families.multilevel.layout import Layout
from recovery.families.multilevel.outcome import Outcome

Draws = Mapping[str, np.ndarray]


def log_likelihood(
    layout: Layout,
    outcome: Outcome,
    joint: str,
    prior: Fields,
    values: Draws,
    columns: Columns,
    x: np.ndarray,
) -> np.ndarray | None:
    """Return the log density of every participant's observations, shape (n_participants, n_draws).

    Parameters
    ----------
    joint : str
        The joint model of parameters and data.
    x : ndarray, shape (n_rows, n_coefficients)
        The design matrix.
    """
    if not outcome.CLOSED:
        return None
    mean, covariance = _new_participant(layout, joint, prior, values)
    predictor, z = x @ mean, x[:, np.array(layout.varying) - 1]
    densities = []
    for person in np.unique(columns["participant"]):
        rows = columns["participant"] == person
        y = columns["y"][rows][:, None]
        densities.append(outcome.log_marginal(y, predictor[rows], z[rows], covariance, values))
    return np.array(densities)


def _new_participant(
    layout: Layout, joint: str, prior: Fields, values: Draws
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the coefficients of a participant who is not in the data.

    In `unpooled` they are those of the prior; in `pooled` all participants have the same line.

    Returns
    -------
    mean : ndarray, shape (n_coefficients, n_draws or 1)
    covariance : ndarray, shape (n_draws or 1, n_varying, n_varying)
        Of the coefficients that vary.
    """
    if joint == "unpooled":
        return np.array(prior.beta_mean)[:, None], np.diag(np.square(prior.beta_sd))[None]
    mean, size = np.array([values[name] for name in layout.beta]), len(layout.varying)
    if joint == "pooled":
        return mean, np.zeros((1, size, size))
    sigma_p = np.array([values[name] for name in layout.sigma_p])
    omega = np.tile(np.eye(size), (sigma_p.shape[1], 1, 1))
    for (a, b), name in zip(layout.pairs, layout.omega, strict=True):
        omega[:, a - 1, b - 1] = omega[:, b - 1, a - 1] = values[name]
    return mean, sigma_p.T[:, :, None] * omega * sigma_p.T[:, None, :]
