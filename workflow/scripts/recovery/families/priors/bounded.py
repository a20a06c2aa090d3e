"""Distributions cut at a parameter's lower bound: draws, moments, densities."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from recovery.families.family import SimulationError
from recovery.families.priors.distribution import Distribution
from recovery.families.priors.distributions import Constant, Flat

SMALLEST_MASS = 1e-200
"""A prior must give a parameter's range more than this probability."""
_STEPS, _STEP = np.linspace(-6.5, 6.5, 1301, retstep=True)  # of the quadrature


@dataclass(frozen=True)
class Bounded:
    """The prior distribution of a parameter with a lower bound, renormalised.

    Parameters
    ----------
    distribution : Distribution
    low : float
        The parameter's lower bound; -infinity if it has none.
    """

    distribution: Distribution
    low: float = -math.inf

    @property
    def support(self) -> tuple[float, float]:
        """The smallest and the largest value with a positive density."""
        low, high = self.distribution.support
        return max(low, self.low), high

    @property
    def is_cut(self) -> bool:
        """Whether the bound takes a part of the distribution away."""
        return self.low > self.distribution.support[0]

    @property
    def log_mass(self) -> float:
        """Log of the probability that the distribution gives to the parameter's range."""
        if isinstance(self.distribution, Constant | Flat) or not self.is_cut:
            return 0.0
        return math.log(self.distribution.upper_tail(self.low))

    def fault(self) -> str | None:
        """Return what is wrong with the distribution for this parameter; None if nothing is."""
        if isinstance(self.distribution, Flat):
            return None
        if isinstance(self.distribution, Constant):
            above = self.distribution.arguments[0] > self.low
            return None if above else f"must be above {self.low:g}"
        if self.is_cut and self.distribution.upper_tail(self.low) < SMALLEST_MASS:
            return f"must have some of its probability above {self.low:g}"
        return None

    def log_density(self, x: Any) -> Any:
        """Return the log density at x, which is in the support."""
        return self.distribution.log_density(x) - self.log_mass

    def draw(self, rng: np.random.Generator) -> float:
        """Draw a value; SimulationError if it has none, or is too large for a number."""
        if isinstance(self.distribution, Constant):
            return self.distribution.arguments[0]
        if isinstance(self.distribution, Flat):
            raise SimulationError("nothing can be drawn from a flat prior")
        mass = self.distribution.upper_tail(self.low) if self.is_cut else 1.0
        value = self.distribution.from_upper_tail((1 - rng.random()) * mass)
        if not math.isfinite(value) or (self.low == 0 and value <= 0):
            raise SimulationError(f"a draw from {self.distribution} is {value:g}")
        return max(self.low, value)

    @property
    def median(self) -> float:
        """The median; a flat prior has none."""
        if isinstance(self.distribution, Constant):
            return self.distribution.arguments[0]
        return self.distribution.from_upper_tail(0.5 * math.exp(self.log_mass))

    def moments(self) -> tuple[float, float]:
        """Return the mean and the standard deviation; not finite where there are none.

        Those of a distribution that is cut are integrals by double exponential quadrature.

        References
        ----------
        Takahasi & Mori (1974), doi:10.2977/prims/1195192451.
        """
        mean, sd = self.distribution.moments()
        if not self.is_cut or isinstance(self.distribution, Constant) or not math.isfinite(sd):
            return mean, sd
        x, weight = self._nodes()
        total = weight.sum()
        mean = float(weight @ x / total)
        return mean, math.sqrt(float(weight @ np.square(x - mean) / total))

    def _nodes(self) -> tuple[np.ndarray, np.ndarray]:
        """Values on both sides of the median, and their weights in an integral of the density."""
        (low, high), median = self.support, self.median
        mass = math.exp(self.log_mass)
        quartile = self.distribution.from_upper_tail(0.25 * mass)
        sides = [_between(low, median)]
        if math.isfinite(high):
            sides.append(_between(median, high))
        else:
            sides.append(_above(median, quartile - median))
        x, width = np.concatenate(sides, axis=1)
        inside = (x > low) & (x < high) & (width > 0)
        with np.errstate(over="ignore", under="ignore"):
            weight = width[inside] * np.exp(self.distribution.log_density(x[inside]))
        kept = (weight > 1e-300) & np.isfinite(weight)
        return x[inside][kept], weight[kept]


def _between(low: float, high: float) -> np.ndarray:
    """Nodes between two values and their widths, shape (2, n)."""
    outward = np.pi / 2 * np.sinh(_STEPS)
    part, rest = special.expit(2 * outward), special.expit(-2 * outward)
    x = np.where(outward > 0, high - (high - low) * rest, low + (high - low) * part)
    width = (high - low) * part * rest * np.pi * np.cosh(_STEPS) * _STEP
    return np.array([x, width])


def _above(low: float, scale: float) -> np.ndarray:
    """Nodes above a value and their widths, shape (2, n)."""
    with np.errstate(over="ignore"):
        away = scale * np.exp(np.pi / 2 * np.sinh(_STEPS))
        return np.array([low + away, away * np.pi / 2 * np.cosh(_STEPS) * _STEP])
