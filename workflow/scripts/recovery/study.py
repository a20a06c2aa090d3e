"""The study file as frozen, typed objects, and every check on it.

What a truth and a prior hold is the family's business: `parse` is given a function
that finds the family and validates these parts with the family's own classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    Strict,
    ValidationError,
    WithJsonSchema,
    model_serializer,
)

from recovery import estimators
from recovery.families.base import Family
from recovery.faults import checked, listed, path_in_words, shown, study_error, validation_faults
from recovery.fields import (
    Count,
    Frozen,
    Name,
    Path,
    Proportion,
    Real,
    Text,
    Title,
    Unique,
)
from recovery.settings import Convergence, Engine, Precision, Rescue, Sampler, Verify

PLOTTED_LEVEL = 0.89
MOST = 1_000_000  # participants, or observations of one


class _Flat(Frozen):
    """Of a study file's mapping, the part of the keys that the family knows is one field."""

    PART: ClassVar[str]

    @model_serializer(mode="wrap")
    def _as_written(self, handler) -> dict:
        """Serialise it as the file has it: the part's keys beside the others."""
        whole = handler(self)
        return whole | whole.pop(self.PART)


class PriorTruth(_Flat):
    """A truth drawn afresh from a prior for every replicate."""

    PART = "design"

    prior: Name
    model: Name | None = None
    """Whose joint model is drawn from; by default the one that differs by participant."""
    design: Any = None


class FromObserved(Frozen):
    """Where a truth comes from: the posterior mean of one model fitted to an observed dataset."""

    data: Name
    model: Name
    prior: Name


class ObservedTruth(Frozen):
    """A truth that is the posterior mean of an observed dataset."""

    from_observed: FromObserved


class Published(Frozen):
    """Numbers that others published for an observed dataset, shown beside ours."""

    source: Text
    values: dict[Text, Real] = Field(min_length=1)


class Observed(_Flat):
    """A real dataset: a CSV file and, in the family's words, what its columns are."""

    PART = "columns"

    path: Path
    columns: Any = None
    standardize: Annotated[bool, Strict()] = False
    published: dict[Name, Published] = Field(default_factory=dict)


def _family_choice(value: Any) -> Any:
    if isinstance(value, str) or (
        isinstance(value, Mapping)
        and isinstance(value.get("name"), str)
        and all(isinstance(key, str) for key in value)
    ):
        return value
    raise ValueError(f"got {shown(value)}, must be a name, or a mapping of `name` and options")


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
    truths: Annotated[dict[Name, Any], Field(min_length=1)]
    """What data are generated from: parameter values, draws from a prior, or an observed fit."""
    participants: Annotated[
        tuple[Annotated[int, Strict(), Field(ge=2, le=MOST)], ...], Field(min_length=1), Unique
    ]
    """Participant counts; every truth is crossed with every count."""
    observations: Annotated[tuple[Annotated[int, Strict(), Field(ge=1, le=MOST)], ...], Unique] = ()
    """Observations per participant, crossed too; not for truths from observed data."""
    models: Annotated[tuple[Name, ...], Field(min_length=1), Unique]
    """The family's programs to fit to every dataset."""
    estimators: Annotated[tuple[Name, ...], Unique] = ()
    """The family's estimators to fit too: without priors, once to every dataset."""
    priors: Annotated[dict[Name, Any], Field(min_length=1)]
    """Settings of every hyperparameter, each used with every model."""
    observed: dict[Name, Any] = Field(default_factory=dict)
    """Real datasets, to which every model is fitted under every prior too."""
    sampler: Sampler = Sampler()
    """How every fit is sampled."""
    rescue: tuple[Rescue, ...] = ()
    """Settings to try, one after another, on a fit that failed or did not converge."""
    intervals: Annotated[tuple[Proportion, ...], Field(min_length=1), Unique] = (0.5, 0.89, 0.95)
    """Levels of the central posterior intervals; figures show 0.89, or else the widest."""
    convergence: Convergence = Convergence()
    """When a fit counts as converged."""
    precision: Precision | None = None
    """Monte Carlo standard errors to reach; the report says how many replicates that takes."""
    verify: Verify | None = None
    """A share of the fits that another engine makes too, to hold both to one another."""
    keep_draws: Annotated[bool, Strict()] = False
    """Keep every fit's draws, and the estimates of every participant; large."""

    @property
    def attempts(self) -> list[dict[str, Any]]:
        """The sampler's settings of every attempt at a fit: `sampler`, then each rescue."""
        settings = self.sampler.model_dump(mode="json")
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
    study = study.model_copy(update={"priors": priors, "truths": truths, "observed": observed})
    faults += _dangling(study, family)
    if faults:
        raise study_error(file, faults)
    return study


def _split(kind: type[_Flat], value: Any, part_kind: type[BaseModel], place: tuple, faults: list):
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


def _dangling(study: Study, family: Family) -> list[str]:
    """Names in the study that name nothing, and what only the whole study shows."""
    faults = []

    def must_be_one_of(place: str, got: str, allowed) -> None:
        if got not in allowed:
            faults.append(f"{place}: got {got!r}, must be one of {listed(allowed)}")

    for number, model in enumerate(study.models):
        must_be_one_of(f"models[{number}]", model, family.MODELS)
    faults += estimators.faults(study, family)
    for name, truth in study.truths.items():
        if isinstance(truth, PriorTruth):
            must_be_one_of(f"truths.{name}.prior", truth.prior, study.priors)
            if truth.model is not None:
                must_be_one_of(f"truths.{name}.model", truth.model, family.MODELS)
        if isinstance(truth, ObservedTruth):
            source, place = truth.from_observed, f"truths.{name}.from_observed"
            must_be_one_of(f"{place}.data", source.data, study.observed)
            must_be_one_of(f"{place}.model", source.model, study.models)
            must_be_one_of(f"{place}.prior", source.prior, study.priors)
            if source.model in family.MODELS and not family.determines_truth(source.model):
                faults.append(
                    f"{place}.model: got {source.model!r}, must be a model that estimates "
                    "every parameter of a truth"
                )
        elif not study.observations:
            faults.append(f"observations: missing, and truths.{name} needs it; must be a list")
    if study.observations and all(isinstance(t, ObservedTruth) for t in study.truths.values()):
        faults.append("observations: unknown here, every truth takes them from observed data")
    attempts = study.attempts
    for number, settings in enumerate(attempts):
        if settings in attempts[:number]:
            faults.append(
                f"rescue[{number - 1}]: changes nothing, these settings were tried before"
            )
    for name, data in study.observed.items():
        if data and data.standardize and data.published:
            place = f"observed.{name}.published"
            faults.append(f"{place}: must not be given with standardize, units would differ")
        for label, published in data.published.items() if data else ():
            for parameter in published.values:
                place = f"observed.{name}.published.{label}.values"
                must_be_one_of(place, parameter, family.PARAMETERS)
    return faults
