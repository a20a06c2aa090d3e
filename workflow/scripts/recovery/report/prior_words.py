"""Priors in words: each distribution, each setting, and where the prior of an intercept is."""

from __future__ import annotations

from typing import Any

from recovery.families.family import Family
from recovery.families.priors import Bounded, Constant, Flat, NamedPriors
from recovery.plan.figure_list import words
from recovery.plan.prior_panels import at_means, at_zero, has_named_priors
from recovery.report.ademp import listed
from recovery.study.keys import Study

NAMES = {
    "student_t": "Student-t",
    "cauchy": "Cauchy",
    "double_exponential": "double-exponential",
    "inv_gamma": "inverse-gamma",
    "lognormal": "log-normal",
    "lkj": "LKJ",
}
"""Distributions whose names are not those of Stan."""


def in_words(prior: Bounded) -> str:
    """Return a distribution in words: `half-Student-t(3, 0, 2.5)`; arguments are Stan's."""
    distribution = prior.distribution
    if isinstance(distribution, Flat):
        return "flat (improper)"
    if isinstance(distribution, Constant):
        return f"fixed at {distribution.arguments[0]:g}"
    name = NAMES.get(distribution.NAME, distribution.NAME)
    text = f"{name}({', '.join(f'{each:g}' for each in distribution.arguments)})"
    if not prior.is_cut:
        return text
    if getattr(distribution, "location", None) == prior.low:
        return f"half-{text}"
    return f"{text} above {prior.low:g}"


def by_key(prior: NamedPriors) -> dict[str, str]:
    """Return the keys of a prior that are used, and their distributions in words."""
    parameters: dict[str, str] = {}
    for parameter, keys in prior.KEYS.items():
        key = next(key for key in keys if getattr(prior, key) is not None)
        parameters.setdefault(key, parameter)
    given = [key for key in prior.model_dump() if key in parameters]
    return {key: in_words(prior.bounded(parameters[key])) for key in given}


def setting(prior: NamedPriors) -> str:
    """Return a prior in words: `normal(0, 1) for Intercept and b, exponential(1) for sd`."""
    keys: dict[str, list[str]] = {}
    for key, text in by_key(prior).items():
        keys.setdefault(text, []).append(key)
    return ", ".join(f"{text} for {listed(names)}" for text, names in keys.items())


def settings(study: Study, family: Family) -> list[str]:
    """Return every prior of a study in words; none of a family without named priors."""
    if not has_named_priors(family):
        return []
    return [f"{words(name)}: {setting(prior)}" for name, prior in study.priors.items()]


def place(family: Family) -> str:
    """Return at which values of predictors an intercept has its prior; empty if it matters not."""
    if not has_named_priors(family):
        return ""
    if parameters := at_means(family):
        what = "the intercept" if len(parameters) == 1 else "the thresholds"
        return f"The prior of {what} is at the means of the predictors."
    return "The prior of the intercept is at zero of the predictors." if at_zero(family) else ""


def keys_in_use(study: Study, family: Family) -> list[str]:
    """Return the keys that any prior of a study has, in the family's order."""
    used = {key for prior in study.priors.values() for key in prior.model_dump()}
    return [key for key in family.Prior.model_fields if key in used]


def rows(study: Study, family: Family) -> list[dict[str, str]]:
    """Return a row for each key of priors: its distribution, in words, under each prior."""
    texts = {words(name): _by_key(prior) for name, prior in study.priors.items()}
    return [
        {"Parameters": key} | {name: each.get(key, "–") for name, each in texts.items()}
        for key in keys_in_use(study, family)
    ]


def _by_key(prior: Any) -> dict[str, str]:
    if isinstance(prior, NamedPriors):
        return by_key(prior)
    return {key: _text(value) for key, value in prior.model_dump().items()}


def _text(value: Any) -> str:
    """A hyperparameter of an own family; several are listed."""
    return ", ".join(map(_text, value)) if isinstance(value, list | tuple) else str(value)
