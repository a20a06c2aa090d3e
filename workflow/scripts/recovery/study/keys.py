"""The study file as frozen, typed objects, and every check on it.

The family defines the keys of truths, priors and observed data: `parse` finds the family and
validates these parts with the family's classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    Strict,
    WithJsonSchema,
)

from recovery import families
from recovery.common.errors import shown
from recovery.common.types import (
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
from recovery.families.designs import GroupSize, Nested
from recovery.families.family import Family
from recovery.study.decisions import Decision, Evidence
from recovery.study.methods import NO_PRIOR, split_approximation
from recovery.study.settings import (
    STANDARD_LEVEL,
    Convergence,
    Engine,
    PlanningTarget,
    Plausible,
    Precision,
    Rescue,
    Sampler,
    Selection,
    Verify,
)

PLOTTED_LEVEL = 0.89
MOST = 1_000_000  # participants, or observations of one
MOST_NAMED = 1000  # truths, priors, counts
MOST_LEVELS = 20  # of intervals, and of attempts


def _family_choice(value: Any) -> Any:
    name = value.get("name") if isinstance(value, Mapping) else value
    if not isinstance(name, str) or not all(isinstance(key, str) for key in value):
        raise ValueError(f"got {shown(value)}, must be a name, or a mapping of `name` and options")
    for_snakemake(name)
    for key in ("formula", "design", "sizes"):
        if isinstance(value, Mapping) and key in value:
            raise ValueError(f"got the option {key!r}, must be a key of the study")
    alone = isinstance(value, Mapping) and len(value) == 1
    return name if alone else value


def _design(value: Any) -> Any:
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise ValueError(f"got the key {shown(key)}, keys must be text")
        return dict(value)
    if not isinstance(value, str):
        raise ValueError(
            f"got {shown(value)}, must be a mapping of variables, or the path of a CSV file"
        )
    return value


DesignKey = Annotated[
    Any,
    BeforeValidator(_design),
    WithJsonSchema({"type": ["object", "string"]}),
]
FamilyChoice = Annotated[
    Any,
    BeforeValidator(_family_choice),
    WithJsonSchema({"type": ["string", "object"]}),
]


class Study(Frozen):
    """Everything the researcher asks for, and nothing about the machine."""

    name: Name
    """The study's name; results are written to results/NAME/."""
    title: Title
    """The heading of the report."""
    family: FamilyChoice = "multilevel_linear"
    """The family of models: its name, or a mapping of its name and options."""
    formula: Text | None = None
    """The regression, in the words of lme4 and brms; by default `y ~ x + (x | participant)`."""
    design: DesignKey | None = None
    """The predictors of the formula: factors and covariates, or a CSV file that has them."""
    sizes: dict[Text, GroupSize] = Field(default_factory=dict)
    """Numbers of groups of every grouping factor besides participants, crossed with all others."""
    estimands: dict[Name, Text] = Field(default_factory=dict, max_length=MOST_NAMED)
    """Combinations of coefficients and marginal means, scored like parameters."""
    engine: Engine = "stanli"
    """The program that runs Stan."""
    seed: Annotated[int, Strict(), Field(ge=0, lt=2**63)]
    """Root seed, from which every dataset's and every fit's seed is derived."""
    replicates: Count
    """Number of simulated datasets per scenario."""
    batch: Count | None = None
    """Replicates of a file of datasets or fits; the default depends on their size and cost."""
    truths: Annotated[dict[Name, Any], Field(min_length=1, max_length=MOST_NAMED)]
    """Sources of simulated data: parameter values, draws from a prior, or an observed fit."""
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
    """Observations per participant, crossed with both; not for truths from observed data."""
    models: Annotated[tuple[Name, ...], Field(min_length=1), Unique]
    """The family's programs to fit to every dataset."""
    estimators: Annotated[tuple[Text, ...], Unique] = ()
    """Other methods to fit: the family's estimators, and ALGORITHM_MODEL for approximations."""
    priors: Annotated[dict[Name, Any], Field(min_length=1, max_length=MOST_NAMED)]
    """Prior distributions of every parameter, each used with every model."""
    plausible: Plausible | None = None
    """Lowest and highest plausible outcome in its units, null for an open end; the page gives the
    share of outcomes outside that each prior expects."""
    observed: dict[Name, Any] = Field(default_factory=dict, max_length=MOST_NAMED)
    """Real datasets; every model is fitted to them under every prior."""
    sampler: Sampler = Sampler()
    """Settings of the sampler for every fit."""
    rescue: Annotated[tuple[Rescue, ...], Field(max_length=MOST_LEVELS)] = ()
    """Settings for further attempts at a fit that failed or did not converge, in this order."""
    intervals: Annotated[
        tuple[Proportion, ...], Field(min_length=1, max_length=MOST_LEVELS), Unique, Apart
    ] = (0.5, 0.89, 0.95)
    """Levels of the central posterior intervals; figures show 0.89 if given, else the widest."""
    decisions: dict[Name, Decision] = Field(default_factory=dict, max_length=MOST_NAMED)
    """Rules that answer yes, no or undecided for every fit; the report gives their rates."""
    convergence: Convergence = Convergence()
    """When a fit counts as converged."""
    precision: Precision | None = None
    """Target Monte Carlo standard errors; the report gives the number of replicates needed."""
    planning: Annotated[dict[Text, PlanningTarget], Field(min_length=1)] | None = None
    """Targets by parameter or decision; the report gives the number of participants needed."""
    verify: Verify | None = None
    """A share of the fits to repeat with another engine, to compare the two."""
    selection: Selection | None = None
    """Models compared by leave-one-out predictive accuracy: how often each is chosen."""
    keep_draws: Annotated[bool, Strict()] = False
    """Keep the draws of every fit and the estimates of every participant; needs much space."""
    container: Annotated[Title | None, Field(exclude=True)] = None
    """The container image for jobs under `--sdm apptainer`; it does not affect the numbers."""

    @property
    def family_choice(self) -> Any:
        """The family with all its options: the formula and the design too."""
        nested = {
            name: size.model_dump(by_alias=True) if isinstance(size, Nested) else None
            for name, size in self.sizes.items()
        }
        given = {"formula": self.formula, "design": self.design, "sizes": nested or None}
        options = {key: value for key, value in given.items() if value is not None}
        if not options:
            return self.family
        named = {"name": self.family} if isinstance(self.family, str) else self.family
        return {**named, **options}

    @property
    def scored_family(self) -> Family:
        """The family, whose parameters include the study's estimands."""
        return families.find(self.family_choice, self.estimands)

    @property
    def counted_sizes(self) -> dict[str, tuple[int, ...]]:
        """The grouping factors besides participants whose numbers of groups scenarios have."""
        return {name: size for name, size in self.sizes.items() if isinstance(size, tuple)}

    @property
    def methods(self) -> tuple[str, ...]:
        """The models, then the estimators."""
        return (*self.models, *self.estimators)

    @property
    def approximations(self) -> tuple[str, ...]:
        """The entries of `estimators` that approximate a model's posterior."""
        return tuple(name for name in self.estimators if split_approximation(name))

    @property
    def estimators_without_prior(self) -> tuple[str, ...]:
        """The entries of `estimators` that are estimators of the family."""
        return tuple(name for name in self.estimators if not split_approximation(name))

    @property
    def fits(self) -> list[tuple[str, str]]:
        """Every (model or approximation, prior), then every (estimator, `no_prior`)."""
        with_prior = product((*self.models, *self.approximations), self.priors)
        return [*with_prior, *product(self.estimators_without_prior, [NO_PRIOR])]

    def sampled_model(self, method: str) -> str:
        """Return the model whose program a method runs: the one that it approximates."""
        approximated = None if method in self.models else split_approximation(method)
        return approximated[1] if approximated else method

    @property
    def guest_seconds(self) -> float | None:
        """Time limit in seconds for a call of a researcher's code; None for a shipped family."""
        return self.sampler.time_limit if families.is_own(self.family) else None

    @property
    def attempts(self) -> list[dict[str, Any]]:
        """The sampler's settings of every attempt at a fit: `sampler`, then each rescue."""
        settings = self.sampler.given()
        steps = [step.model_dump(mode="json", exclude_none=True) for step in self.rescue]
        return [settings, *(settings | step for step in steps)]

    @property
    def levels(self) -> tuple[float, ...]:
        """The levels of the intervals of every fit: `intervals`, and those that are asked for."""
        targets = (self.planning or {}).values()
        asked = [STANDARD_LEVEL] if targets or self.decisions else []
        asked += [target.interval for target in targets]
        asked += [rule.level for rule in self.decisions.values() if rule.level is not None]
        return tuple(dict.fromkeys([*self.intervals, *asked]))

    @property
    def evidence(self) -> tuple[tuple[str, float], ...]:
        """The parameters whose Bayes factors decisions need, and the values of the nulls."""
        rules = (rule for rule in self.decisions.values() if isinstance(rule, Evidence))
        return tuple(dict.fromkeys((rule.of, rule.null) for rule in rules))

    @property
    def plotted_level(self) -> float:
        """The interval level that figures show: 0.89 where the study has it, else its widest."""
        return PLOTTED_LEVEL if PLOTTED_LEVEL in self.intervals else max(self.intervals)
