"""A study file's content to a checked Study: each part by its own type, then the whole of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from recovery.common.errors import checked, path_in_words, study_error, validation_faults
from recovery.families.family import Family
from recovery.study.consistency import dangling, unplannable
from recovery.study.model import Study
from recovery.study.truths import Flat, Observed, ObservedTruth, PriorTruth


def parse(raw: Mapping, find_family: Callable[[Any], Family], file: str = "study") -> Study:
    """Turn what a study file holds into a checked Study.

    Parameters
    ----------
    raw : mapping
        The study as YAML gives it.
    find_family : callable
        What the study says of its family -> the family; raises ValueError with what is wrong.
    file : str
        The study file's name, for messages.

    Raises
    ------
    StudyError
        With a line for every fault: the key, what it got, what is allowed.
    """
    faults: list[str] = []
    study = checked(Study, raw, (), faults)
    if not isinstance(study, Study):
        raise study_error(file, faults)
    try:
        family = find_family(study.family)
    except ValidationError as wrong:
        raise study_error(file, validation_faults(wrong, ("family",))) from None
    except ValueError as wrong:
        raise study_error(file, [f"family: {wrong}"]) from None
    named = study.model_copy(update={"family": family.CHOICE or study.family})
    family.rehearse(lambda: _as_plain(*_with_parts(named, family, [])))
    study, faults = _with_parts(named, family, faults)
    faults += [*dangling(study, family), *unplannable(study, family)]
    if faults:
        raise study_error(file, faults)
    return study


def _with_parts(study: Study, family: Family, faults: list[str]) -> tuple[Study, list[str]]:
    """The study with its family's parts typed, and faults with those of the parts."""
    priors = {
        name: checked(family.Prior, value, ("priors", name), faults)
        for name, value in study.priors.items()
    }
    truths = {
        name: _truth(value, family, ("truths", name), faults)
        for name, value in study.truths.items()
    }
    observed = {
        name: _observed(value, family, ("observed", name), faults)
        for name, value in study.observed.items()
    }
    parts = {"priors": priors, "truths": truths, "observed": observed}
    return study.model_copy(update=parts), faults


def _as_plain(study: Study, faults: list[str]) -> None:
    """Serialise a study, as everything after its checks does."""
    if not faults:
        study.model_dump(mode="json")


def _split(
    kind: type[Flat], value: Any, part_kind: type[BaseModel], place: tuple, faults: list[str]
) -> BaseModel | None:
    """A mapping of which some keys are `kind`'s and the rest its part, the family's."""
    if not isinstance(value, Mapping):
        return checked(kind, value, place, faults)
    own = {
        key: item for key, item in value.items() if key in kind.model_fields and key != kind.PART
    }
    rest = {key: item for key, item in value.items() if key not in own}
    whole, family_part = checked(kind, own, place, faults), checked(part_kind, rest, place, faults)
    return whole and whole.model_copy(update={kind.PART: family_part})


def _truth(value: Any, family: Family, place: tuple, faults: list[str]) -> BaseModel | None:
    """One truth, by the key that says which kind it is."""
    if isinstance(value, Mapping) and "from_observed" in value:
        return checked(ObservedTruth, value, place, faults)
    if isinstance(value, Mapping) and "prior" in value:
        return _split(PriorTruth, value, family.Design, place, faults)
    return checked(family.Truth, value, place, faults)


def _observed(value: Any, family: Family, place: tuple, faults: list[str]) -> BaseModel | None:
    if family.ObservedColumns is None:
        faults.append(
            f"{path_in_words(place)}: must not be there, the family reads no observed data"
        )
        return None
    return _split(Observed, value, family.ObservedColumns, place, faults)
