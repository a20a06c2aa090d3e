"""Which parameters a figure of named priors shows, panel by panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recovery.families.family import Family, Values
from recovery.families.multilevel.layout import INTERCEPT
from recovery.families.priors import NamedPriors
from recovery.families.priors.named_priors import SLOPES
from recovery.study.keys import Study

MOST_PANELS = 12
LONGEST_LIST = 30  # letters of a title that lists parameters


@dataclass(frozen=True)
class PriorPanel:
    """Parameters that have the same prior as one another in every setting.

    Parameters
    ----------
    title : str
        The label of a parameter, or what several have in common.
    parameters : tuple of str
    """

    title: str
    parameters: tuple[str, ...]


def has_named_priors(family: Family) -> bool:
    """Whether the priors of a family are distributions with names."""
    return issubclass(family.Prior, NamedPriors)


def _keys(family: Family) -> Mapping[str, tuple[str, ...]]:
    """The keys of each parameter's prior, the narrowest first; none without named priors."""
    return family.Prior.KEYS if issubclass(family.Prior, NamedPriors) else {}


def prior_panels(family: Family, study: Study) -> list[PriorPanel]:
    """Return a panel for each parameter that the study's models estimate, or for several alike."""
    scored = {name for model in study.models for name in family.MODELS[model].scored}
    sds = {name: prior_sds(family, study, name) for name in study.priors}
    alike: dict[tuple, list[str]] = {}
    for parameter in family.PARAMETERS:
        if parameter in scored & _keys(family).keys():
            settings = [prior.bounded(parameter) for prior in study.priors.values()]
            of_sizes = [each.get(parameter) for each in sds.values()]  # of correlation matrices
            key = (_widest_key(family, parameter), *settings, *of_sizes)
            alike.setdefault(key, []).append(parameter)
    return [PriorPanel(_title(family, names), tuple(names)) for names in alike.values()]


def prior_sds(family: Family, study: Study, prior: str) -> Values:
    """Return the known standard deviations of a prior's parameters, of all models."""
    known: Values = {}
    for model in study.models:
        known |= family.prior_sd(study.priors[prior], model)
    return known


def _widest_key(family: Family, parameter: str) -> str:
    return _keys(family)[parameter][-1]


def _title(family: Family, parameters: Sequence[str]) -> str:
    if len(parameters) == 1:
        return family.PARAMETERS[parameters[0]]
    together = ", ".join(parameters)
    if len(together) <= LONGEST_LIST:
        return together
    return f"{_widest_key(family, parameters[0])}: {len(parameters)} parameters"


def at_means(family: Family) -> tuple[str, ...]:
    """Return the parameters whose prior is at the means of predictors: intercepts, thresholds."""
    return family.Prior.AT_MEANS if issubclass(family.Prior, NamedPriors) else ()


def at_zero(family: Family) -> tuple[str, ...]:
    """Return the intercepts or thresholds whose prior is where all predictors are 0."""
    keys = _keys(family)
    found = [name for name, each in keys.items() if each[0] in (INTERCEPT, f"{SLOPES}_{INTERCEPT}")]
    slopes = [name for name, each in keys.items() if each[-1] == SLOPES and name not in found]
    return tuple(name for name in found if slopes and name not in at_means(family))
