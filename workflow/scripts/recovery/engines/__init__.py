"""Engines: what runs Stan. One module each, behind the protocol in `base`."""

from __future__ import annotations

from importlib import import_module

from recovery.engines.protocol import Engine


def find(name: str) -> Engine:
    """Return an engine's module; only the one that is asked for is imported."""
    return import_module(f"recovery.engines.{name}")
