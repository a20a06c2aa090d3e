"""Priors in words: each distribution, each setting, and where the prior of an intercept is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from recovery.families.family import Family
from recovery.families.priors import Bounded, Constant, Distribution, Flat, NamedPriors
from recovery.families.priors.named_priors import SLOPES
from recovery.plan.figure_list import words
from recovery.plan.prior_panels import at_means, at_zero
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
        return f"fixed at {_digits(distribution.arguments[0])}"
    name = NAMES.get(distribution.NAME, distribution.NAME)
    text = f"{name}({', '.join(map(_digits, distribution.arguments))})"
    if not prior.is_cut:
        return text
    if getattr(distribution, "location", None) == prior.low:
        return f"half-{text}"
    return f"{text} above {_digits(prior.low)}"


def _digits(value: float) -> str:
    """A number with all digits that the study file gives."""
    return f"{value:.15g}"


def deciding_keys(prior: NamedPriors) -> dict[str, str]:
    """Return the keys of a prior that decide for a parameter, and one such parameter of each.

    The order is that of the family's parameters, wider keys before narrower ones.
    """
    deciding: dict[str, str] = {}
    for parameter in prior.KEYS:
        deciding.setdefault(prior.key_of(parameter), parameter)
    return {key: deciding[key] for key in _all_keys(prior) if key in deciding}


def _all_keys(prior: NamedPriors) -> list[str]:
    """The keys that a prior can have, wider ones before narrower ones."""
    return list(dict.fromkeys(key for keys in prior.KEYS.values() for key in reversed(keys)))


def by_key(prior: Any) -> dict[str, str]:
    """Return the keys of a prior that are used, and their distributions in words."""
    if isinstance(prior, NamedPriors):
        used = deciding_keys(prior).items()
        return {key: in_words(prior.bounded(parameter)) for key, parameter in used}
    plain = prior.model_dump()
    return {
        key: ", ".join(in_words(Bounded(each)) for each in found) if found else _text(plain[key])
        for key, found in _distributions(prior).items()
    }


def as_written(prior: Any) -> dict[str, str]:
    """Return the keys of a prior that are used, and their values as a study file has them."""
    plain = prior.model_dump()
    keys = deciding_keys(prior) if isinstance(prior, NamedPriors) else plain
    return {key: _text(plain[key]) for key in keys}


def _distributions(prior: Any) -> dict[str, list[Distribution]]:
    """The distributions of each field of a prior; none of a field of numbers."""
    fields = {key: value if isinstance(value, tuple) else (value,) for key, value in prior}
    return {
        key: [each for each in values if isinstance(each, Distribution)]
        for key, values in fields.items()
    }


def setting(prior: Any) -> str:
    """Return a prior in words: `normal(0, 1) for Intercept and b, exponential(1) for sd`."""
    keys: dict[str, list[str]] = {}
    for key, text in by_key(prior).items():
        keys.setdefault(text, []).append(key)
    return ", ".join(f"{text} for {listed(names)}" for text, names in keys.items())


def settings(study: Study) -> list[str]:
    """Return every prior of a study in words; none if no prior has a distribution by name."""
    priors = study.priors.values()
    if not any(
        isinstance(each, NamedPriors) or any(_distributions(each).values()) for each in priors
    ):
        return []
    return [f"{words(name)}: {setting(prior)}" for name, prior in study.priors.items()]


def place(study: Study, family: Family) -> str:
    """Return at which values of predictors an intercept has its prior; empty if it matters not."""
    if parameters := at_means(family):
        return f"The prior of {_intercepts(parameters)} is at the means of the predictors."
    if not (parameters := at_zero(family)):
        return ""
    sentence = f"The prior of {_intercepts(parameters)} is where all predictors are 0."
    inside = [
        words(name)
        for name, prior in study.priors.items()
        if SLOPES in {prior.key_of(each) for each in parameters}
    ]
    if not inside:
        return sentence
    where = "" if len(inside) == len(study.priors) else f" under {listed(inside)}"
    return f"{sentence} The key {SLOPES} includes it{where}."


def _intercepts(parameters: Sequence[str]) -> str:
    return "the intercept" if len(parameters) == 1 else "the thresholds"


def keys_in_use(study: Study) -> list[str]:
    """Return the keys that any prior of a study uses, in the family's order."""
    used = {key for prior in study.priors.values() for key in as_written(prior)}
    first = next(iter(study.priors.values()))
    every = _all_keys(first) if isinstance(first, NamedPriors) else type(first).model_fields
    return [key for key in every if key in used]


def rows(study: Study) -> list[dict[str, str]]:
    """Return a row for each key of priors: its distribution, in words, under each prior."""
    texts = {words(name): by_key(prior) for name, prior in study.priors.items()}
    return [
        {"Parameters": key} | {name: each.get(key, "–") for name, each in texts.items()}
        for key in keys_in_use(study)
    ]


def _text(value: Any) -> str:
    """A hyperparameter of an own family; several are listed."""
    return ", ".join(map(_text, value)) if isinstance(value, list | tuple) else str(value)
