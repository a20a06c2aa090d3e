"""The profiled deviance of a multilevel linear regression, and its minimum.

With relative covariances psi = sigma^-2 Cov(beta_p) and V = I + Z psi Z', beta and sigma have
closed forms, and the deviance is a function of psi alone. Participants enter by their
crossproducts, so that a step costs the same however many observations they have.

statsmodels' MixedLM minimises the same function, but stops, and says that it has converged,
where a standard deviation passes 0 though the minimum lies elsewhere: with six participants of
eight observations in one dataset of seven. Hence this module; tests hold both to one another
where MixedLM does not stop early, and to lme4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

TRIES = 10  # at leaving an edge that is no minimum
FLAT = 1e-3  # largest slope of the deviance, by standard deviations over sigma, at a minimum
STEP = 0.1  # off an edge


@dataclass(frozen=True)
class Crossproducts:
    """Crossproducts of the columns of X, of Z (some of them) and of y, by participant.

    Parameters
    ----------
    n : int
        Observations.
    sizes : ndarray, shape (J,)
    xx, xy, zx, zz, zy : ndarray, shape (J, ...)
    yy : float
    varying : ndarray of int
        The columns of X that Z has.
    """

    n: int
    sizes: np.ndarray
    xx: np.ndarray
    xy: np.ndarray
    zx: np.ndarray
    zz: np.ndarray
    zy: np.ndarray
    yy: float
    varying: np.ndarray

    @classmethod
    def of(
        cls, x: np.ndarray, y: np.ndarray, person: np.ndarray, varying: np.ndarray
    ) -> Crossproducts:
        """Sum crossproducts over each participant's observations; `person` counts from 0."""
        order = np.argsort(person, kind="stable")
        sizes = np.bincount(person)
        rows = np.split(np.column_stack([x, y])[order], np.cumsum(sizes)[:-1])
        whole = np.array([own.T @ own for own in rows])
        xx, xy = whole[:, :-1, :-1], whole[:, :-1, -1]
        zx = xx[:, varying, :]
        return cls(
            y.size, sizes, xx, xy, zx, zx[:, :, varying], xy[:, varying], float(y @ y), varying
        )


@dataclass(frozen=True)
class Optimum:
    """Where the deviance is smallest.

    Parameters
    ----------
    psi : ndarray, shape (Q, Q)
    beta : ndarray, shape (K,)
    sigma, deviance, slope : float
        The slope is the largest of the deviance by psi's Cholesky factor.
    """

    psi: np.ndarray
    beta: np.ndarray
    sigma: float
    deviance: float
    slope: float

    @property
    def converged(self) -> bool:
        """Whether it is a minimum."""
        return self.slope <= FLAT


def smallest(psi: np.ndarray) -> float:
    """Return the smallest standard deviation, relative to sigma, of any direction."""
    return float(np.sqrt(max(0.0, np.linalg.eigvalsh(psi)[0]))) if psi.size else np.inf


class _Deviance:
    """The profiled deviance and its slope, as a function of psi."""

    def __init__(self, data: Crossproducts, restricted: bool):
        self.data, self.restricted = data, restricted
        self.df = data.n - (data.xx.shape[1] if restricted else 0)

    def __call__(self, factor: np.ndarray) -> tuple[float, np.ndarray, np.ndarray, float]:
        """Return deviance, its derivatives by the entries of psi, beta and sigma.

        Parameters
        ----------
        factor : ndarray, shape (Q, Q)
            psi = factor factor'.
        """
        data = self.data
        inner = np.eye(len(factor)) + factor.T @ data.zz @ factor
        shared = factor @ np.linalg.solve(inner, np.broadcast_to(factor.T, inner.shape))
        wx, wy = shared @ data.zx, np.einsum("jqr,jr->jq", shared, data.zy)
        xvx = (data.xx - np.swapaxes(data.zx, 1, 2) @ wx).sum(axis=0)
        xvy = (data.xy - np.einsum("jqk,jq->jk", data.zx, wy)).sum(axis=0)
        yvy = data.yy - np.einsum("jq,jq->", data.zy, wy)
        inverse = np.linalg.inv(xvx)
        beta = inverse @ xvy
        variance = (yvy - xvy @ beta) / self.df
        if not variance > 0:
            raise RuntimeError("the likelihood has no maximum: it grows as sigma goes to 0")
        logs = np.linalg.slogdet(inner)[1].sum() + self.df * (1 + np.log(2 * np.pi * variance))
        zvz, zvx = data.zz - data.zz @ shared @ data.zz, data.zx - data.zz @ wx
        left = data.zy - np.einsum("jqr,jr->jq", data.zz, wy) - zvx @ beta
        slope = zvz.sum(axis=0) - left.T @ left / variance
        if self.restricted:
            logs += np.linalg.slogdet(xvx)[1]
            slope -= np.einsum("jqk,kl,jrl->qr", zvx, inverse, zvx)
        return logs, slope, beta, np.sqrt(variance)


def minimise(data: Crossproducts, restricted: bool) -> Optimum:
    """Go down from standard deviations like sigma; off an edge again that is no minimum.

    By psi's Cholesky factor every edge is flat. By psi itself it is a minimum only if the
    slope, at right angles to it, is not negative.
    """
    deviance = _Deviance(data, restricted)
    factor: np.ndarray = np.eye(len(data.varying))
    lower = np.tril_indices(len(factor))

    def flat(theta: np.ndarray) -> tuple[float, np.ndarray]:
        at = np.zeros_like(factor)
        at[lower] = theta
        value, slope, *_ = deviance(at)
        return value, (2 * slope @ at)[lower]

    for _ in range(TRIES):
        found = minimize(
            flat, factor[lower], jac=True, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-7}
        )
        factor = np.zeros_like(factor)
        factor[lower] = found.x
        value, slope, beta, sigma = deviance(factor)
        directions, sizes, _ = np.linalg.svd(factor)
        edge = directions[:, sizes < STEP / 10]
        falls, ways = np.linalg.eigh(edge.T @ slope @ edge)
        if not falls.size or falls[0] >= -FLAT:
            break
        way = edge @ ways[:, 0]
        factor = np.linalg.cholesky(
            factor @ factor.T + STEP**2 * np.outer(way, way) + 1e-12 * np.eye(len(factor))
        )
    steep = np.abs((2 * slope @ factor)[lower]).max()
    return Optimum(factor @ factor.T, beta, sigma, value, float(steep))
