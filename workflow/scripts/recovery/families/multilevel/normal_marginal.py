"""Normal outcomes of a group with its coefficients integrated out."""

from __future__ import annotations

import numpy as np


def log_density(
    y: np.ndarray, predictor: np.ndarray, z: np.ndarray, covariance: np.ndarray, sigma: np.ndarray
) -> np.ndarray:
    """Return multivariate normal log densities with covariance sigma^2 I + Z Sigma Z'.

    With the QR decomposition Z = Q R, the component of y orthogonal to Z has only residual
    variance, and Q' y has the covariance sigma^2 W, W = I + R Sigma R' / sigma^2.

    Parameters
    ----------
    y, predictor, z, covariance : ndarray
        As in `Outcome.log_marginal`.
    sigma : ndarray, shape (n_draws,)
        The residual standard deviation.

    Returns
    -------
    ndarray, shape (n_draws,)
    """
    q, r = np.linalg.qr(z)
    scaled = (y - predictor) / sigma
    inside = q.T @ scaled
    w = np.eye(len(r)) + r @ (covariance / np.square(sigma)[:, None, None]) @ r.T
    factor = np.linalg.cholesky(w)
    white = np.linalg.solve(factor, inside.T[..., None])[..., 0]
    squares = np.square(scaled - q @ inside).sum(axis=0) + np.square(white).sum(axis=1)
    half_log_det = np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
    return -0.5 * (len(y) * np.log(2 * np.pi) + squares) - len(y) * np.log(sigma) - half_log_det
