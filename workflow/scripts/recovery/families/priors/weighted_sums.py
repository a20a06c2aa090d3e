"""Prior densities of weighted sums of a program's parameters, whose priors are independent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recovery.families.priors.bounded import Bounded
from recovery.families.priors.distributions import Constant
from recovery.families.priors.location_scale import LocationScale, Normal

_POINTS = 2**13  # of the quadrature


@dataclass(frozen=True)
class WeightedSum:
    """A weighted sum of some of a program's parameters `free`, plus what constants add to it.

    Parameters
    ----------
    places : ndarray of int, shape (n,)
        Their places in `free`, from 0.
    weights : ndarray, shape (n,)
        None of them is 0.
    priors : tuple of LocationScale, length n
    constant : float
    """

    places: np.ndarray
    weights: np.ndarray
    priors: tuple[LocationScale, ...]
    constant: float

    def log_prior_density(self, value: float) -> float:
        """Return the log prior density of the sum at a value.

        It is exact for one parameter, and for normal priors. Else the density given all but the
        widest part is averaged over the others, at points of a Kronecker sequence.

        References
        ----------
        Niederreiter (1992), doi:10.1137/1.9781611970081, chapter 3.
        """
        widest, *others = sorted(self._parts(), key=lambda part: part.scale, reverse=True)
        rest = value - self.constant
        if not others:
            return float(widest.log_density(rest))
        points = zip(_points(len(others)), others, strict=True)
        drawn = [[part.from_upper_tail(p) for p in column] for column, part in points]
        log_densities = widest.log_density(rest - np.sum(drawn, axis=0))
        top = log_densities.max()
        return float(top + np.log(np.exp(log_densities - top).mean()))

    def _parts(self) -> list[LocationScale]:
        """The priors of the weighted parameters; that of all with normal priors is one."""
        parts = [
            type(prior)(*prior.arguments[:-2], weight * prior.location, abs(weight) * prior.scale)
            for prior, weight in zip(self.priors, self.weights.tolist(), strict=True)
        ]
        normal = [part for part in parts if isinstance(part, Normal)]
        if not normal:
            return parts
        mean, sd = sum(each.location for each in normal), math.hypot(*(n.scale for n in normal))
        return [Normal(mean, sd), *(part for part in parts if not isinstance(part, Normal))]


def weighted_sum(priors: Sequence[Bounded], weights: Sequence[float] | np.ndarray) -> WeightedSum:
    """Return a weighted sum of the parameters of a program.

    Parameters
    ----------
    priors : sequence of Bounded
        The priors of the parameters, as `program_data` takes them.
    weights : sequence of float
        Of the first parameters; the others have the weight 0.
    """
    places, chosen, distributions, place, constant = [], [], [], 0, 0.0
    for prior, weight in zip(priors, weights, strict=False):
        distribution = prior.distribution
        if isinstance(distribution, Constant):
            constant += weight * distribution.arguments[0]
            continue
        if weight:
            assert isinstance(distribution, LocationScale)  # `evidence_fault` refuses others
            places.append(place)
            chosen.append(float(weight))
            distributions.append(distribution)
        place += 1
    return WeightedSum(np.array(places), np.array(chosen), tuple(distributions), float(constant))


def _points(dimensions: int) -> np.ndarray:
    """Points in a unit cube, shape (dimensions, n): multiples of powers of an irrational number."""
    root = 2.0
    for _ in range(50):
        root = (1 + root) ** (1 / (dimensions + 1))  # of x^(d + 1) = x + 1
    steps = root ** -np.arange(1.0, dimensions + 1)
    return (0.5 + np.outer(steps, np.arange(1, _POINTS + 1))) % 1
