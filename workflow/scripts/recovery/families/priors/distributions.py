"""The distributions that a prior can name, with Stan's arguments.

Each has a log density, an upper tail probability and its inverse, so that it can be cut at a lower
bound and drawn from there without loss of digits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from recovery.families.priors.distribution import REAL, SCALE, Bounds, Distribution
from recovery.families.priors.location_scale import (
    Cauchy,
    DoubleExponential,
    Logistic,
    Normal,
    StudentT,
)
from recovery.families.priors.positive_numbers import (
    Beta,
    Exponential,
    Gamma,
    InverseGamma,
    LogNormal,
)


class Uniform(Distribution):
    """Uniform distribution, which bounds its parameter."""

    NAME, CODE = "uniform", 11
    ARGUMENTS = {"alpha": REAL, "beta": REAL}

    @property
    def support(self) -> Bounds:
        """Its arguments."""
        low, high = self.arguments
        return low, high

    def log_density(self, x: Any) -> Any:
        """Return the log density at x."""
        low, high = self.arguments
        return np.full(np.shape(x), -math.log(high - low))

    def upper_tail(self, x: float) -> float:
        """Return the probability of a value above x."""
        low, high = self.arguments
        return (high - min(max(x, low), high)) / (high - low)

    def from_upper_tail(self, probability: float) -> float:
        """Return the value above which there is this probability."""
        low, high = self.arguments
        return high - probability * (high - low)

    def moments(self) -> tuple[float, float]:
        """Return the mean and the standard deviation."""
        low, high = self.arguments
        return (low + high) / 2, (high - low) / math.sqrt(12)


class Constant(Distribution):
    """One value, so the parameter is not estimated."""

    NAME, CODE = "constant", -1
    ARGUMENTS = {"value": REAL}

    @property
    def support(self) -> Bounds:
        """Its value."""
        return self.arguments[0], self.arguments[0]

    def moments(self) -> tuple[float, float]:
        """Return the value, and 0."""
        return self.arguments[0], 0.0


class Flat(Distribution):
    """A constant density everywhere, from which nothing can be drawn."""

    NAME, CODE = "flat", 0
    ARGUMENTS: ClassVar[Mapping[str, Bounds]] = {}
    EVERYWHERE = True

    def __str__(self) -> str:
        return self.NAME

    def log_density(self, x: Any) -> Any:
        """Return 0: the density is improper."""
        return np.zeros(np.shape(x))

    def moments(self) -> tuple[float, float]:
        """Return no numbers."""
        return math.nan, math.nan


class LKJ(Distribution):
    """LKJ distribution of correlation matrices; 1 is uniform over them.

    References
    ----------
    Lewandowski, Kurowicka & Joe (2009), doi:10.1016/j.jmva.2009.04.008.
    """

    NAME, CODE = "lkj", -2
    ARGUMENTS = {"eta": SCALE}

    def correlation_sd(self, size: int) -> float:
        """Return the SD of every correlation in a matrix of `size` rows.

        (rho + 1) / 2 has the distribution beta(a, a) with a = eta - 1 + size / 2.
        """
        return float(1 / math.sqrt(2 * (self.arguments[0] - 1 + size / 2) + 1))


DISTRIBUTIONS: Mapping[str, type[Distribution]] = {
    kind.NAME: kind
    for kind in (
        *(Normal, StudentT, Cauchy, Logistic, DoubleExponential, Exponential, Gamma, InverseGamma),
        *(LogNormal, Beta, Uniform, Constant, Flat, LKJ),
    )
}
