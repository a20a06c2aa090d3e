"""Likelihood of a whole participant, its own paths and intercepts integrated out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from recovery.families.shipped.mediation.path_types import PAIRS, PLACES, RESIDUALS, SIZE, VARYING


def log_density(
    values: Mapping[str, np.ndarray], x: np.ndarray, m: np.ndarray, y: np.ndarray
) -> np.ndarray:
    """Return the log density of one participant's m and y given x, shape (n_draws,).

    Given m, both are linear in the participant's coefficients, which are normal: the integral
    is a normal density of r = (m, y) with mean Z mu and covariance D + Z Sigma Z'. By the
    Woodbury identity with Sigma = A A' it takes no matrix larger than 5 x 5.

    Parameters
    ----------
    values : mapping of ndarray
        Population parameters, each of shape (n_draws,).
    x, m, y : ndarray, shape (n_observations,)
    """
    one, none = np.ones_like(x), np.zeros_like(x)
    z_m, z_y = np.array([x, none, none, one, none]).T, np.array([none, m, x, none, one]).T
    mean, factor = _population(values)
    inside: Any = np.eye(SIZE)
    along: Any = 0.0
    squares: Any = 0.0
    scales: Any = 0.0
    for z, outcome, residual in ((z_m, m, RESIDUALS[0]), (z_y, y, RESIDUALS[1])):
        sd = values[residual]
        white = np.square(1 / sd)[:, None]
        left = outcome - mean @ z.T
        inside = inside + np.swapaxes(factor, 1, 2) @ (z.T @ z) @ factor * white[:, None]
        along = along + np.einsum("dqr,dq->dr", factor, (left @ z) * white)
        squares = squares + np.square(left).sum(axis=1) * white[:, 0]
        scales = scales + x.size * np.log(sd)
    lower = np.linalg.cholesky(inside)
    explained = np.linalg.solve(lower, along[..., None])[..., 0]
    half_log_det = scales + np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1)
    squares = squares - np.square(explained).sum(axis=1)
    return -x.size * np.log(2 * np.pi) - half_log_det - 0.5 * squares


def _population(values: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean, shape (n_draws, 5), and a factor A of the covariance A A', shape (n_draws, 5, 5)."""
    mean = np.array([values[name] for name in VARYING]).T
    omega = np.tile(np.eye(SIZE), (len(mean), 1, 1))
    for k, q in PAIRS:
        omega[:, k - 1, q - 1] = omega[:, q - 1, k - 1] = values[f"Omega[{k},{q}]"]
    sd = np.array([values[f"sigma_p[{k}]"] for k in PLACES]).T
    sizes, directions = np.linalg.eigh(omega)  # on the edge too, where there is no Cholesky factor
    root = directions * np.sqrt(sizes.clip(0))[:, None, :]
    return mean, sd[:, :, None] * root
