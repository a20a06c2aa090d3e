"""The methods that a study compares: models, approximations of models, and estimators."""

from __future__ import annotations

from dataclasses import replace

from recovery.families.estimators import Estimator
from recovery.families.family import Family, Model

NO_PRIOR = "no_prior"  # in place of a prior's name, for estimators
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


def method(family: Family, name: str) -> Model | Estimator:
    """Return the model, the approximation of a model or the estimator of this name."""
    if name in family.MODELS:
        return family.MODELS[name]
    if approximation := split_approximation(name):
        algorithm, model = approximation
        return approximation_of(family.MODELS[model], algorithm)
    return family.ESTIMATORS[name]


def split_approximation(name: str) -> tuple[str, str] | None:
    """Split a name like `laplace_marginal` into algorithm and model; None for other names."""
    algorithm, _, model = name.partition("_")
    return (algorithm, model) if algorithm in ALGORITHMS and model else None


def approximation_of(model: Model, algorithm: str) -> Model:
    """Return a model with the label and the note of an approximation of it."""
    title, note = ALGORITHMS[algorithm]
    return replace(model, label=f"{title}, {model.label.lower()}", joint="", note=note)


def has_intervals(name: str) -> bool:
    """Whether a method has standard errors and intervals: all but posterior modes do."""
    approximation = split_approximation(name)
    return approximation is None or approximation[0] != "optimize"
