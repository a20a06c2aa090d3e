"""Families of models: the shipped ones, one module each, and own families in Python files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from recovery.common.user_files import located
from recovery.families.estimands import with_estimands
from recovery.families.family import Family

SHIPPED = (
    "multilevel_linear",
    "multilevel_robust",
    "multilevel_bernoulli",
    "multilevel_poisson",
    "multilevel_binomial",
    "multilevel_ordinal",
    "multilevel_negative_binomial",
    "multilevel_lognormal",
    "multilevel_gamma",
    "multilevel_beta",
    "meta_analysis",
    "mediation",
)

REGRESSION = ("formula", "design", "sizes")
"""Options that are keys of a study; a family gives them in its own form."""

NO_ESTIMANDS: Mapping[str, str] = {}
NO_FORMULA = "must not be there, only families with a formula have it"


def is_own(choice: str | Mapping[str, Any]) -> bool:
    """Whether the family of a study is an own family, that is a Python file."""
    return (choice if isinstance(choice, str) else str(choice.get("name"))).endswith(".py")


def find(choice: str | Mapping[str, Any], estimands: Mapping[str, str] = NO_ESTIMANDS) -> Family:
    """Return the family of a study.

    Parameters
    ----------
    choice : str or mapping
        The name of a family, or a mapping of its name and its options. A name that ends in
        `.py` is the path of an own family.
    estimands : mapping of str to str
        The study's estimands, which are scored like parameters: name -> text.

    Raises
    ------
    ValueError
        If there is no such family, or an estimand is wrong; pydantic's ValidationError if an
        option is wrong.
    StudyError
        If the file of an own family is wrong.
    """
    return with_estimands(_find(choice), estimands)


def _find(choice: str | Mapping[str, Any]) -> Family:
    options = {"name": choice} if isinstance(choice, str) else dict(choice)
    name = str(options.pop("name", None))
    known = ", ".join(map(repr, SHIPPED))
    if is_own(name):
        if given := [key for key in REGRESSION if key in options]:
            raise ValueError(f"{given[0]}: {NO_FORMULA}")
        if options:
            raise ValueError(
                f"got the options {', '.join(options)}, must have none with a Python file"
            )
        if Path(name).stem in SHIPPED:
            raise ValueError(f"got {name!r}, must not have the name of a shipped family: {known}")
        own = import_module("recovery.families.own.own_family").load(str(located(name)))
        own.CHOICE = name
        return own
    if name not in SHIPPED:
        raise ValueError(f"got {name!r}, must be one of {known}, or the path of a Python file")
    return _shipped(name, json.dumps(options, default=str))


@lru_cache
def _shipped(name: str, options: str) -> Family:
    module = import_module(f"recovery.families.shipped.{name}")
    validated = module.Options.model_validate(json.loads(options))
    family = module.family(validated)
    not_default = validated.model_dump(mode="json", exclude_defaults=True)
    given = {key: value for key, value in not_default.items() if key not in REGRESSION}
    given |= getattr(family, "OPTIONS", {})
    family.CHOICE = {"name": name, **given} if given else name
    family.FILES = (Path(str(module.__file__)),)
    return family
