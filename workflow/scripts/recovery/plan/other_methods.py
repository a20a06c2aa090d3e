"""What decides the fits of methods other than the sampler: of estimators and approximations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recovery.plan.provenance import Sources
from recovery.study import methods
from recovery.study.keys import Study


def estimation(
    study: Study, sources: Sources, scenario: str, name: str, dataset: str
) -> dict[str, Any]:
    """Return what decides estimates: no sampler, no prior, no program.

    Parameters
    ----------
    dataset : str
        The identity of the data.
    """
    engine, version = sources.estimating_engines[name]
    return {
        "family": study.scored_family.CHOICE,
        "scenario": scenario,
        "model": name,
        "prior": methods.NO_PRIOR,
        "dataset": dataset,
        "intervals": list(study.levels),
        "plotted_level": study.plotted_level,
        "sampler": {"time_limit": study.sampler.time_limit},
        "engine": engine,
        "engine_version": version,
        "code": sources.estimating[name],
        **({"estimands": study.estimands} if study.estimands else {}),
        **({"keep_draws": True} if study.keep_draws else {}),
    }


def approximation(fit: Mapping[str, Any], name: str, code: str) -> dict[str, Any]:
    """Return what decides approximations, given what decides the model's fits.

    Parameters
    ----------
    code : str
        The hash of our modules that make them.
    """
    parts = methods.split_approximation(name)
    assert parts is not None
    algorithm, model = parts
    sampler = fit["sampler"]
    of_draws = ("rescue", "leave_out", "evidence", "densities", "convergence")
    drawn = {"draws": sampler["chains"] * sampler["draws"]} if methods.has_intervals(name) else {}
    kept = {key: value for key, value in fit.items() if key not in of_draws}
    return {
        **kept,
        "model": name,
        "approximates": model,
        "algorithm": algorithm,
        "sampler": {"time_limit": sampler["time_limit"], **drawn},
        "code": code,
    }
