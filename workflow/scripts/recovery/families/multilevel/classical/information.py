"""Expected information about the parameters of a multilevel linear regression.

All quantities are in units of sigma: V = I + Z psi Z', W = V^-1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recovery.families.multilevel.classical.deviance import Crossproducts


@dataclass(frozen=True)
class Moments:
    """Products with powers of W, which depend on psi, for every participant.

    Parameters
    ----------
    covariance : ndarray, shape (K, K)
        Of the estimates of beta: the inverse of X'WX.
    shrink : ndarray, shape (J, Q, Q)
        Z'W = shrink Z'.
    zwz, zwx, zwwz, zwwx : ndarray, shape (J, Q, ...)
    xwwx, xwwwx : ndarray, shape (K, K)
        Summed over participants.
    ww : float
        The trace of W squared.
    """

    covariance: np.ndarray
    shrink: np.ndarray
    zwz: np.ndarray
    zwx: np.ndarray
    zwwz: np.ndarray
    zwwx: np.ndarray
    xwwx: np.ndarray
    xwwwx: np.ndarray
    ww: float

    @classmethod
    def of(cls, data: Crossproducts, psi: np.ndarray) -> Moments:
        """Compute the products for a value of psi."""
        identity = np.eye(len(psi))
        shared = psi @ np.linalg.inv(identity + data.zz @ psi)  # W = I - Z shared Z'
        shrink = identity - data.zz @ shared
        zwx, zwz = shrink @ data.zx, shrink @ data.zz
        zwwx, zwwz = shrink @ zwx, shrink @ zwz
        xzs = np.swapaxes(data.zx, 1, 2) @ shared
        xwx = data.xx - xzs @ data.zx
        xwwx = xwx - xzs @ zwx
        xwwwx = xwwx - xzs @ zwwx
        trace = data.n - np.einsum("jqr,jrq->", shared, data.zz + zwz)
        covariance = np.linalg.inv(xwx.sum(axis=0))
        sums = (xwwx.sum(axis=0), xwwwx.sum(axis=0), float(trace))
        return cls(covariance, shrink, zwz, zwx, zwwz, zwwx, *sums)


def covariance(
    moments: Moments,
    sd: np.ndarray,
    omega: np.ndarray,
    pairs: Sequence[tuple[int, int]],
    restricted: bool,
    interior: np.ndarray,
) -> np.ndarray:
    """Return the asymptotic covariance of log SDs, Fisher's z of correlations, and log sigma.

    It is the inverse of the expected information, tr(P V_a P V_b) / 2 for the restricted
    likelihood (P = W - W X (X'WX)^-1 X'W) and tr(W V_a W V_b) / 2 for the full likelihood. V_a is
    the derivative of Cov(y) / sigma^2 by parameter a. Parameters on the boundary have NaN, and the
    others treat them as known. All are NaN if the information is singular.

    Parameters
    ----------
    sd, omega : ndarray
        Standard deviations over sigma, and correlations of the pairs.
    interior : ndarray of bool
        Which of these parameters, in this order, are not on the boundary.

    References
    ----------
    Searle, Casella & McCulloch (1992), Variance Components, sections 6.3 and 6.6.
    """
    derivatives = _derivatives(sd, omega, pairs)
    size = len(derivatives) + 1
    information, weighted = np.empty((size, size)), _weighted_derivatives(moments, derivatives)
    for a, first in enumerate(derivatives):
        for b, second in enumerate(derivatives[: a + 1]):
            information[a, b] = _trace(first, moments.zwz, second, moments.zwz)
            if restricted:
                middle = _product(moments.zwx, first @ moments.zwz @ second, moments.zwx)
                information[a, b] -= 2 * np.sum(moments.covariance * middle)
        information[-1, a] = 2 * np.einsum("qr,jrq->", first, moments.zwwz)
        if restricted:
            middle = 2 * _product(moments.zwx, first, moments.zwwx)
            information[-1, a] -= 2 * np.sum(moments.covariance * middle)
    information[-1, -1] = 4 * moments.ww
    if restricted:
        information[-1, -1] -= 8 * np.sum(moments.covariance * moments.xwwwx)
        adjusted = np.array([moments.covariance @ each for each in weighted])
        information += np.einsum("aij,bji->ab", adjusted, adjusted)
    lower = np.tril(information)
    return _inverse((lower + lower.T - np.diag(np.diag(information))) / 2, interior)


def _derivatives(
    sd: np.ndarray, omega: np.ndarray, pairs: Sequence[tuple[int, int]]
) -> list[np.ndarray]:
    """The derivatives of psi by log SDs, then by Fisher's z of correlations."""
    correlations = np.eye(sd.size)
    for (a, b), value in zip(pairs, omega, strict=True):
        correlations[a, b] = correlations[b, a] = value
    psi, derivatives = correlations * np.outer(sd, sd), []
    for q in range(sd.size):
        derivative = np.zeros_like(psi)
        derivative[q], derivative[:, q] = psi[q], psi[:, q]
        derivative[q, q] *= 2
        derivatives.append(derivative)
    for (a, b), value in zip(pairs, omega, strict=True):
        derivative = np.zeros_like(psi)
        derivative[a, b] = derivative[b, a] = sd[a] * sd[b] * (1 - value**2)
        derivatives.append(derivative)
    return derivatives


def _weighted_derivatives(moments: Moments, derivatives: Sequence[np.ndarray]) -> list[np.ndarray]:
    """X'W V_a W X for every parameter; for log sigma, V_a is 2 I."""
    of_psi = [_product(moments.zwx, each, moments.zwx) for each in derivatives]
    return [*of_psi, 2 * moments.xwwx]


def _product(left: np.ndarray, middle: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The sum over participants of left' middle right."""
    return (np.swapaxes(left, 1, 2) @ middle @ right).sum(axis=0)


def _trace(one: np.ndarray, left: np.ndarray, other: np.ndarray, right: np.ndarray) -> float:
    return float(np.trace(one @ left @ other @ right, axis1=1, axis2=2).sum())


def _inverse(information: np.ndarray, interior: np.ndarray) -> np.ndarray:
    """The inverse for the parameters in the interior; NaN elsewhere, and if it is singular.

    The information is scaled to a diagonal of 1 first, because that of an SD near 0 is small.
    """
    block, inverse = np.ix_(interior, interior), np.full_like(information, np.nan)
    scale = np.sqrt(np.diag(information)[interior])
    if not scale.size or not (scale > 0).all():
        return inverse
    scaled = information[block] / np.outer(scale, scale)
    if np.linalg.eigvalsh(scaled)[0] > 1e-10:
        inverse[block] = np.linalg.inv(scaled) / np.outer(scale, scale)
    return inverse
