"""Likelihood of a participant's observations with its coefficients integrated out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recovery.families.family import Columns
from recovery.families.multilevel.layout import Block, Layout
from recovery.families.multilevel.named_priors import NamedPriors
from recovery.families.multilevel.outcome import Outcome

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

    None without a closed form: if the outcome is not normal, or a grouping factor other than
    participants has coefficients.

    Parameters
    ----------
    joint : str
        The joint model of parameters and data.
    """
    block = layout.only_block
    integrable = joint == "pooled" or (block is not None and block.factor == "participant")
    if not outcome.CLOSED or not integrable:
        return None
    x = layout.design_matrix(columns)
    z = np.zeros((len(x), 1)) if joint == "pooled" or block is None else block.matrix(columns)
    mean, covariance = _new_participant(layout, block, joint, prior, values)
    predictor = x @ mean + layout.offset(columns)[:, None]
    densities = []
    for person in np.unique(columns["participant"]):
        rows = columns["participant"] == person
        y = columns[layout.response][rows][:, None]
        densities.append(outcome.log_marginal(y, predictor[rows], z[rows], covariance, values))
    return np.array(densities)


def _new_participant(
    layout: Layout, block: Block | None, joint: str, prior: NamedPriors, values: Draws
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
        mean, sd = prior.arguments([*layout.b])
        return np.array(mean)[:, None], np.diag(np.square(sd))[None]
    draws = next(iter(values.values())).size
    population = np.array([values[name] for name in layout.b]).reshape(layout.size, draws)
    if joint == "pooled" or block is None:
        return population, np.zeros((1, 1, 1))
    sds = np.array([values[name] for name in block.sd])
    omega = np.tile(np.eye(len(sds)), (sds.shape[1], 1, 1))
    for a, b, name in block.places:
        omega[:, a, b] = omega[:, b, a] = values[name]
    return population, sds.T[:, :, None] * omega * sds.T[:, None, :]
