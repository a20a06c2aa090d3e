"""What is fitted to a dataset beside models: estimators without a prior, and approximations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from recovery import approximations
from recovery.families.base import Estimator, Family, Model
from recovery.faults import listed

if TYPE_CHECKING:
    from recovery.scenarios import Batch
    from recovery.sources import Sources
    from recovery.study import Study

NO_PRIOR = "no_prior"  # stands where a fit has its prior


def methods(study: Study) -> tuple[str, ...]:
    """Return the study's models, then its estimators."""
    return (*study.models, *study.estimators)


def without_prior(study: Study) -> tuple[str, ...]:
    """Return the study's estimators that have no prior: its family's."""
    return tuple(name for name in study.estimators if not approximations.parts(name))


def approximating(study: Study) -> tuple[str, ...]:
    """Return those that approximate a model's posterior, under every prior."""
    return tuple(name for name in study.estimators if approximations.parts(name))


def method(family: Family, name: str) -> Model | Estimator:
    """Return the model, the approximation of a model or the estimator of this name."""
    if name in family.MODELS:
        return family.MODELS[name]
    if found := approximations.parts(name):
        algorithm, model = found
        return approximations.of_model(family.MODELS[model], algorithm)
    return family.ESTIMATORS[name]


def sampled(study: Study, name: str) -> str:
    """Return the model whose program is run: an approximation has that of its model."""
    return name if name in study.models else approximations.parts(name)[1]


def fits(study: Study) -> list[tuple[str, str]]:
    """Return every (model or approximation, prior), then every (estimator, `no_prior`)."""
    with_prior = (*study.models, *approximating(study))
    return [*product(with_prior, study.priors), *product(without_prior(study), [NO_PRIOR])]


def faults(study: Study, family: Family) -> Iterator[str]:
    """Yield what is wrong with a study's estimators."""
    approximated = [
        f"{each}_{model}" for model in study.models for each in approximations.ALGORITHMS
    ]
    for number, name in enumerate(study.estimators):
        if name in family.MODELS:
            yield f"estimators[{number}]: got {name!r}, which is a model of the family too"
        elif name not in (*family.ESTIMATORS, *approximated):
            allowed = listed([*family.ESTIMATORS, *approximated])
            yield f"estimators[{number}]: got {name!r}, must be one of {allowed}"
    if NO_PRIOR in study.priors:
        yield f"priors.{NO_PRIOR}: must have another name, this one says that there is no prior"


def lacking(study: Study, algorithms: Sequence[str]) -> Iterator[str]:
    """Yield the study's approximations that its engine does not make."""
    for number, name in enumerate(study.estimators):
        found = approximations.parts(name)
        if found and found[0] not in algorithms:
            yield (
                f"estimators[{number}]: got {name!r}, but the engine {study.engine} has only "
                f"{listed(algorithms)}; `engine: cmdstan` has all three"
            )


def specification(
    study: Study, sources: Sources, scenario: str, name: str, batch: Batch, dataset: str
) -> dict[str, Any]:
    """Return what decides the estimates of one batch: no sampler, no prior, no program.

    Parameters
    ----------
    dataset : str
        The identity of the data.
    """
    engine, version = sources.estimating_engines[name]
    return {
        "family": study.family,
        "scenario": scenario,
        "model": name,
        "prior": NO_PRIOR,
        "replicates": [batch.first, batch.end],
        "dataset": dataset,
        "intervals": list(study.intervals),
        "plotted_level": study.plotted_level,
        "sampler": {"time_limit": study.sampler.time_limit},
        "engine": engine,
        "engine_version": version,
        "code": sources.estimating,
        **({"keep_draws": True} if study.keep_draws else {}),
    }
