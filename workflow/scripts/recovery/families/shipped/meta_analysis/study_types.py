"""The types of truths, priors and observed columns of a meta-analysis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, create_model

from recovery.common.types import Frozen, NonNegative, Positive, Real, Text
from recovery.families.multilevel.parameter_types import named
from recovery.families.priors import NamedPriors, PriorKey, prior_type

SMALLEST = 1e-300  # standard error
_COEFFICIENT, _SD = PriorKey("normal(0, 1)"), PriorKey("student_t(3, 0, 1)")


def _in_order(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"got {list(bounds)}, must be [smallest, largest]")
    return bounds


class Design(Frozen):
    """Settings of the generator besides parameters: the distribution of standard errors."""

    se: Annotated[tuple[Positive, Positive], AfterValidator(_in_order)]
    """Bounds of the studies' standard errors, which are uniform between them."""


class Truth(Design):
    """Parameter values from which data are generated."""

    mu: Real
    """Mean of the studies' effects."""
    tau: NonNegative
    """Their standard deviation."""


def truth_type(moderators: Sequence[str]) -> type[Truth]:
    """Return the type of a truth: with moderators, `b` has their coefficients."""
    if not moderators:
        return Truth
    b = named(moderators, Real, "a coefficient of the formula")
    return create_model("Truth", __base__=Truth, __doc__=Truth.__doc__, b=(b, ...))


def type_of_priors(b: Sequence[str]) -> type[NamedPriors]:
    """Return the type of a prior, given the parameters of the moderators."""
    keys = {"mu": ("mu",), **{name: (name, "b") for name in b}, "tau": ("tau",)}
    allowed = {"mu": _COEFFICIENT, **dict.fromkeys(b, _COEFFICIENT)}
    allowed |= {"b": _COEFFICIENT} if b else {}
    return prior_type(keys, allowed | {"tau": _SD}, {"tau": 0.0})


class ObservedColumns(Frozen):
    """The column names of a CSV file with the family's data."""

    effect: Text
    standard_error: Text
    study: Text
