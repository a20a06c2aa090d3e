"""The study file as frozen, typed objects, and every check on it.

What a truth and a prior hold is the family's business: `parse` is given a function
that finds the family and validates these parts with the family's own classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    Strict,
    ValidationError,
    WithJsonSchema,
)

from recovery.crosschecks import dangling, unplannable
from recovery.families.base import Family
from recovery.faults import checked, path_in_words, shown, study_error, validation_faults
from recovery.fields import (
    Apart,
    Count,
    Frozen,
    Name,
    Proportion,
    Text,
    Title,
    Unique,
    for_snakemake,
)
from recovery.settings import (
    Convergence,
    Engine,
    Precision,
    Rescue,
    Sampler,
    Selection,
    Verify,
    Wanted,
)
from recovery.truths import Flat, Observed, ObservedTruth, PriorTruth

PLOTTED_LEVEL = 0.89
MOST = 1_000_000  # participants, or observations of one
MOST_NAMED = 1000  # truths, priors, counts
MOST_LEVELS = 20  # of intervals, and of attempts


def _family_choice(value: Any) -> Any:
    name = value.get("name") if isinstance(value, Mapping) else value
    if not isinstance(name, str) or not all(isinstance(key, str) for key in value):
        raise ValueError(f"got {shown(value)}, must be a name, or a mapping of `name` and options")
    for_snakemake(name)
    alone = isinstance(value, Mapping) and len(value) == 1
    return name if alone else value


FamilyChoice = Annotated[
    Any,
    BeforeValidator(_family_choice),
    WithJsonSchema({"type": ["string", "object"]}),
]


class Study(Frozen):
    """Everything the researcher asks for, and nothing about the machine."""

    name: Name
    """Its results lie in results/NAME/."""
    title: Title
    """The heading of its report."""
    family: FamilyChoice = "multilevel_linear"
    """The family of models: its name, or a mapping of its name and options."""
    engine: Engine = "stanli"
    """What runs Stan."""
    seed: Annotated[int, Strict(), Field(ge=0, lt=2**63)]
    """Root seed, from which every dataset's and every fit's seed is derived."""
    replicates: Count
    """Simulated datasets of every scenario, numbered from 1."""
    batch: Count | None = None
    """Replicates that one job fits; by default a fixed formula of the datasets' size."""
    truths: Annotated[dict[Name, Any], Field(min_length=1, max_length=MOST_NAMED)]
    """What data are generated from: parameter values, draws from a prior, or an observed fit."""
    participants: Annotated[
        tuple[Annotated[int, Strict(), Field(ge=2, le=MOST)], ...],
        Field(min_length=1, max_length=MOST_NAMED),
        Unique,
    ]
    """Participant counts; every truth is crossed with every count."""
    observations: Annotated[
        tuple[Annotated[int, Strict(), Field(ge=1, le=MOST)], ...],
        Field(max_length=MOST_NAMED),
        Unique,
    ] = ()
    """Observations per participant, crossed too; not for truths from observed data."""
    models: Annotated[tuple[Name, ...], Field(min_length=1), Unique]
    """The family's programs to fit to every dataset."""
    estimators: Annotated[tuple[Name, ...], Unique] = ()
    """What else to fit: the family's estimators, and algorithm_model for Stan's others."""
    priors: Annotated[dict[Name, Any], Field(min_length=1, max_length=MOST_NAMED)]
    """Settings of every hyperparameter, each used with every model."""
    observed: dict[Name, Any] = Field(default_factory=dict, max_length=MOST_NAMED)
    """Real datasets, to which every model is fitted under every prior too."""
    sampler: Sampler = Sampler()
    """How every fit is sampled."""
    rescue: Annotated[tuple[Rescue, ...], Field(max_length=MOST_LEVELS)] = ()
    """Settings to try, one after another, on a fit that failed or did not converge."""
    intervals: Annotated[
        tuple[Proportion, ...], Field(min_length=1, max_length=MOST_LEVELS), Unique, Apart
    ] = (0.5, 0.89, 0.95)
    """Levels of the central posterior intervals; figures show 0.89, or else the widest."""
    convergence: Convergence = Convergence()
    """When a fit counts as converged."""
    precision: Precision | None = None
    """Monte Carlo standard errors to reach; the report says how many replicates that takes."""
    planning: Annotated[dict[Text, Wanted], Field(min_length=1)] | None = None
    """Parameter: what is wanted of it; the report says how many participants that takes."""
    verify: Verify | None = None
    """A share of the fits that another engine makes too, to hold both to one another."""
    selection: Selection | None = None
    """Models compared by leave-one-out predictive accuracy: how often each is chosen."""
    keep_draws: Annotated[bool, Strict()] = False
    """Keep every fit's draws, and the estimates of every participant; large."""

    @property
    def attempts(self) -> list[dict[str, Any]]:
        """The sampler's settings of every attempt at a fit: `sampler`, then each rescue."""
        settings = self.sampler.given()
        steps = [step.model_dump(mode="json", exclude_none=True) for step in self.rescue]
        return [settings, *(settings | step for step in steps)]

    @property
    def plotted_level(self) -> float:
        """The interval level that figures show: 0.89 where the study has it, else its widest."""
        return PLOTTED_LEVEL if PLOTTED_LEVEL in self.intervals else max(self.intervals)


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
    faults = []
    study = checked(Study, raw, (), faults)
    if study is None:
        raise study_error(file, faults)
    try:
        family = find_family(study.family)
    except ValidationError as wrong:
        raise study_error(file, validation_faults(wrong, ("family",))) from None
    except ValueError as wrong:
        raise study_error(file, [f"family: {wrong}"]) from None
    study = study.model_copy(update={"family": family.CHOICE or study.family})
    family.rehearse(lambda: _as_plain(*_with_parts(study, family, [])))
    study, faults = _with_parts(study, family, faults)
    faults += [*dangling(study, family), *unplannable(study, family)]
    if faults:
        raise study_error(file, faults)
    return study


def _with_parts(study: Study, family: Family, faults: list) -> tuple[Study, list]:
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


def _as_plain(study: Study, faults: list) -> None:
    """Serialise a study, as everything after its checks does."""
    if not faults:
        study.model_dump(mode="json")


def _split(kind: type[Flat], value: Any, part_kind: type[BaseModel], place: tuple, faults: list):
    """A mapping of which some keys are `kind`'s and the rest its part, the family's."""
    if not isinstance(value, Mapping):
        return checked(kind, value, place, faults)
    own = {
        key: item for key, item in value.items() if key in kind.model_fields and key != kind.PART
    }
    rest = {key: item for key, item in value.items() if key not in own}
    whole, family_part = checked(kind, own, place, faults), checked(part_kind, rest, place, faults)
    return whole and whole.model_copy(update={kind.PART: family_part})


def _truth(value: Any, family: Family, place: tuple, faults: list):
    """One truth, by the key that says which kind it is."""
    if isinstance(value, Mapping) and "from_observed" in value:
        return checked(ObservedTruth, value, place, faults)
    if isinstance(value, Mapping) and "prior" in value:
        return _split(PriorTruth, value, family.Design, place, faults)
    return checked(family.Truth, value, place, faults)


def _observed(value: Any, family: Family, place: tuple, faults: list):
    if family.ObservedColumns is None:
        faults.append(
            f"{path_in_words(place)}: must not be there, the family reads no observed data"
        )
        return None
    return _split(Observed, value, family.ObservedColumns, place, faults)
