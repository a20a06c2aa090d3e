"""Distributions that are symmetric around a location, with a scale; arguments are Stan's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from scipy import special

from recovery.families.priors.distribution import REAL, SCALE, Bounds, Distribution


class LocationScale(Distribution):
    """A distribution that is symmetric around a location, with a scale."""

    ARGUMENTS: ClassVar[Mapping[str, Bounds]] = {"mu": REAL, "sigma": SCALE}
    EVERYWHERE = True

    @property
    def location(self) -> float:
        """Its centre."""
        return self.arguments[-2]

    @property
    def scale(self) -> float:
        """Its scale."""
        return self.arguments[-1]

    def log_density(self, x: Any) -> Any:
        """Return the log density at x."""
        return self._log_density((x - self.location) / self.scale) - math.log(self.scale)

    def upper_tail(self, x: float) -> float:
        """Return the probability of a value above x."""
        return float(self._lower_tail((self.location - x) / self.scale))

    def from_upper_tail(self, probability: float) -> float:
        """Return the value above which there is this probability."""
        return float(self.location - self.scale * self._quantile(probability))

    def moments(self) -> tuple[float, float]:
        """Return the location, and the scale times the standard distribution's SD."""
        return self.location, self.scale * self._sd()

    def _log_density(self, z: Any) -> Any:
        raise NotImplementedError

    def _lower_tail(self, z: float) -> float:
        raise NotImplementedError

    def _quantile(self, probability: float) -> float:
        raise NotImplementedError

    def _sd(self) -> float:
        raise NotImplementedError


class Normal(LocationScale):
    """Normal distribution."""

    NAME, CODE = "normal", 1

    def _log_density(self, z: Any) -> Any:
        return -0.5 * math.log(2 * math.pi) - 0.5 * np.square(z)

    def _lower_tail(self, z: float) -> float:
        return special.ndtr(z)

    def _quantile(self, probability: float) -> float:
        return special.ndtri(probability)

    def _sd(self) -> float:
        return 1.0


class StudentT(LocationScale):
    """Student's t distribution."""

    NAME, CODE = "student_t", 2
    ARGUMENTS = {"nu": (1e-2, 1e10), "mu": REAL, "sigma": SCALE}

    def _log_density(self, z: Any) -> Any:
        nu = self.arguments[0]
        constant = special.gammaln((nu + 1) / 2) - special.gammaln(nu / 2)
        constant -= 0.5 * math.log(math.pi * nu)
        return constant - (nu + 1) / 2 * np.log1p(np.square(z) / nu)

    def _lower_tail(self, z: float) -> float:
        return special.stdtr(self.arguments[0], z)

    def _quantile(self, probability: float) -> float:
        return special.stdtrit(self.arguments[0], probability)

    def _sd(self) -> float:
        nu = self.arguments[0]
        return math.sqrt(nu / (nu - 2)) if nu > 2 else math.inf


class Cauchy(LocationScale):
    """Cauchy distribution."""

    NAME, CODE = "cauchy", 3

    def _log_density(self, z: Any) -> Any:
        return -math.log(math.pi) - np.log1p(np.square(z))

    def _lower_tail(self, z: float) -> float:
        return math.atan2(1, -z) / math.pi

    def _quantile(self, probability: float) -> float:
        return -1 / math.tan(math.pi * probability) if probability < 1 else math.inf

    def _sd(self) -> float:
        return math.inf


class Logistic(LocationScale):
    """Logistic distribution."""

    NAME, CODE = "logistic", 4

    def _log_density(self, z: Any) -> Any:
        return special.log_expit(z) + special.log_expit(-z)

    def _lower_tail(self, z: float) -> float:
        return special.expit(z)

    def _quantile(self, probability: float) -> float:
        return special.logit(probability)

    def _sd(self) -> float:
        return math.pi / math.sqrt(3)


class DoubleExponential(LocationScale):
    """Double exponential (Laplace) distribution."""

    NAME, CODE = "double_exponential", 5

    def _log_density(self, z: Any) -> Any:
        return -math.log(2) - np.abs(z)

    def _lower_tail(self, z: float) -> float:
        return 0.5 * math.exp(z) if z < 0 else 1 - 0.5 * math.exp(-z)

    def _quantile(self, probability: float) -> float:
        if probability < 0.5:
            return math.log(2 * probability)
        return -math.log(2 * (1 - probability)) if probability < 1 else math.inf

    def _sd(self) -> float:
        return math.sqrt(2)
