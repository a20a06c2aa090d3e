"""Likelihood of a participant's observations with its paths and intercepts integrated out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from recovery.families.shipped.mediation.path_types import INDICES, PAIRS, RESIDUALS, SIZE, VARYING


def log_density(
    values: Mapping[str, np.ndarray], x: np.ndarray, m: np.ndarray, y: np.ndarray
) -> np.ndarray:
    """Return the log density of one participant's m and y given x, shape (n_draws,).

    Given m, both are linear in the participant's coefficients, which are normal. So the integral
    is a normal density of r = (m, y) with mean Z mu and covariance D + Z Sigma Z'. With the
    Woodbury identity and Sigma = A A', no matrix is larger than 5 x 5.

    Parameters
    ----------
    values : mapping of ndarray
        Population parameters, each of shape (n_draws,).
    x, m, y : ndarray, shape (n_observations,)
    """
    ones, zeros = np.ones_like(x), np.zeros_like(x)
    z_m = np.array([x, zeros, zeros, ones, zeros]).T
    z_y = np.array([zeros, m, x, zeros, ones]).T
    mean, factor = _population(values)
    inner: Any = np.eye(SIZE)  # I + A' Z' D^-1 Z A
    projected: Any = 0.0  # A' Z' D^-1 (r - Z mu)
    squares: Any = 0.0
    log_scales: Any = 0.0
    for z, outcome, residual_sd in ((z_m, m, RESIDUALS[0]), (z_y, y, RESIDUALS[1])):
        sd = values[residual_sd]
        precision = np.square(1 / sd)[:, None]
        residuals = outcome - mean @ z.T
        inner = inner + np.swapaxes(factor, 1, 2) @ (z.T @ z) @ factor * precision[:, None]
        projected = projected + np.einsum("dqr,dq->dr", factor, (residuals @ z) * precision)
        squares = squares + np.square(residuals).sum(axis=1) * precision[:, 0]
        log_scales = log_scales + x.size * np.log(sd)
    lower = np.linalg.cholesky(inner)
    explained = np.linalg.solve(lower, projected[..., None])[..., 0]
    half_log_det = log_scales + np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1)
    squares = squares - np.square(explained).sum(axis=1)
    return -x.size * np.log(2 * np.pi) - half_log_det - 0.5 * squares


def _population(values: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean, shape (n_draws, 5), and a factor A of the covariance A A', shape (n_draws, 5, 5)."""
    mean = np.array([values[name] for name in VARYING]).T
    omega = np.tile(np.eye(SIZE), (len(mean), 1, 1))
    for k, q in PAIRS:
        omega[:, k - 1, q - 1] = omega[:, q - 1, k - 1] = values[f"Omega[{k},{q}]"]
    sd = np.array([values[f"sigma_p[{k}]"] for k in INDICES]).T
    eigenvalues, vectors = np.linalg.eigh(omega)  # a singular omega has no Cholesky factor
    root = vectors * np.sqrt(eigenvalues.clip(0))[:, None, :]
    return mean, sd[:, :, None] * root
