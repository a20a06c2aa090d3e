"""What data say about the parameters of a multilevel linear regression: expected information.

All in units of sigma: V = I + Z psi Z' and W its inverse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recovery.families.multilevel.classical.deviance import Crossproducts


@dataclass(frozen=True)
class Moments:
    """Products with W and its powers, by participant, that depend on psi.

    Parameters
    ----------
    covariance : ndarray, shape (K, K)
        Of beta's estimates: the inverse of X'WX.
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
        """Return the products at one psi."""
        identity = np.eye(len(psi))
        shared = psi @ np.linalg.inv(identity + data.zz @ psi)  # W = I - Z shared Z'
        shrink = identity - data.zz @ shared
        zwx, zwz = shrink @ data.zx, shrink @ data.zz
        zwwx, zwwz = shrink @ zwx, shrink @ zwz
        xz_shared = np.swapaxes(data.zx, 1, 2) @ shared
        xwx = data.xx - xz_shared @ data.zx
        xwwx = xwx - xz_shared @ zwx
        xwwwx = xwwx - xz_shared @ zwwx
        trace = data.n - np.einsum("jqr,jrq->", shared, data.zz + zwz)
        covariance = np.linalg.inv(xwx.sum(axis=0))
        summed = (xwwx.sum(axis=0), xwwwx.sum(axis=0), float(trace))
        return cls(covariance, shrink, zwz, zwx, zwwz, zwwx, *summed)


def covariance(
    moments: Moments,
    sd: np.ndarray,
    omega: np.ndarray,
    pairs: Sequence[tuple[int, int]],
    restricted: bool,
    interior: np.ndarray,
) -> np.ndarray:
    """Return the asymptotic covariance of log SDs, Fisher's z of correlations, and log sigma.

    The inverse of the expected information, tr(P V_a P V_b) / 2 for the restricted likelihood
    (P = W - W X (X'WX)^-1 X'W) and tr(W V_a W V_b) / 2 for the full one, V_a being the
    derivative of Cov(y) / sigma^2 by a parameter. NaN where data do not tell all of them, and for
    parameters on the edge, which the others take as known.

    Parameters
    ----------
    sd, omega : ndarray
        Standard deviations over sigma, and correlations of the pairs.
    interior : ndarray of bool
        Which of all these parameters are off the edge, in their order.

    References
    ----------
    Searle, Casella & McCulloch (1992), Variance Components, sections 6.3 and 6.6.
    """
    along = _derivatives(sd, omega, pairs)
    size = len(along) + 1
    information, score = np.empty((size, size)), _scores(moments, along)
    for a, one in enumerate(along):
        for b, other in enumerate(along[: a + 1]):
            information[a, b] = _trace(one, moments.zwz, other, moments.zwz)
            if restricted:
                middle = _product(moments.zwx, one @ moments.zwz @ other, moments.zwx)
                information[a, b] -= 2 * np.sum(moments.covariance * middle)
        information[-1, a] = 2 * np.einsum("qr,jrq->", one, moments.zwwz)
        if restricted:
            middle = 2 * _product(moments.zwx, one, moments.zwwx)
            information[-1, a] -= 2 * np.sum(moments.covariance * middle)
    information[-1, -1] = 4 * moments.ww
    if restricted:
        information[-1, -1] -= 8 * np.sum(moments.covariance * moments.xwwwx)
        through = np.array([moments.covariance @ each for each in score])
        information += np.einsum("aij,bji->ab", through, through)
    lower = np.tril(information)
    return _inverse((lower + lower.T - np.diag(np.diag(information))) / 2, interior)


def _derivatives(
    sd: np.ndarray, omega: np.ndarray, pairs: Sequence[tuple[int, int]]
) -> list[np.ndarray]:
    """The derivatives of psi by log SDs, then by Fisher's z of correlations."""
    correlations = np.eye(sd.size)
    for (a, b), value in zip(pairs, omega, strict=True):
        correlations[a, b] = correlations[b, a] = value
    psi, found = correlations * np.outer(sd, sd), []
    for q in range(sd.size):
        own = np.zeros_like(psi)
        own[q], own[:, q] = psi[q], psi[:, q]
        own[q, q] *= 2
        found.append(own)
    for (a, b), value in zip(pairs, omega, strict=True):
        own = np.zeros_like(psi)
        own[a, b] = own[b, a] = sd[a] * sd[b] * (1 - value**2)
        found.append(own)
    return found


def _scores(moments: Moments, along: Sequence[np.ndarray]) -> list[np.ndarray]:
    """X'W V_a W X of every parameter; by log sigma V_a is 2 I."""
    own = [_product(moments.zwx, each, moments.zwx) for each in along]
    return [*own, 2 * moments.xwwx]


def _product(left: np.ndarray, middle: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Left' middle right, summed over participants."""
    return (np.swapaxes(left, 1, 2) @ middle @ right).sum(axis=0)


def _trace(one: np.ndarray, left: np.ndarray, other: np.ndarray, right: np.ndarray) -> float:
    return float(np.trace(one @ left @ other @ right, axis1=1, axis2=2).sum())


def _inverse(information: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The inverse over some parameters; NaN elsewhere, and where the data do not tell them.

    Each is brought to unit information first: a standard deviation near 0 has little.
    """
    chosen, found = np.ix_(known, known), np.full_like(information, np.nan)
    own, unit = information[chosen], np.sqrt(np.diag(information)[known])
    if not own.size or not (unit > 0).all():
        return found
    scaled = own / np.outer(unit, unit)
    if np.linalg.eigvalsh(scaled)[0] > 1e-10:
        found[chosen] = np.linalg.inv(scaled) / np.outer(unit, unit)
    return found
