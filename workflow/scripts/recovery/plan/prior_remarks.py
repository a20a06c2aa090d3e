"""What a reader should know of a study's priors before the results, in sentences."""

from __future__ import annotations

from recovery.plan.design import Design
from recovery.plan.prior_panels import has_named_priors


def remarks(design: Design) -> list[str]:
    """Return which priors share their fits, and which true values a prior excludes."""
    return [*same_priors(design), *truths_outside_priors(design)]


def same_priors(design: Design) -> list[str]:
    """Return a sentence for each prior whose fits are also those of others."""
    names: dict[str, list[str]] = {}
    for name, fitted in design.fitted_prior.items():
        names.setdefault(fitted, []).append(name)
    return [
        "priors with the same values are fitted once and shown under each name: " + ", ".join(same)
        for same in names.values()
        if len(same) > 1
    ]


def truths_outside_priors(design: Design) -> list[str]:
    """Return a sentence for each true value that a prior excludes."""
    study, family = design.study, design.family
    if not has_named_priors(family):
        return []
    known = {
        name: family.values_of(truth)
        for name, truth in study.truths.items()
        if isinstance(truth, family.Truth)
    }
    return [
        f"the prior {prior} excludes the true {parameter} of {truth}, so no interval can contain it"
        for truth, values in known.items()
        for prior, content in study.priors.items()
        for parameter in content.excluded(values)
    ]
