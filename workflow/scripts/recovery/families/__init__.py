"""Families of models: one module each, all with the contents that `base.Family` names."""

from __future__ import annotations

from importlib import import_module

from recovery.families.base import Family

SHIPPED = ("multilevel_linear",)


def find(name: str) -> Family:
    """Return the family's module; KeyError, with what is allowed, when there is none."""
    if name not in SHIPPED:
        raise KeyError(f"one of {', '.join(map(repr, SHIPPED))}")
    return import_module(f"recovery.families.{name}")
