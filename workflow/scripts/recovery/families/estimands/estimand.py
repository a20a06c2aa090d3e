"""An estimand: a function of a family's parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

_STEP = float(np.finfo(float).eps) ** (1 / 3)  # of central differences, for values around 1


@dataclass(frozen=True)
class Estimand:
    """A function of parameters.

    Parameters
    ----------
    name : str
        The study's name for it.
    text : str
        What the study says of it; empty if it is a function of an own family.
    parameters : tuple of str
        The parameters that it depends on.
    compute : callable
        Parameter -> values, each of shape (n_draws,) -> values of the estimand, shape (n_draws,).
    weights : mapping of str to float, optional
        Parameter -> its weight, if the estimand is a linear combination of parameters.
    constant : float
        What is added to the combination.
    """

    name: str
    text: str
    parameters: tuple[str, ...]
    compute: Callable[[Mapping[str, np.ndarray]], np.ndarray]
    weights: Mapping[str, float] | None = None
    constant: float = 0.0

    def value(self, values: Mapping[str, Any]) -> Any:
        """Return its values, in the shape of those of the parameters: numbers or arrays."""
        first = np.shape(values[self.parameters[0]]) if self.parameters else ()
        draws = {name: np.ravel(values[name]) for name in self.parameters}
        with np.errstate(over="ignore", invalid="ignore"):  # refused when it is summarised
            found = np.asarray(self.compute(draws), dtype=float).reshape(first)
        return found if first else float(found)

    def gradient(self, values: Mapping[str, float]) -> np.ndarray:
        """Return its derivatives by `parameters`, by central differences."""
        if self.weights is not None:
            return np.array([self.weights[name] for name in self.parameters])
        centre = np.array([values[name] for name in self.parameters], dtype=float)
        steps = _STEP * np.maximum(np.abs(centre), 1.0)
        points = np.vstack([centre + np.diag(steps), centre - np.diag(steps)])
        moved = self.value(dict(zip(self.parameters, points.T, strict=True)))
        above, below = np.split(np.asarray(moved), 2)
        return (above - below) / (2 * steps)
