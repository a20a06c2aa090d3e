"""Models fitted by another of Stan's algorithms than its sampler: names, and what they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from recovery.families.base import Model

LARGEST_PARETO_K = 0.7  # of Pathfinder's draws, up to which resampling them is reliable
ALGORITHMS = {
    "optimize": (
        "Mode",
        "the mode of its posterior density on Stan's unconstrained scale, by L-BFGS. A mode has "
        "neither standard errors nor intervals. A program that samples participants' own "
        "coefficients has no sound one: its density grows as their SDs go to 0, or with them.",
    ),
    "laplace": (
        "Laplace",
        "draws from the normal distribution around its mode, of the curvature there, on Stan's "
        "unconstrained scale.",
    ),
    "pathfinder": (
        "Pathfinder",
        "draws from normal distributions along the optimiser's paths, resampled by importance "
        "(Zhang et al. 2022).",
    ),
}


def parts(name: str) -> tuple[str, str] | None:
    """Return the algorithm and the model that a name like `laplace_marginal` holds, if it does."""
    algorithm, _, model = name.partition("_")
    return (algorithm, model) if algorithm in ALGORITHMS and model else None


def of_model(model: Model, algorithm: str) -> Model:
    """Return how a model stands in tables and figures when it is fitted by an algorithm."""
    title, note = ALGORITHMS[algorithm]
    return replace(model, label=f"{title}, {model.label.lower()}", joint="", note=note)


def has_intervals(name: str) -> bool:
    """Whether what is fitted under this name has standard errors and intervals: all but modes."""
    found = parts(name)
    return found is None or found[0] != "optimize"


def specification(fit: Mapping[str, Any], name: str, code: str) -> dict[str, Any]:
    """Return what decides one batch of approximations, given what decides the model's fits.

    Parameters
    ----------
    code : str
        The hash of our modules that make them.
    """
    algorithm, model = parts(name)
    sampler = fit["sampler"]
    of_draws = ("rescue", "leave_out", "convergence")
    drawn = {"draws": sampler["chains"] * sampler["draws"]} if has_intervals(name) else {}
    kept = {key: value for key, value in fit.items() if key not in of_draws}
    return {
        **kept,
        "model": name,
        "approximates": model,
        "algorithm": algorithm,
        "sampler": {"time_limit": sampler["time_limit"], **drawn},
        "code": code,
    }
