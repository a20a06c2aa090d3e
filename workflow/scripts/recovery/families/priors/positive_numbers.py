"""Distributions of numbers above 0; arguments are Stan's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from scipy import special

from recovery.families.priors.distribution import SCALE, Bounds, Distribution


class Positive(Distribution):
    """A distribution of numbers above 0."""

    ARGUMENTS: ClassVar[Mapping[str, Bounds]] = {"alpha": SCALE, "beta": SCALE}

    @property
    def support(self) -> Bounds:
        """Numbers above 0."""
        return (0.0, math.inf)


class Exponential(Positive):
    """Exponential distribution, with a rate."""

    NAME, CODE = "exponential", 6
    ARGUMENTS = {"beta": SCALE}

    def log_density(self, x: Any) -> Any:
        """Return the log density at x."""
        (rate,) = self.arguments
        return math.log(rate) - rate * x

    def upper_tail(self, x: float) -> float:
        """Return the probability of a value above x."""
        return math.exp(-self.arguments[0] * max(x, 0.0))

    def from_upper_tail(self, probability: float) -> float:
        """Return the value above which there is this probability."""
        return -math.log(probability) / self.arguments[0]

    def moments(self) -> tuple[float, float]:
        """Return the mean and the standard deviation, which are equal."""
        return 1 / self.arguments[0], 1 / self.arguments[0]


class Gamma(Positive):
    """Gamma distribution, with a shape and a rate."""

    NAME, CODE = "gamma", 7

    def log_density(self, x: Any) -> Any:
        """Return the log density at x."""
        shape, rate = self.arguments
        constant = shape * math.log(rate) - special.gammaln(shape)
        return constant + (shape - 1) * np.log(x) - rate * x

    def upper_tail(self, x: float) -> float:
        """Return the probability of a value above x."""
        shape, rate = self.arguments
        return float(special.gammaincc(shape, rate * max(x, 0.0)))

    def from_upper_tail(self, probability: float) -> float:
        """Return the value above which there is this probability."""
        shape, rate = self.arguments
        return float(special.gammainccinv(shape, probability)) / rate

    def moments(self) -> tuple[float, float]:
        """Return the mean and the standard deviation."""
        shape, rate = self.arguments
        return shape / rate, math.sqrt(shape) / rate


class InverseGamma(Positive):
    """Inverse gamma distribution, with a shape and a scale."""

    NAME, CODE = "inv_gamma", 8

    def log_density(self, x: Any) -> Any:
        """Return the log density at x."""
        shape, scale = self.arguments
        constant = shape * math.log(scale) - special.gammaln(shape)
        return constant - (shape + 1) * np.log(x) - scale / x

    def upper_tail(self, x: float) -> float:
        """Return the probability of a value above x."""
        shape, scale = self.arguments
        return float(special.gammainc(shape, scale / x)) if x > 0 else 1.0

    def from_upper_tail(self, probability: float) -> float:
        """Return the value above which there is this probability."""
        shape, scale = self.arguments
        inverse = float(special.gammaincinv(shape, probability))
        return scale / inverse if inverse > 0 else math.inf

    def moments(self) -> tuple[float, float]:
        """Return the mean and the standard deviation; infinite for shapes up to 1 and 2."""
        shape, scale = self.arguments
        mean = scale / (shape - 1) if shape > 1 else math.inf
        return mean, mean / math.sqrt(shape - 2) if shape > 2 else math.inf


class LogNormal(Positive):
    """Log-normal distribution."""

    NAME, CODE = "lognormal", 9
    ARGUMENTS = {"mu": (-1e3, 1e3), "sigma": (1e-50, 1e3)}

    def log_density(self, x: Any) -> Any:
        """Return the log density at x."""
        mu, sigma = self.arguments
        z = (np.log(x) - mu) / sigma
        return -0.5 * math.log(2 * math.pi) - math.log(sigma) - np.log(x) - 0.5 * np.square(z)

    def upper_tail(self, x: float) -> float:
        """Return the probability of a value above x."""
        mu, sigma = self.arguments
        return float(special.ndtr((mu - math.log(x)) / sigma)) if x > 0 else 1.0

    def from_upper_tail(self, probability: float) -> float:
        """Return the value above which there is this probability."""
        mu, sigma = self.arguments
        exponent = mu - sigma * float(special.ndtri(probability))
        return math.exp(exponent) if exponent < 709 else math.inf

    def moments(self) -> tuple[float, float]:
        """Return the mean and the standard deviation."""
        mu, sigma = self.arguments
        with np.errstate(over="ignore"):
            mean = float(np.exp(mu + sigma**2 / 2))
            return mean, mean * float(np.sqrt(np.expm1(sigma**2)))


class Beta(Positive):
    """Beta distribution."""

    NAME, CODE = "beta", 10

    @property
    def support(self) -> Bounds:
        """Numbers between 0 and 1."""
        return (0.0, 1.0)

    def log_density(self, x: Any) -> Any:
        """Return the log density at x."""
        a, b = self.arguments
        return (a - 1) * np.log(x) + (b - 1) * np.log1p(-x) - special.betaln(a, b)

    def upper_tail(self, x: float) -> float:
        """Return the probability of a value above x."""
        a, b = self.arguments
        return float(special.betainc(b, a, 1 - min(max(x, 0.0), 1.0)))

    def from_upper_tail(self, probability: float) -> float:
        """Return the value above which there is this probability."""
        a, b = self.arguments
        return float(special.betainccinv(a, b, probability))

    def moments(self) -> tuple[float, float]:
        """Return the mean and the standard deviation."""
        a, b = self.arguments
        return a / (a + b), math.sqrt(a * b / (a + b + 1)) / (a + b)
