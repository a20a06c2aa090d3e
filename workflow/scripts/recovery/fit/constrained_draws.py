"""Draws from a posterior given the value of a linear function of parameters, by HMC."""

from __future__ import annotations

import numpy as np

from recovery.engines.protocol import LogDensity

WARMUP, KEPT = 15, 25  # iterations of a chain
_TIME = 1.5  # of a trajectory, in standard deviations; about a quarter of a period
_TARGET = 0.8  # mean probability of acceptance


def constrained_draws(
    density: LogDensity,
    starts: np.ndarray,
    weights: np.ndarray,
    scale: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return draws with the same value of the linear function as the point where a chain starts.

    Parameters
    ----------
    starts : ndarray, shape (n_chains, n_unconstrained)
    weights : ndarray, shape (n_unconstrained,)
        Of the linear function.
    scale : ndarray, shape (n_unconstrained,)
        About the standard deviations of the draws; all are above 0.

    Returns
    -------
    ndarray, shape (n_chains, KEPT, n_unconstrained)

    References
    ----------
    Neal (2011), doi:10.1201/b10905-6. Momenta and gradients are projected on the plane of the
    constraint, where the scaled parameters have a unit metric.
    """
    normal = scale * weights
    plane = _Plane(density, scale, normal / np.linalg.norm(normal))
    return np.array([plane.chain(start, rng) for start in starts])


class _Plane:
    def __init__(self, density: LogDensity, scale: np.ndarray, normal: np.ndarray):
        self._density, self._scale, self._normal = density, scale, normal

    def chain(self, start: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the draws of a chain, whose step size is adapted in its warmup."""
        step, draws = start.size**-0.25, []
        point, state = start, self._at(start)
        for iteration in range(WARMUP + KEPT):
            proposal, proposed, log_ratio = self._trajectory(point, state, step, rng)
            probability = np.exp(min(log_ratio, 0.0))
            if rng.random() < probability:
                point, state = proposal, proposed
            if iteration < WARMUP:
                step = min(step * np.exp((probability - _TARGET) / np.sqrt(iteration + 1)), 1.0)
            else:
                draws.append(point)
        return np.array(draws)

    def _trajectory(
        self, point: np.ndarray, state: tuple, step: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, tuple, float]:
        """The end of a trajectory, its state, and the log of the acceptance ratio."""
        momentum = self._projected(rng.normal(size=point.size))
        energy = state[0] - momentum @ momentum / 2
        step = step * rng.uniform(0.8, 1.2)
        for _ in range(int(np.ceil(_TIME / step))):
            momentum = momentum + step / 2 * state[1]
            point = point + step * self._scale * momentum
            state = self._at(point)
            if not np.isfinite(state[0]):
                return point, state, -np.inf
            momentum = momentum + step / 2 * state[1]
        return point, state, state[0] - momentum @ momentum / 2 - energy

    def _at(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        """The log density and its gradient in the plane, by scaled parameters."""
        value, gradient = self._density.value_and_gradient(point)
        return value, self._projected(self._scale * gradient)

    def _projected(self, vector: np.ndarray) -> np.ndarray:
        return vector - self._normal * (self._normal @ vector)
