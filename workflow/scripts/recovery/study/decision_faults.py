"""Faults of decisions and of planning, which name parameters, estimands and decisions."""

from __future__ import annotations

from collections.abc import Iterator

from recovery.common.types import distinct_levels
from recovery.families.designs.collected_faults import one_of
from recovery.families.evidence import evidence_fault
from recovery.families.family import Family
from recovery.study.decisions import Evidence, Rule
from recovery.study.keys import MOST_LEVELS, Study
from recovery.study.methods import has_intervals, method
from recovery.study.settings import STANDARD_LEVEL, PlanningTarget


def with_parameter_names(study: Study, family: Family) -> Study:
    """Return the study whose decisions and targets name parameters as the family does.

    A user may leave out the `b_` of a coefficient.
    """
    decisions = {
        name: rule.model_copy(update={"of": family.parameter_named(rule.of)})
        for name, rule in study.decisions.items()
    }
    planning = study.planning and {
        name if name in study.decisions else family.parameter_named(name): target
        for name, target in study.planning.items()
    }
    return study.model_copy(update={"decisions": decisions, "planning": planning})


def decision_faults(study: Study, family: Family) -> Iterator[str]:
    """Yield the faults of `decisions`."""
    for name, rule in study.decisions.items():
        place = f"decisions.{name}"
        if _named(family, name)[0]:
            yield f"{place}: is the name of a parameter or an estimand, must be another"
        parameter, fault = _named(family, rule.of)
        if parameter is None:
            yield f"{place}.of: {fault}"
        else:
            yield from _rule_faults(place, rule, parameter, study, family)


def _rule_faults(
    place: str, rule: Rule, parameter: str, study: Study, family: Family
) -> Iterator[str]:
    key, value = rule.threshold
    if parameter in family.POSITIVE and value <= 0:
        yield f"{place}.{key}: got {value:g}, must be above 0: {parameter} cannot be negative"
    of_evidence = isinstance(rule, Evidence)
    fitted = study.models if of_evidence else [*filter(has_intervals, study.methods)]
    if parameter not in _scored(study, family, fitted):
        whose = "a model of the study" if of_evidence else "a method of the study with intervals"
        yield f"{place}.of: got {rule.of!r}, must be a parameter that {whose} estimates"
    elif of_evidence:
        yield from _evidence_faults(place, rule, parameter, study, family)


def _evidence_faults(
    place: str, rule: Rule, parameter: str, study: Study, family: Family
) -> Iterator[str]:
    """Yield why priors give no Bayes factor, each reason once; wrong priors have faults already."""
    reasons: dict[str, str] = {}
    for name, prior in study.priors.items():
        if prior is not None and (reason := evidence_fault(family, prior, parameter)):
            reasons.setdefault(reason, name)
    for reason, name in reasons.items():
        yield (
            f"{place}.of: got {rule.of!r}, which has no Bayes factor under the prior {name!r}: "
            f"{reason}"
        )


def level_faults(study: Study) -> Iterator[str]:
    """Yield levels of intervals that are too near to others, where the study asks for them."""
    asked = [("intervals", STANDARD_LEVEL)] if study.planning or study.decisions else []
    asked += [
        (f"planning.{name}.interval", target.interval)
        for name, target in (study.planning or {}).items()
    ]
    asked += [
        (f"decisions.{name}.{_key_of_level(rule)}", rule.level)
        for name, rule in study.decisions.items()
        if rule.level is not None
    ]
    if len(study.levels) > MOST_LEVELS:
        yield (
            f"intervals: has {len(study.levels)} levels with those of decisions and planning, must "
            f"have at most {MOST_LEVELS}"
        )
    levels = study.intervals
    for place, level in asked:
        if level in levels:
            continue
        try:
            levels = distinct_levels((*levels, level))
        except ValueError as error:
            yield f"{place}: {error}"


def _key_of_level(rule: Rule) -> str:
    return "interval" if "interval" in type(rule).model_fields else "probability"


def planning_faults(study: Study, family: Family) -> Iterator[str]:
    """Yield the faults of `planning`: targets for which no number of participants can be found."""
    if study.planning and len(study.participants) < 2:
        yield (
            f"planning: participants has 1 count, {study.participants[0]}, must have at least 2: "
            "planning interpolates between them"
        )
    written: dict[str, str] = {}
    for name, wanted in (study.planning or {}).items():
        if name in study.decisions:
            yield from _decision_target_faults(name, wanted)
            continue
        parameter, _ = _named(family, name)
        if parameter is None:
            known = [*family.PARAMETERS, *study.decisions]
            yield f"planning: got {name!r}, must be {one_of(name, known)}"
        elif parameter in written:
            first = written[parameter]
            yield f"planning: got {first!r} and {name!r}, must be one: both are {parameter}"
        else:
            written[parameter] = name
            yield from _parameter_target_faults(name, parameter, wanted, study, family)


def _parameter_target_faults(
    name: str, parameter: str, wanted: PlanningTarget, study: Study, family: Family
) -> Iterator[str]:
    if parameter not in _scored(study, family, study.methods):
        yield f"planning: got {name!r}, must be a parameter that a model of the study estimates"
    elif wanted.power and parameter in family.POSITIVE:
        yield (
            f"planning.{name}.power: got {wanted.power}, must not be given for a "
            "parameter that cannot be negative: all its intervals exclude 0"
        )
    if wanted.rate:
        yield f"planning.{name}.rate: got {wanted.rate}, must be of a decision, not a parameter"


def _decision_target_faults(name: str, wanted: PlanningTarget) -> Iterator[str]:
    others = {key: value for key, value in wanted.targets.items() if key != "rate"}
    if wanted.interval != STANDARD_LEVEL:
        others["interval"] = wanted.interval
    for key, value in others.items():
        yield f"planning.{name}.{key}: got {value}, must not be given: a decision has only `rate`"


def _named(family: Family, text: str) -> tuple[str | None, str]:
    """The parameter or estimand that a user names; else None, and what is wrong with the name."""
    try:
        return family.parameter_named(text), ""
    except ValueError as error:
        return None, str(error)


def _scored(study: Study, family: Family, fitted: list[str] | tuple[str, ...]) -> set[str]:
    """The parameters that these methods estimate; all if the study names no known method."""
    known = [*family.MODELS, *family.ESTIMATORS]  # an approximation estimates what its model does
    names = [name for name in fitted if name in known]
    if not names:
        return set(family.PARAMETERS)
    return {parameter for name in names for parameter in method(family, name).scored}
