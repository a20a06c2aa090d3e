"""The distributions that a prior can name, with Stan's arguments.

Each has a log density, an upper tail probability and its inverse, so that it can be cut at a lower
bound and drawn from there without loss of digits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from scipy import special

Bounds = tuple[float, float]

REAL: Bounds = (-1e300, 1e300)
SCALE: Bounds = (1e-50, 1e50)
"""Of an argument: truths can be drawn from it without overflow."""


class Distribution:
    """A distribution of one parameter, and its arguments.

    Parameters
    ----------
    *arguments : float
        Those of Stan's distribution of this name, in the same order.
    """

    NAME: ClassVar[str]
    CODE: ClassVar[int]  # in stan/functions/named_prior.stan
    ARGUMENTS: ClassVar[Mapping[str, Bounds]]  # name -> its range
    EVERYWHERE: ClassVar[bool] = False  # whether its density is positive on the whole line

    def __init__(self, *arguments: float):
        self.arguments = tuple(each + 0.0 for each in arguments)  # -0 is 0

    def __str__(self) -> str:
        return f"{self.NAME}({', '.join(f'{each:.15g}' for each in self.arguments)})"

    def __repr__(self) -> str:
        return str(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Distribution) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    @property
    def support(self) -> Bounds:
        """The smallest and the largest value with a positive density."""
        return (-math.inf, math.inf)

    def log_density(self, x: Any) -> Any:
        """Return the log density at x, which is in the support."""
        raise NotImplementedError

    def upper_tail(self, x: float) -> float:
        """Return the probability of a value above x."""
        raise NotImplementedError

    def from_upper_tail(self, probability: float) -> float:
        """Return the value above which there is this probability."""
        raise NotImplementedError

    def moments(self) -> tuple[float, float]:
        """Return the mean and the standard deviation; infinite or NaN where there are none."""
        raise NotImplementedError


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
