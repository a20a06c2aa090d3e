"""Hashes of what files decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Sources:
    """Hashes of what files decide, gathered by `provenance`."""

    programs: Mapping[str, str]  # model -> its Stan program with its includes
    observed: Mapping[str, str]  # observed dataset -> its file
    simulating: str  # the code that decides simulated datasets
    fitting: str  # and that which decides fits
    engine_version: str
    observing: str = ""  # the code that decides what observed datasets are read as, if any are
    verifying: str = ""  # the code that decides fits of the verifying engine, if there is one
    verifying_version: str = ""
    estimating: str = ""  # the code that decides what estimators find, if there are any
    estimating_engines: Mapping[str, list[str]] = field(default_factory=dict)
    """Estimator -> the package that computes it, and its version."""
    approximating: str = ""  # the code that decides approximations, if there are any
