"""The methods that a study compares: models, approximations of models, and estimators."""

from __future__ import annotations

from dataclasses import replace

from recovery.families.family import Estimator, Family, Model

NO_PRIOR = "no_prior"  # stands where a fit has its prior
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
    if found := parts(name):
        algorithm, model = found
        return of_model(family.MODELS[model], algorithm)
    return family.ESTIMATORS[name]


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
