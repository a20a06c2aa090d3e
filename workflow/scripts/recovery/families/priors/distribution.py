"""What every distribution that a prior can name has."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

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
