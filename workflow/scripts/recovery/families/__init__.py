"""Families of models: shipped ones, a module each, and those of a researcher's own file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from recovery.families.base import Family

SHIPPED = ("multilevel_linear", "meta_analysis", "mediation")
_HERE = Path(__file__).parent


def find(choice: str | Mapping[str, Any]) -> Family:
    """Return the family that a study names: by its name, or by a mapping of name and options.

    Raises
    ------
    ValueError
        With what it got and what is allowed; pydantic's where an option is wrong.
    """
    options = {"name": choice} if isinstance(choice, str) else dict(choice)
    name = options.pop("name", None)
    if name not in SHIPPED:
        raise ValueError(f"got {name!r}, must be one of {', '.join(map(repr, SHIPPED))}")
    return _shipped(name, json.dumps(options, sort_keys=True, default=str))


@lru_cache
def _shipped(name: str, options: str) -> Family:
    module = import_module(f"recovery.families.{name}")
    family = module.family(module.Options.model_validate(json.loads(options)))
    package = Path(import_module(type(family).__module__).__file__).parent
    shared = sorted(package.glob("*.py")) if package != _HERE else []
    family.FILES = (Path(module.__file__), *shared)
    return family
