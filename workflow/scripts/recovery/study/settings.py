"""The parts of a study file that say how fits are made, and what is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field, Strict, WithJsonSchema, model_validator

from recovery.common.errors import shown
from recovery.common.types import Count, Frozen, NonNegative, Positive, Proportion, Unique
from recovery.families.family import Unit

Engine = Literal["stanli", "cmdstan"]


def _initial(value: Any) -> Any:
    """A radius, `pathfinder`, or values of parameters."""
    if value is None or value == "pathfinder":
        return value
    if isinstance(value, Mapping) and value:
        return {_parameter(name): _numbers(name, each) for name, each in value.items()}
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < np.inf:
        return value
    raise ValueError(
        f"got {shown(value)}, must be a radius of at least 0, `pathfinder`, or a mapping of "
        "parameters to values"
    )


def _parameter(name: Any) -> str:
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"got the key {shown(name)}, must be a parameter of a program")
    return name


def _numbers(name: str, value: Any) -> Any:
    """A number, or lists of lists of as many numbers."""
    try:
        array = np.array(value)
    except ValueError:  # lists of different lengths
        array = np.array("")
    if array.dtype.kind not in "if" or not np.isfinite(array).all():
        raise ValueError(f"got {shown(value)} for {name}, must be numbers in the parameter's shape")
    return value


class Sampler(Frozen):
    """How every fit is sampled (Stan's NUTS)."""

    chains: Annotated[int, Strict(), Field(ge=2, le=100)] = 4
    """Chains of a fit; they run one after another, since jobs run beside one another."""
    warmup: Count = 1000
    """Warmup iterations of a chain."""
    draws: Annotated[int, Strict(), Field(ge=4, le=10_000_000)] = 1000
    """Draws kept of a chain."""
    adapt_delta: Proportion = 0.8
    """Target acceptance rate; larger means smaller steps and fewer divergent transitions."""
    max_treedepth: Annotated[int, Strict(), Field(ge=1, le=30)] = 10
    """Longest trajectory, as a power of 2 of leapfrog steps."""
    time_limit: Annotated[float, Strict(), Field(gt=0, le=1_000_000)] = 3600.0
    """Seconds after which an attempt at a fit is given up and becomes a failed row."""
    metric: Literal["diag_e", "dense_e"] | None = None
    """Mass matrix that warmup adapts: diagonal, Stan's default, or dense."""
    step_size: Positive | None = None
    """Step size that warmup starts from; 1 by Stan's default."""
    inits: Annotated[
        Any,
        BeforeValidator(_initial),
        WithJsonSchema(
            {
                "anyOf": [
                    {"const": "pathfinder"},
                    {"type": "number", "minimum": 0},
                    {"type": "object", "minProperties": 1},
                    {"type": "null"},
                ]
            }
        ),
    ] = None
    """Where chains start: uniform within a radius on Stan's unconstrained scale, at draws of
    Pathfinder, or at values of parameters; within 2 by Stan's default."""

    @model_validator(mode="before")
    @classmethod
    def _unthinned(cls, value: Any) -> Any:
        for key in ("thin", "thinning"):
            if isinstance(value, Mapping) and key in value:
                raise ValueError(
                    f"got the key {key!r}, must not be there: every draw is kept, since leaving "
                    "some out makes every estimate less precise; for smaller tables lower `draws`"
                )
        return value

    def given(self) -> dict[str, Any]:
        """Return the settings, those that are left to Stan left out."""
        return self.model_dump(mode="json", exclude_none=True)


class Rescue(Frozen):
    """What changes when a fit that failed or did not converge is made again."""

    adapt_delta: Proportion | None = None
    max_treedepth: Annotated[int, Strict(), Field(ge=1, le=30)] | None = None
    warmup: Count | None = None
    draws: Annotated[int, Strict(), Field(ge=4, le=10_000_000)] | None = None


class Convergence(Frozen):
    """When a fit counts as converged (Vehtari et al. 2021, doi:10.1214/20-BA1221)."""

    max_rhat: Annotated[float, Strict(), Field(gt=1)] = 1.01
    """Largest rank-normalised split-rhat."""
    min_ess_per_chain: Positive = 100.0
    """Smallest bulk and tail effective sample size, times the number of chains."""
    max_divergent: Annotated[int, Strict(), Field(ge=0)] = 0
    """Most divergent transitions after warmup."""
    min_ebfmi: NonNegative = 0.3
    """Smallest energy Bayesian fraction of missing information of any chain."""


class Precision(Frozen):
    """The Monte Carlo standard errors that the study is to reach, in every scenario."""

    coverage: Annotated[float, Strict(), Field(ge=1e-4, lt=1)] | None = None
    """Of the coverage of the plotted intervals, taken at their nominal level."""
    bias_relative_to_sd: Annotated[float, Strict(), Field(ge=1e-4)] | None = None
    """Of the bias in posterior standard deviations (the mean posterior z-score)."""

    @model_validator(mode="after")
    def _of_something(self) -> Precision:
        if self.coverage is None and self.bias_relative_to_sd is None:
            raise ValueError("got no key, must have `coverage` or `bias_relative_to_sd` or both")
        return self


class Wanted(Frozen):
    """What participants are to be enough for, of one parameter, with the plotted intervals."""

    interval_width: Positive | None = None
    """Mean width of the intervals, at most this."""
    power: Proportion | None = None
    """Share of intervals that exclude 0, at least this."""
    coverage: Proportion | None = None
    """Share of intervals that contain the truth, at least this."""
    rmse: Positive | None = None
    """Root mean squared error, at most this."""

    @model_validator(mode="after")
    def _something(self) -> Wanted:
        if not self.model_dump(exclude_none=True):
            keys = "`interval_width`, `power`, `coverage` and `rmse`"
            raise ValueError(f"got no key, must have at least one of {keys}")
        return self


class Verify(Frozen):
    """A share of the fits that another engine makes too."""

    engine: Engine
    """Which; with the study's own, other seeds check the Monte Carlo errors of its draws."""
    share: Annotated[float, Strict(), Field(gt=0, le=1)]
    """Of all fits; which ones follows from the root seed."""


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class Selection(Frozen):
    """Models compared by how well they predict what is left out of the data (PSIS-LOO)."""

    leave_out: Annotated[
        tuple[Unit, ...],
        Field(min_length=1),
        Unique,
        BeforeValidator(_one_or_more, json_schema_input_type=Unit | list[Unit]),
    ]
    """One observation at a time, or one participant with all its observations, or both."""
