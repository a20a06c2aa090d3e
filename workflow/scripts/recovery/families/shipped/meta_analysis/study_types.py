"""The types of truths, priors and observed columns of a meta-analysis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field, Strict, create_model

from recovery.common.types import Frozen, NonNegative, Positive, Real, Scale, Text
from recovery.families.multilevel.parameter_types import named


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


class Prior(Frozen):
    """A setting of every hyperparameter."""

    mu_mean: Real
    mu_sd: Scale
    tau_df: Annotated[float, Strict(), Field(ge=1, le=1e6)]
    """Degrees of freedom of the half-Student-t prior of tau; 1 is half-Cauchy."""
    tau_scale: Scale


class ModeratedPrior(Prior):
    """A setting of every hyperparameter."""

    b_mean: Real
    """Mean of the normal prior of every moderator's coefficient."""
    b_sd: Scale


class ObservedColumns(Frozen):
    """The column names of a CSV file with the family's data."""

    effect: Text
    standard_error: Text
    study: Text
