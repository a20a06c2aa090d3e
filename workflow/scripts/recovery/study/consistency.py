"""Faults that show only in the whole study: references to missing names, and conflicts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from recovery.common.errors import listed
from recovery.families.family import Family
from recovery.families.priors import NamedPriors
from recovery.study.keys import Study
from recovery.study.methods import ALGORITHMS, NO_PRIOR, method, split_approximation
from recovery.study.truths import ObservedTruth, PriorTruth


def reference_faults(study: Study, family: Family) -> list[str]:
    """Return the faults of references between the parts of a study, and of conflicting keys."""
    faults = []

    def must_be_one_of(place: str, got: str, allowed: Collection[str]) -> None:
        if got not in allowed:
            faults.append(f"{place}: got {got!r}, must be one of {listed(allowed)}")

    for number, model in enumerate(study.models):
        must_be_one_of(f"models[{number}]", model, family.MODELS)
        if split_approximation(model):
            faults.append(
                f"models[{number}]: got {model!r}, must be a model; list approximations under "
                "`estimators`"
            )
    faults += _estimators(study, family)
    for name, truth in study.truths.items():
        if isinstance(truth, PriorTruth):
            must_be_one_of(f"truths.{name}.prior", truth.prior, study.priors)
            faults += _not_drawable(f"truths.{name}.prior", study.priors.get(truth.prior))
            if truth.model is not None:
                generating = [
                    key for key, m in family.MODELS.items() if family.can_simulate_joint(m.joint)
                ]
                must_be_one_of(f"truths.{name}.model", truth.model, generating)
        if isinstance(truth, ObservedTruth):
            source, place = truth.from_observed, f"truths.{name}.from_observed"
            must_be_one_of(f"{place}.data", source.data, study.observed)
            must_be_one_of(f"{place}.model", source.model, study.models)
            must_be_one_of(f"{place}.prior", source.prior, study.priors)
            if part := family.depends_on_all_rows():
                faults.append(
                    f"{place}: must not be given with {part} in the formula: its coefficients "
                    "have another meaning for datasets of another size"
                )
            if source.model in family.MODELS and not family.determines_truth(source.model):
                faults.append(
                    f"{place}.model: got {source.model!r}, must be a model that estimates "
                    "every parameter of a truth"
                )
        elif not study.observations and not family.ROWS_IN_FILE:
            faults.append(f"observations: missing, and truths.{name} needs it; must be a list")
    if study.observations and all(isinstance(t, ObservedTruth) for t in study.truths.values()):
        faults.append("observations: must not be given, every truth takes them from observed data")
    if all(isinstance(truth, ObservedTruth) for truth in study.truths.values()):
        faults += [
            f"sizes.{name}: got {list(counts)}, must have one number: every truth takes the groups "
            "from observed data"
            for name, counts in study.counted_sizes.items()
            if len(counts) > 1
        ]
    if study.observations and family.ROWS_IN_FILE:
        faults.append("observations: must not be given, the design has the rows of a file")
    faults += _observed_too_often(study, family)
    attempts = study.attempts
    for number, settings in enumerate(attempts):
        if settings in attempts[:number]:
            faults.append(
                f"rescue[{number - 1}]: must change the settings; an earlier attempt has the same"
            )
    for name, data in study.observed.items():
        if data and data.standardize and data.published:
            place = f"observed.{name}.published"
            faults.append(f"{place}: must not be given with `standardize`, the units would differ")
        for label, published in data.published.items() if data else ():
            for parameter in published.values:
                place = f"observed.{name}.published.{label}.values"
                must_be_one_of(place, parameter, family.PARAMETERS)
    return faults


def _observed_too_often(study: Study, family: Family) -> Iterator[str]:
    most = family.MOST_OBSERVATIONS
    for number, count in enumerate(study.observations):
        if most and count > most:
            yield f"observations[{number}]: got {count}, must be at most {most} in this family"


def estimand_faults(study: Study, family: Family) -> Iterator[str]:
    """Yield the estimands that no method of the study estimates."""
    known = {name: method(family, name).scored for name in (*family.MODELS, *family.ESTIMATORS)}
    used = [known[study.sampled_model(name)] for name in study.methods if name in known]
    for name in study.estimands:
        if used and not any(name in scored for scored in used):
            needed = family.ESTIMANDS[name].parameters
            lacking = [each for each in needed if not any(each in scored for scored in used)]
            which = listed(lacking or needed)
            yield f"estimands.{name}: needs {which}, which no method of the study estimates"


def _not_drawable(place: str, prior: Any) -> Iterator[str]:
    """Yield that a prior has a flat part, from which truths cannot be drawn."""
    if isinstance(prior, NamedPriors) and prior.improper:
        has, it = (
            ("have flat ones", "them") if len(prior.improper) > 1 else ("has a flat one", "it")
        )
        yield (
            f"{place}: must be a prior to draw truths from, but {listed(prior.improper)} {has} "
            f"there; give {it} a distribution such as normal(0, 10), or give the truth its values"
        )


def _estimators(study: Study, family: Family) -> Iterator[str]:
    """Yield the faults of a study's estimators."""
    approximated = [f"{algorithm}_{model}" for model in study.models for algorithm in ALGORITHMS]
    for number, name in enumerate(study.estimators):
        if name in family.MODELS:
            yield f"estimators[{number}]: got {name!r}, must not be a model; list it under `models`"
        elif name not in (*family.ESTIMATORS, *approximated):
            allowed = listed([*family.ESTIMATORS, *approximated])
            yield f"estimators[{number}]: got {name!r}, must be one of {allowed}"
    if NO_PRIOR in study.priors:
        yield f"priors: `{NO_PRIOR}` is reserved, must be another name"


def missing_algorithms(study: Study, algorithms: Sequence[str]) -> Iterator[str]:
    """Yield the study's approximations that its engine does not have."""
    for number, name in enumerate(study.estimators):
        approximation = split_approximation(name)
        if approximation and approximation[0] not in algorithms:
            yield (
                f"estimators[{number}]: got {name!r}, but the engine {study.engine} has only "
                f"{listed(algorithms)}; `engine: cmdstan` has all three"
            )
