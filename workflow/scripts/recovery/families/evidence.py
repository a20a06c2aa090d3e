"""Which parameters and estimands have Bayes factors against a value: those with a prior density."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from recovery.common.errors import listed
from recovery.families.family import Family
from recovery.families.priors import WHOLE_LINE, Constant, Flat, NamedPriors

_PROPER = tuple(name for name in WHOLE_LINE if name != Flat.NAME)


def terms_of(family: Family, parameter: str) -> tuple[Mapping[str, float], float] | None:
    """Return the weights of parameters in a parameter or estimand, and the constant.

    None if it is no linear combination of parameters.
    """
    estimand = family.ESTIMANDS.get(parameter)
    if estimand is None:
        return {parameter: 1.0}, 0.0
    return None if estimand.weights is None else (estimand.weights, estimand.constant)


def density_model(family: Family, model: str) -> str:
    """Return the model whose program computes the log densities for Bayes factors of another.

    It has the same posterior. If the family has one in which groups' coefficients are integrated
    out, it is that one: with fewer parameters the densities have a smaller Monte Carlo error.
    """
    joint = family.MODELS[model].joint
    same = (name for name, each in family.MODELS.items() if each.joint == joint)
    return next((name for name in same if family.MODELS[name].integrated), model)


def evidence_fault(family: Family, prior: BaseModel, parameter: str) -> str:
    """Return why no Bayes factor against a value of a parameter can be computed; empty if it can.

    Parameters
    ----------
    parameter : str
        The name of a parameter, or of an estimand of `family.ESTIMANDS`.
    """
    if not family.SUMMED or not isinstance(prior, NamedPriors):
        return "the family gives no prior density of it"
    found = terms_of(family, parameter)
    if found is None:
        return "it is not a linear combination of coefficients"
    wrong = [name for name in found[0] if name not in family.SUMMED]
    if wrong:
        return f"it depends on {listed(wrong)}, must be made of {listed(family.SUMMED)}"
    at_means = any(name in prior.AT_MEANS for name in found[0])  # it depends on all slopes
    summands = [*family.SUMMED] if at_means else [*found[0]]
    fixed = [name for name in summands if isinstance(prior.of(name), Constant)]
    if len(fixed) == len(summands):
        return f"the prior fixes {listed(fixed)}"
    for name in summands:
        distribution = prior.of(name)
        if name not in fixed and distribution.NAME not in _PROPER:
            return f"the prior of {name} is {distribution}, must be one of {listed(_PROPER)}"
    return ""
