"""Turn the content of a study file into a checked Study: each part, then the whole."""

from __future__ import annotations

import copyreg
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pydantic import BaseModel, ValidationError

from recovery import families
from recovery.common.errors import checked, path_in_words, shown, study_error, validation_faults
from recovery.families.family import Family
from recovery.study import old_keys
from recovery.study.consistency import estimand_faults, reference_faults
from recovery.study.decision_faults import (
    decision_faults,
    level_faults,
    planning_faults,
    with_parameter_names,
)
from recovery.study.keys import Study
from recovery.study.truths import Flat, Observed, ObservedTruth, PriorTruth


def parse(
    raw: Mapping, find_family: Callable[[Any, Mapping[str, str]], Family], file: str = "study"
) -> Study:
    """Check the content of a study file and return it as a Study.

    Parameters
    ----------
    raw : mapping
        The content of the study file.
    find_family : callable
        Returns the family for the values of the keys `family` and `estimands`; raises ValueError if
        they are wrong.
    file : str
        The study file's name, for messages.

    Raises
    ------
    StudyError
        With a line for every fault: the key, what it got, what is allowed.
    """
    if fault := old_keys.fault(raw) or _unnamed_priors(raw.get("priors")):
        raise study_error(file, [fault])
    faults: list[str] = []
    study = checked(Study, raw, (), faults)
    if not isinstance(study, Study):
        raise study_error(file, faults)
    try:
        family = find_family(study.family_choice, study.estimands)
    except ValidationError as wrong:
        raise study_error(file, _faults_of_options(wrong)) from None
    except ValueError as wrong:
        own = (*families.REGRESSION, "estimands")
        place = "" if re.split(r"[.:]", str(wrong))[0] in own else "family: "
        raise study_error(file, [f"{place}{line}" for line in str(wrong).split("\n")]) from None
    named = study.model_copy(update={"family": _without_keys(family.CHOICE)})
    family.try_in_child(partial(_read_parts, raw, family))
    study, faults = _with_parts(named, family, faults)
    faults += [
        *reference_faults(study, family),
        *estimand_faults(study, family),
        *decision_faults(study, family),
        *planning_faults(study, family),
        *level_faults(study),
    ]
    if faults:
        raise study_error(file, faults)
    return with_parameter_names(study, family)


def _unnamed_priors(priors: Any) -> str | None:
    """The fault of priors that are distributions themselves, not names of priors."""
    if not isinstance(priors, Mapping):
        return None
    texts = [key for key, value in priors.items() if isinstance(value, str)]
    if priors and not texts:
        return None
    got = f"a distribution for {shown(texts[0])}" if texts else "{}"
    return (
        f"priors: got {got}, must have a name of each prior first, and its distributions below "
        'it, as in {weak: {b: "normal(0, 1)", sigma: exponential(1)}}'
    )


def _faults_of_options(wrong: ValidationError) -> list[str]:
    """Faults of a family's options; those of keys of the study are at their own place."""
    unknown = {
        f"{key}: unknown key, must not be there": f"{key}: {families.NO_FORMULA}"
        for key in families.REGRESSION
    }
    faults = [unknown.get(fault, fault) for fault in validation_faults(wrong, ())]
    own = families.REGRESSION
    return [fault if fault.startswith(own) else f"family.{fault}" for fault in faults]


def _without_keys(choice: Any) -> Any:
    """A family's choice without the options that are keys of the study."""
    if not isinstance(choice, Mapping):
        return choice
    rest = {key: value for key, value in choice.items() if key not in families.REGRESSION}
    return rest["name"] if len(rest) == 1 else rest


def _with_parts(study: Study, family: Family, faults: list[str]) -> tuple[Study, list[str]]:
    """The study with its truths, priors and observed data checked, and all faults."""
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


def _read_parts(raw: Mapping, family: Family) -> None:
    """Check the parts of a study, and serialise it as later steps do if they have no faults."""
    study, faults = _with_parts(Study.model_validate(raw), family, [])
    if not faults:
        study.model_dump(mode="json")


def restore(content: Mapping[str, Any]) -> Study:
    """Return the Study of a content that has been checked, in a job or another process."""
    return parse(content, families.find)


def _reduced(study: Study) -> tuple[Callable[[Mapping[str, Any]], Study], tuple[dict[str, Any]]]:
    """What a checked study is pickled as: the classes of its parts exist in one process only."""
    return restore, (study.model_dump(mode="json"),)


copyreg.pickle(Study, _reduced)


def _split(
    kind: type[Flat], value: Any, part_kind: type[BaseModel], place: tuple, faults: list[str]
) -> BaseModel | None:
    """Check a mapping that has keys of `kind` and keys of the family, which become its `PART`."""
    if not isinstance(value, Mapping):
        return checked(kind, value, place, faults)
    own = {
        key: item for key, item in value.items() if key in kind.model_fields and key != kind.PART
    }
    rest = {key: item for key, item in value.items() if key not in own}
    whole, family_part = checked(kind, own, place, faults), checked(part_kind, rest, place, faults)
    return whole and whole.model_copy(update={kind.PART: family_part})


def _truth(value: Any, family: Family, place: tuple, faults: list[str]) -> BaseModel | None:
    """Check one truth; its keys decide its kind."""
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
    observed = checked(Observed, value, place, faults)
    given = observed.columns if observed else {}
    columns = checked(family.ObservedColumns, given, (*place, "columns"), faults)
    return observed and observed.model_copy(update={"columns": columns})
