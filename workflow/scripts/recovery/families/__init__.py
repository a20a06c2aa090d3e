"""Families of models: shipped ones, a module each, and those of a researcher's own file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from recovery.common.user_files import located
from recovery.families.family import Family

SHIPPED = (
    "multilevel_linear",
    "multilevel_robust",
    "multilevel_bernoulli",
    "multilevel_poisson",
    "multilevel_ordinal",
    "meta_analysis",
    "mediation",
)


def is_own(choice: str | Mapping[str, Any]) -> bool:
    """Whether a study names a researcher's own family."""
    return (choice if isinstance(choice, str) else str(choice.get("name"))).endswith(".py")


def find(choice: str | Mapping[str, Any]) -> Family:
    """Return the family that a study names: by its name, or by a mapping of name and options.

    A name that ends in `.py` is a file, a researcher's own family.

    Raises
    ------
    ValueError
        With what it got and what is allowed; pydantic's where an option is wrong.
    StudyError
        With what is wrong in a researcher's own file.
    """
    options = {"name": choice} if isinstance(choice, str) else dict(choice)
    name = str(options.pop("name", None))
    known = ", ".join(map(repr, SHIPPED))
    if is_own(name):
        if options:
            raise ValueError(
                f"got the options {', '.join(options)}, must have none with a Python file"
            )
        if Path(name).stem in SHIPPED:
            raise ValueError(f"got {name!r}, must not have the name of a shipped family: {known}")
        return import_module("recovery.families.own.own_family").load(str(located(name)))
    if name not in SHIPPED:
        raise ValueError(f"got {name!r}, must be one of {known}, or the path of a Python file")
    return _shipped(name, json.dumps(options, sort_keys=True, default=str))


@lru_cache
def _shipped(name: str, options: str) -> Family:
    module = import_module(f"recovery.families.shipped.{name}")
    chosen = module.Options.model_validate(json.loads(options))
    family = module.family(chosen)
    others = chosen.model_dump(mode="json", exclude_defaults=True)
    family.CHOICE = {"name": name, **others} if others else name
    family.FILES = (Path(str(module.__file__)),)
    return family
