"""The engines that run Stan: a module each, which ends with its `ENGINE`."""

from __future__ import annotations

from importlib import import_module

from recovery.engines.protocol import CompilingEngine, DensityEngine, Engine

OF_DENSITIES = "stanli"
"""The engine that computes log densities, whichever engine samples: programs are the same."""


def find(name: str) -> Engine:
    """Return an engine by its name; no other engine is imported."""
    return import_module(f"recovery.engines.{name}").ENGINE


def find_compiling(name: str) -> CompilingEngine:
    """Return an engine by its name, which must be one that compiles programs."""
    return import_module(f"recovery.engines.{name}").ENGINE


def find_density_engine() -> DensityEngine:
    """Return the engine that computes log densities."""
    return import_module(f"recovery.engines.{OF_DENSITIES}").ENGINE
