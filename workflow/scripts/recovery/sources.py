"""Hashes of what files decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Sources:
    """Hashes of what files decide, gathered by `provenance`."""

    programs: Mapping[str, str]  # model -> its Stan program with its includes
    observed: Mapping[str, str]  # observed dataset -> its file
    simulating: str  # the library's modules that decide datasets
    fitting: str  # and those that decide fits
    engine_version: str
    verifying: str = ""  # the modules that decide fits of the verifying engine, if there is one
    verifying_version: str = ""
    estimating: str = ""  # the modules that decide what estimators find, if there are any
    estimating_engines: Mapping[str, list[str]] = field(default_factory=dict)
    """Estimator -> the package that computes it, and its version."""
    approximating: str = ""  # the modules that decide approximations, if there are any
