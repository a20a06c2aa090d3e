"""The manifest of a study: its design, seeds, hashes and versions, to reproduce every number."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from recovery import tables
from recovery.common.version import __version__
from recovery.plan.design import Design
from recovery.study.truths import ObservedTruth

PACKAGES = (
    "snakemake",
    "stanli",
    "cmdstanpy",
    "arviz-base",
    "arviz-stats",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "pydantic",
)


def manifest(design: Design) -> dict[str, Any]:
    """Return the study, its design, seeds, hashes, versions and the host, as plain content."""
    study = design.study
    return {
        "version": __version__,
        "study": study.model_dump(mode="json"),
        "scenarios": {
            name: {
                "truth": scenario.truth,
                "participants": scenario.participants,
                "observations": scenario.observations,
                **({"sizes": dict(scenario.sizes)} if scenario.sizes else {}),
                "data": [batch.name for batch in design.data_batches(name)],
                "fits": {
                    method: [batch.name for batch in design.batches((name, method, ""))]
                    for method in study.methods
                },
            }
            for name, scenario in design.scenarios.items()
        },
        "truths_from_observed": _truths_from_observed(design),
        "seeds": {
            "root": study.seed,
            "replicates": [1, study.replicates],
            "derivation": "numpy.random.SeedSequence of the root seed and of the hash of truth, "
            "participants, observations, other sizes and replicate (and of model and prior for a "
            "fit); the seed of every dataset is in truth/, that of every fit in diagnostics/",
        },
        "engine": {"name": study.engine, "version": design.sources.engine_version},
        "verified_by": _verifying(design),
        "estimated_by": _estimating(design),
        "hashes": asdict(design.sources),
        "software": {"python": platform.python_version(), **_versions()},
        "host": {
            "name": platform.node(),
            "system": platform.platform(),
            "machine": platform.machine(),
        },
    }


def differences(made: Mapping[str, Any], design: Design) -> list[str]:
    """Return the differences between a manifest and this machine that can change numbers."""
    now = {
        "hashes": asdict(design.sources),
        "engine": {"name": design.study.engine, "version": design.sources.engine_version},
        "software": {"python": platform.python_version(), **_versions()},
    }
    then = {part: made[part] if isinstance(made.get(part), Mapping) else {} for part in now}
    return [
        f"{part}, {name}: {value} here, {then[part].get(name)} in the manifest"
        for part, values in now.items()
        for name, value in values.items()
        if then[part].get(name) != value
    ]


def _verifying(design: Design) -> dict[str, str] | None:
    verify = design.study.verify
    if verify is None:
        return None
    return {"name": verify.engine, "version": design.sources.verifying_version}


def _estimating(design: Design) -> dict[str, str] | None:
    """The packages that computed estimators, with their versions."""
    return dict(design.sources.estimating_engines.values()) or None


def _truths_from_observed(design: Design) -> dict[str, dict[str, float]]:
    """The values of the truths that are taken from observed fits."""
    truths = {}
    for name, scenario in design.scenarios.items():
        if isinstance(design.study.truths[scenario.truth], ObservedTruth):
            file = design.dataset_file("truth", name, design.data_batches(name)[0])
            table = tables.read(file)
            named = np.isin(table["parameter"], list(design.family.PARAMETERS))
            first = table["replicate"][named].min(initial=2**62)
            rows = named & (table["replicate"] == first)
            values = table["truth"][rows].tolist()
            truths[scenario.truth] = dict(zip(table["parameter"][rows], values, strict=True))
    return truths


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
