"""Families whose parameters include a study's estimands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from recovery.families.estimands.estimand import Estimand


def with_estimands(family: Any, texts: Mapping[str, str]) -> Any:
    """Return the family with more parameters to score: the estimands of a study.

    A model or an estimator scores an estimand if it estimates all its parameters.

    Parameters
    ----------
    family : Family
    texts : mapping of str to str
        Name -> what the study says of it.

    Raises
    ------
    ValueError
        With every wrong estimand, a line each, and what is wrong with it in the user's words.
    """
    if not texts:
        return family
    if wrong := [fault for fault in (_fault(family, *each) for each in texts.items()) if fault]:
        raise ValueError("\n".join(wrong))
    found = {name: family.estimand(name, text) for name, text in texts.items()}
    scoring = object.__new__(type(family))  # a copy; `copy` would find the same family again
    scoring.__dict__.update(family.__dict__)
    scoring.ESTIMANDS = {**family.ESTIMANDS, **found}
    scoring.PARAMETERS = {**family.PARAMETERS, **{name: name for name in found}}
    scoring.MODELS = {name: _with(each, found) for name, each in family.MODELS.items()}
    scoring.ESTIMATORS = {name: _with(each, found) for name, each in family.ESTIMATORS.items()}
    return scoring


def estimand_texts(family: Any) -> dict[str, str]:
    """Return the estimands that a study gave to a family, as `with_estimands` takes them."""
    return {name: each.text for name, each in family.ESTIMANDS.items() if each.text}


def _fault(family: Any, name: str, text: str) -> str:
    """What is wrong with an estimand; empty if nothing is."""
    if name in (*family.PARAMETERS, *family.vocabulary().parameters):
        return f"estimands.{name}: is the name of a parameter, must be another"
    try:
        family.estimand(name, text)
    except ValueError as error:
        return f"estimands.{name}: {error}"
    return ""


def _with(method: Any, estimands: Mapping[str, Estimand]) -> Any:
    """A model or an estimator with the estimands that it estimates."""
    estimated = [
        name for name, each in estimands.items() if set(each.parameters) <= set(method.scored)
    ]
    return replace(method, scored=(*method.scored, *estimated))
