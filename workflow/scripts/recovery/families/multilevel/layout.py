"""The coefficients of a multilevel regression, and which of them vary by participant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Annotated

import numpy as np
from pydantic import Field, Strict, model_validator

from recovery.common.types import Frozen, Text, Unique
from recovery.families.family import Columns

MOST_PREDICTORS = 50


class Options(Frozen):
    """Options of a multilevel family."""

    predictors: Annotated[int, Strict(), Field(ge=1, le=MOST_PREDICTORS)] = 1
    """Number of predictors; a single one is named x, several x1, x2, ..."""
    varying: Annotated[tuple[Text, ...], Unique] | None = None
    """Predictors whose slopes vary by participant; all by default. Intercepts always vary."""

    @model_validator(mode="after")
    def _varying_are_predictors(self) -> Options:
        allowed = predictor_names(self.predictors)
        for name in self.varying or ():
            if name not in allowed:
                raise ValueError(f"varying: got {name!r}, must be one of {', '.join(allowed)}")
        return self


def predictor_names(number: int) -> list[str]:
    """Return the column names of a number of predictors."""
    return ["x"] if number == 1 else [f"x{k}" for k in range(1, number + 1)]


@dataclass(frozen=True)
class Layout:
    """The coefficients of a regression: an intercept, then one slope per predictor.

    Coefficients are numbered from 1, as in Stan. If the outcome has thresholds instead of a
    population intercept, beta[1] is 0 and not a parameter; slopes keep their numbers.
    """

    predictors: tuple[str, ...]
    varying: tuple[int, ...]
    """The coefficients that vary by participant."""
    intercept: bool = True
    """Whether the population's intercept is a parameter."""

    @classmethod
    def of(cls, options: Options, intercept: bool = True) -> Layout:
        """Return the layout for the options of a study."""
        names = predictor_names(options.predictors)
        varying = names if options.varying is None else options.varying
        slopes = [k for k, name in enumerate(names, start=2) if name in varying]
        return cls(tuple(names), (1, *slopes), intercept)

    @property
    def size(self) -> int:
        """The number of coefficients (K)."""
        return 1 + len(self.predictors)

    @property
    def fixed(self) -> tuple[int, ...]:
        """The coefficients that all participants share."""
        return tuple(k for k in range(1, self.size + 1) if k not in self.varying)

    @property
    def all_vary(self) -> bool:
        """Whether every coefficient varies by participant."""
        return not self.fixed

    @cached_property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """The pairs of varying coefficients, by their positions in `varying`, from 1."""
        return tuple(combinations(range(1, len(self.varying) + 1), 2))

    @property
    def beta(self) -> dict[str, str]:
        """Population coefficients -> labels."""
        numbers = range(1 if self.intercept else 2, self.size + 1)
        return {f"beta[{k}]": f"{self._name(k, 'Intercept', 'Slope')}, beta[{k}]" for k in numbers}

    def with_intercept(self, parameters: Sequence | np.ndarray) -> np.ndarray:
        """Return all K coefficients, given those that are parameters (numbers or draws)."""
        beta = np.asarray(parameters)
        return beta if self.intercept else np.concatenate([np.zeros_like(beta[:1]), beta])

    @property
    def sigma_p(self) -> dict[str, str]:
        """Participants' standard deviations -> labels."""
        return {
            f"sigma_p[{q}]": f"SD of {self._name(k, 'intercepts', 'slopes')}, sigma_p[{q}]"
            for q, k in enumerate(self.varying, start=1)
        }

    @property
    def omega(self) -> dict[str, str]:
        """Correlations of participants' coefficients -> labels."""
        return {f"Omega[{a},{b}]": f"Correlation, Omega[{a},{b}]" for a, b in self.pairs}

    @property
    def coefficients(self) -> dict[str, str]:
        """Participants' coefficients -> labels."""
        return {
            f"beta_p[,{q}]": f"Participants' {self._name(k, 'intercepts', 'slopes')}"
            for q, k in enumerate(self.varying, start=1)
        }

    def design_matrix(self, columns: Columns) -> np.ndarray:
        """Return X: a column of ones, then the predictors."""
        ones = np.ones(columns["participant"].size)
        return np.column_stack([ones, *(columns[name] for name in self.predictors)])

    def _name(self, k: int, intercept: str, slope: str) -> str:
        if k == 1:
            return intercept
        return slope if self.size == 2 else f"{slope} of {self.predictors[k - 2]}"
