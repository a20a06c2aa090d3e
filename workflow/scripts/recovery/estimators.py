"""What is fitted to a dataset: models, under every prior, and estimators, which have none."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

from recovery.families.base import Family
from recovery.faults import listed

if TYPE_CHECKING:
    from recovery.scenarios import Batch
    from recovery.sources import Sources
    from recovery.study import Study

NO_PRIOR = "no_prior"  # stands where a fit has its prior
LIBRARY = "scipy"  # what computes them: the engine of their rows


def methods(study: Study) -> tuple[str, ...]:
    """Return the study's models, then its estimators."""
    return (*study.models, *study.estimators)


def fits(study: Study) -> list[tuple[str, str]]:
    """Return every (model, prior), then every (estimator, `no_prior`)."""
    return [*product(study.models, study.priors), *product(study.estimators, [NO_PRIOR])]


def faults(study: Study, family: Family) -> Iterator[str]:
    """Yield what is wrong with a study's estimators."""
    for number, name in enumerate(study.estimators):
        if not family.ESTIMATORS:
            yield f"estimators[{number}]: got {name!r}, but this family has no estimators"
        elif name not in family.ESTIMATORS:
            allowed = listed(family.ESTIMATORS)
            yield f"estimators[{number}]: got {name!r}, must be one of {allowed}"
    if NO_PRIOR in study.priors:
        yield f"priors.{NO_PRIOR}: must have another name, this one says that there is no prior"


def specification(
    study: Study, sources: Sources, scenario: str, name: str, batch: Batch, dataset: str
) -> dict[str, Any]:
    """Return what decides the estimates of one batch: no sampler, no prior, no program.

    Parameters
    ----------
    dataset : str
        The identity of the data.
    """
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
        "engine": LIBRARY,
        "engine_version": sources.estimating_version,
        "code": sources.estimating,
        **({"keep_draws": True} if study.keep_draws else {}),
    }
