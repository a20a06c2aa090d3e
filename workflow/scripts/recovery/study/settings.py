"""The parts of a study file about sampling, and about what is computed from the fits."""

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
    """Chains per fit; they run one after another, since jobs run in parallel."""
    warmup: Count = 1000
    """Warmup iterations per chain."""
    draws: Annotated[int, Strict(), Field(ge=4, le=10_000_000)] = 1000
    """Draws kept per chain."""
    adapt_delta: Proportion = 0.8
    """Target acceptance rate; larger means smaller steps and fewer divergent transitions."""
    max_treedepth: Annotated[int, Strict(), Field(ge=1, le=30)] = 10
    """Longest trajectory, as a power of 2 of leapfrog steps."""
    time_limit: Annotated[float, Strict(), Field(gt=0, le=1_000_000)] = 3600.0
    """Seconds after which an attempt at a fit is stopped and recorded as failed."""
    metric: Literal["diag_e", "dense_e"] | None = None
    """Mass matrix that warmup adapts: diagonal, Stan's default, or dense."""
    step_size: Positive | None = None
    """Initial step size of warmup; 1 by Stan's default."""
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
    """Initial values of chains: uniform within a radius on Stan's unconstrained scale, draws of
    Pathfinder, or values of parameters; Stan's default is a radius of 2."""

    @model_validator(mode="before")
    @classmethod
    def _unthinned(cls, value: Any) -> Any:
        for key in ("thin", "thinning"):
            if isinstance(value, Mapping) and key in value:
                raise ValueError(
                    f"got the key {key!r}, must not be there: every draw is kept, since thinning "
                    "makes estimates less precise; for smaller tables lower `draws`"
                )
        return value

    def given(self) -> dict[str, Any]:
        """Return the settings without those that are left to Stan."""
        return self.model_dump(mode="json", exclude_none=True)


class Rescue(Frozen):
    """Settings that change in a further attempt at a fit that failed or did not converge."""

    adapt_delta: Proportion | None = None
    max_treedepth: Annotated[int, Strict(), Field(ge=1, le=30)] | None = None
    warmup: Count | None = None
    draws: Annotated[int, Strict(), Field(ge=4, le=10_000_000)] | None = None


class Convergence(Frozen):
    """When a fit counts as converged (Vehtari et al. 2021, doi:10.1214/20-BA1221)."""

    max_rhat: Annotated[float, Strict(), Field(gt=1)] = 1.01
    """Largest rank-normalised split-rhat."""
    min_ess_per_chain: Positive = 100.0
    """Smallest bulk and tail effective sample size of a fit, divided by its chains."""
    max_divergent: Annotated[int, Strict(), Field(ge=0)] = 0
    """Largest number of divergent transitions after warmup."""
    min_ebfmi: NonNegative = 0.3
    """Smallest energy Bayesian fraction of missing information of any chain."""


class Precision(Frozen):
    """Target Monte Carlo standard errors, to be reached in every scenario."""

    coverage: Annotated[float, Strict(), Field(ge=1e-4, lt=1)] | None = None
    """For the coverage of the plotted intervals, computed at their nominal level."""
    bias_relative_to_sd: Annotated[float, Strict(), Field(ge=1e-4)] | None = None
    """For the bias in units of the posterior SD (the mean posterior z-score)."""

    @model_validator(mode="after")
    def _has_a_target(self) -> Precision:
        if self.coverage is None and self.bias_relative_to_sd is None:
            raise ValueError("got no key, must have `coverage` or `bias_relative_to_sd` or both")
        return self


STANDARD_LEVEL = 0.95  # of planning


class PlanningTarget(Frozen):
    """Targets for one parameter or estimand, or for one decision."""

    interval_width: Positive | None = None
    """Largest mean width of the intervals."""
    power: Proportion | None = None
    """Smallest share of intervals that exclude 0."""
    coverage: Proportion | None = None
    """Smallest share of intervals that contain the truth."""
    rmse: Positive | None = None
    """Largest root mean squared error."""
    rate: Proportion | None = None
    """Smallest share of fits whose answer is yes; for a decision, which has no other key."""
    interval: Proportion = STANDARD_LEVEL
    """Level of the intervals of `interval_width`, `power` and `coverage`."""

    @property
    def targets(self) -> dict[str, float]:
        """The measures that have a target, and their targets."""
        return self.model_dump(exclude_none=True, exclude={"interval"})

    @model_validator(mode="after")
    def _has_a_target(self) -> PlanningTarget:
        if not self.targets:
            keys = "`interval_width`, `power`, `coverage` and `rmse`, or for a decision `rate`"
            raise ValueError(f"got no target, must have at least one of {keys}")
        return self


class Verify(Frozen):
    """A share of the fits to repeat with another engine."""

    engine: Engine
    """The other engine; with the study's own engine, other seeds check its Monte Carlo errors."""
    share: Annotated[float, Strict(), Field(gt=0, le=1)]
    """Share of all fits; the root seed decides which ones."""


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class Selection(Frozen):
    """Models compared by leave-one-out prediction (PSIS-LOO)."""

    leave_out: Annotated[
        tuple[Unit, ...],
        Field(min_length=1),
        Unique,
        BeforeValidator(_one_or_more, json_schema_input_type=Unit | list[Unit]),
    ]
    """The unit left out: one observation, one participant with all its observations, or both."""


LARGEST_END = 1e300


def _plausible(value: Any) -> Any:
    """A lower and an upper end, each a number or none."""
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(map(_is_end, value)):
        raise ValueError(f"got {shown(value)}, must be [low, high], with null for an open end")
    low, high = (None if each is None else float(each) for each in value)
    if low is None and high is None:
        raise ValueError(f"got {shown(value)}, must have at least one end")
    if low is not None and high is not None and not low < high:
        raise ValueError(f"got {shown(value)}, its low must be below its high")
    return low, high


def _is_end(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value is None or (number and abs(value) <= LARGEST_END)


_END = {"type": ["number", "null"]}
Plausible = Annotated[
    tuple[float | None, float | None],
    BeforeValidator(_plausible),
    WithJsonSchema({"type": "array", "items": _END, "minItems": 2, "maxItems": 2}),
]
