"""Meta-analysis: one effect with a known standard error per study.

y_j ~ normal(theta[j], se_j)
theta[j] ~ normal(mu + X_j b, tau), with the moderators X of a formula such as effect ~ latitude

The participants are studies, each observed once. Rubin (1981),
doi:10.3102/10769986006004377; Gelman et al. (2013), Bayesian Data Analysis, section 5.4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import Field, create_model

from recovery.common.errors import shown
from recovery.common.types import Text
from recovery.families import designs, observed_data
from recovery.families.family import NO_SIZES, Columns, Family, Fields, Model, Values
from recovery.families.multilevel import design_checks, design_words, file_columns, options
from recovery.families.multilevel.layout import INTERCEPT, Layout
from recovery.families.priors import WeightedSum, program_data, weighted_sum
from recovery.families.shipped.meta_analysis.study_types import (
    SMALLEST,
    Design,
    ObservedColumns,
    truth_type,
    type_of_priors,
)

JOINT, COMMON = "random effects", "common effect"
_EFFECT = re.compile(r"theta\[\d+\]")

RESPONSE = "effect"  # in the formula


class Options(options.Options):
    """Options of the family: the formula and the design of moderators."""

    formula: Text = f"{RESPONSE} ~ 1"
    design: Any = Field(default_factory=dict)


_PARTIAL = {
    "centered": (
        "Centred",
        "effects that differ between studies, sampled directly. If studies hardly differ, "
        "transitions diverge and effective sample sizes are low.",
    ),
    "noncentered": (
        "Non-centred",
        "the same model and the same posterior as centred, sampled through standard normal "
        "deviations.",
    ),
    "marginal": (
        "Marginal",
        "the same model and the same posterior as centred and non-centred. Studies' effects are "
        "integrated out, and drawn afterwards from their conditional distribution given the data "
        "and each posterior draw.",
    ),
}
SECONDS = (0.04, 0.002)  # of 8000 iterations, and for each study
_COMMON_EFFECT = (
    "one effect that all studies estimate. Its interval for mu is too narrow if studies differ."
)


def _models(moderators: Sequence[str]) -> dict[str, Model]:
    """Return the models, given the parameters of the moderators."""
    common = Model(
        "meta_analysis/common_effect.stan",
        "Common effect",
        "complete",
        ("mu", *moderators),
        COMMON,
        _COMMON_EFFECT,
        seconds=SECONDS,
    )
    partial = {
        name: Model(
            f"meta_analysis/{name}.stan",
            *(label, "partial", ("mu", *moderators, "tau"), JOINT, note),
            integrated=name == "marginal",
            seconds=SECONDS,
        )
        for name, (label, note) in _PARTIAL.items()
    }
    return {"common_effect": common, **partial}


class MetaAnalysis(Family):
    """Random-effects and common-effect meta-analysis, with moderators.

    Parameters
    ----------
    given : Options
        The formula of the moderators, and their design.
    """

    Design = Design
    JOINT = JOINT
    POSITIVE = ("tau",)
    COEFFICIENTS = {"theta": "Studies' effects"}
    MOST_OBSERVATIONS = 1

    def __init__(self, given: Options):
        parts = options.read_parts(given.formula, given.design, given.sizes)
        formula, self.design = parts.formula, parts.design
        _check(parts)
        self.layout = Layout(formula, self.design)
        self.moderators = tuple(n for n in self.layout.coefficients if n != INTERCEPT)
        self.b = tuple(f"b_{name}" for name in self.moderators)
        self.SUMMED = ("mu", *self.b)
        self.OPTIONS = options.content(parts, Options())
        self.MODELS = _models(self.b)
        labels = {name: f"Coefficient, {name}" for name in self.b}
        self.PARAMETERS = {"mu": "Mean effect, mu", **labels, "tau": "SD of effects, tau"}
        kinds = self.layout.predictors
        self.COLUMNS = {"participant": "integer", **kinds, "y": "real", "se": "real"}
        self.Truth = truth_type(self.moderators)
        self.Prior = type_of_priors(self.b)
        own: dict[str, Any] = {name: (Text, Field(default=name)) for name in kinds}
        self.ObservedColumns = create_model(
            "ObservedColumns", __base__=ObservedColumns, __doc__=ObservedColumns.__doc__, **own
        )

    def in_words(self) -> dict[str, str]:
        """Return the formula, and every moderator, in words."""
        return design_words.in_words(self.layout) if self.moderators else {}

    def check_sizes(
        self, participants: int, sizes: Mapping[str, int], observations: int | None
    ) -> None:
        """Raise ValueError if this number of studies does not fit the design."""
        designs.check_sizes(self.design, participants, {}, observations)

    def check_coefficients(
        self, participants: int, sizes: Mapping[str, int], observations: int | Columns | None
    ) -> None:
        """Raise ValueError if this number of studies cannot tell all coefficients apart."""
        if isinstance(observations, Mapping):
            columns = {name: np.resize(each, participants) for name, each in observations.items()}
        else:
            rng = np.random.default_rng(1)
            columns = designs.simulate_rows(self.design, participants, {}, 1, rng)
        design_checks.refuse_not_told_apart(self.layout, columns)

    def _x(self, columns: Columns) -> np.ndarray:
        """The moderators' part of the design matrix."""
        matrix = self.layout.design_matrix(columns)
        return matrix[:, [name != INTERCEPT for name in self.layout.coefficients]]

    def _mean(self, values: Mapping[str, Any], columns: Columns) -> Any:
        """The mean effect of every study, shape (n_studies,) or (n_studies, n_draws)."""
        mu = np.asarray(values["mu"])
        if not self.moderators:
            return np.broadcast_to(mu, (columns["participant"].size, *mu.shape))
        return mu + self._x(columns) @ np.array([values[name] for name in self.b])

    def draw_truth(self, prior: Fields, rng: np.random.Generator) -> Fields:
        """Draw every parameter from the prior; standard errors are the median of tau's.

        `se` of the study file, if given, replaces these.
        """
        mu, tau = (prior.bounded(name).draw(rng) for name in ("mu", "tau"))
        se = min(max(prior.bounded("tau").median, SMALLEST), 1 / SMALLEST)
        return self.Truth(
            mu=mu,
            tau=tau,
            se=(se, se),
            **self._coefficients([prior.bounded(name).draw(rng) for name in self.b]),
        )

    def _coefficients(self, values: Sequence[float]) -> dict[str, Any]:
        """The field `b` of a truth, if there are moderators."""
        return {"b": dict(zip(self.moderators, values, strict=True))} if self.b else {}

    def simulate(
        self,
        truth: Fields,
        participants: int,
        observations: int | Columns,
        rng: np.random.Generator,
        sizes: Mapping[str, int] = NO_SIZES,
    ) -> tuple[Columns, Values]:
        """Simulate one effect per study; return them with all true values, theta too."""
        if isinstance(observations, int):
            low, high = truth.se
            se = rng.uniform(low, high, size=participants)
            rows = designs.simulate_rows(self.design, participants, {}, 1, rng)
        else:
            rows = {name: np.resize(each, participants) for name, each in observations.items()}
            se = rows["se"]
        rows["participant"] = np.arange(1, participants + 1)
        values = self.values_of(truth)
        theta = self._mean(values, rows) + truth.tau * rng.normal(size=participants)
        y = theta + se * rng.normal(size=participants)
        effects = {f"theta[{j}]": effect for j, effect in enumerate(theta.tolist(), start=1)}
        complete = {**rows, "y": y, "se": se}
        return {name: complete[name] for name in self.COLUMNS}, values | effects

    def simulate_joint(
        self,
        joint: str,
        prior: Fields,
        design: Mapping,
        participants: int,
        observations: int | Columns,
        rng: np.random.Generator,
        sizes: Mapping[str, int] = NO_SIZES,
    ) -> tuple[Columns, Values]:
        """Draw parameters from a prior, then a dataset; tau is 0 in `common effect`."""
        fixed = {"tau": 0.0} if joint == COMMON else {}
        truth = self.draw_truth(prior, rng).model_copy(update={**design, **fixed})
        return self.simulate(truth, participants, observations, rng, sizes)

    def can_simulate_joint(self, joint: str) -> bool:
        """Whether `simulate_joint` can draw from a joint model: True for every program's."""
        return True

    def stan_data(self, columns: Columns, prior: Fields, model: str) -> dict[str, Any]:
        """Return the data of a model's Stan program."""
        return {
            "J": columns["y"].size,
            "K": len(self.b),
            "X": self._x(columns),
            "y": columns["y"],
            "se": columns["se"],
            **program_data([prior.bounded(name) for name in self.MODELS[model].scored]),
        }

    def parameter_names(self, names: list[str], columns: Columns) -> list[str]:
        """Return the names of a program's draws after the terms of the formula."""
        own = {f"b[{k}]": name for k, name in enumerate(self.b, start=1)}
        return [own.get(name, name) for name in names]

    def group_coefficients(self, names: list[str]) -> dict[str, list[str]]:
        """Group the studies' effects among `names`: `theta` -> names in order."""
        effects = [name for name in names if _EFFECT.fullmatch(name)]
        return {"theta": effects} if effects else {}

    def for_parts(self, columns: Columns) -> Columns:
        """Return a dataset with what cannot be computed from some of its rows as columns."""
        return self.layout.for_parts(columns)

    def depends_on_all_rows(self) -> str:
        """Return what in the formula depends on all studies; empty if nothing does."""
        return self.layout.depends_on_all_rows

    def log_likelihood(self, values: Mapping[str, np.ndarray], columns: Columns) -> np.ndarray:
        """Return the log density of every effect given theta, or mu of a common effect."""
        y, se = columns["y"][:, None], columns["se"][:, None]
        names = [f"theta[{j}]" for j in columns["participant"]]
        varies = names[0] in values
        theta = np.array([values[n] for n in names]) if varies else self._mean(values, columns)
        return -0.5 * np.log(2 * np.pi) - np.log(se) - 0.5 * ((y - theta) / se) ** 2

    def marginal_log_likelihood(
        self, model: str, prior: Fields, values: Mapping[str, np.ndarray], columns: Columns
    ) -> np.ndarray:
        """Return the log density of every study's effect with theta integrated out."""
        tau = values["tau"] if self.MODELS[model].joint == JOINT else 0.0
        sd = np.hypot(columns["se"][:, None], tau)
        return (
            -0.5 * np.log(2 * np.pi * sd**2)
            - 0.5 * ((columns["y"][:, None] - self._mean(values, columns)) / sd) ** 2
        )

    def prior_sd(self, prior: Fields, model: str) -> Values:
        """Return the prior standard deviations that are known of a model's parameters.

        Others have none: constants, flat priors, and those with too heavy tails.
        """
        known = {name: prior.bounded(name).moments()[1] for name in self.MODELS[model].scored}
        return {name: sd for name, sd in known.items() if 0 < sd < np.inf}

    def weighted_sum(
        self, weights: Mapping[str, float], model: str, prior: Fields, columns: Columns
    ) -> WeightedSum:
        """Return a weighted sum of mu and the moderators' coefficients."""
        priors = [prior.bounded(name) for name in self.SUMMED]
        return weighted_sum(priors, [weights.get(name, 0.0) for name in self.SUMMED])

    def determines_truth(self, model: str) -> bool:
        """Whether a model estimates every parameter that a Truth needs."""
        return self.MODELS[model].joint == JOINT

    def truth_from_estimates(self, means: Values) -> Fields:
        """Return the Truth with the posterior means of a fit; datasets have the observed `se`."""
        return self.Truth(
            mu=means["mu"],
            tau=means["tau"],
            se=(means["tau"], means["tau"]),
            **self._coefficients([means[name] for name in self.b]),
        )

    def values_of(self, truth: Fields) -> Values:
        """Return the values of all population parameters in a Truth."""
        b = {f"b_{name}": truth.b[name] for name in self.moderators}
        return {"mu": truth.mu, **b, "tau": truth.tau}

    def read_observed(self, table: Mapping, columns: Fields, standardize: bool) -> Columns:
        """Return the family's columns from a CSV file; ValueError if the file is wrong."""
        if standardize:
            raise ValueError("effects and their standard errors cannot be standardized")
        participant = observed_data.groups(table, columns.study)
        if participant.max() < participant.size:
            row = int(np.setdiff1d(np.arange(participant.size), np.unique(participant, True)[1])[0])
            got = f"{shown(str(table[columns.study][row]))} again in row {row + 1}"
            raise ValueError(f"column {columns.study!r} must have each study once, got {got}")
        se = observed_data.numbers(table, columns.standard_error)
        observed_data.require(table, columns.standard_error, "numbers above 0", se > 0)
        y = observed_data.numbers(table, columns.effect)
        source = {name: getattr(columns, name) for name in self.layout.predictors}
        moderators = file_columns.read(self.design, table, source)
        dataset = {"participant": participant, "y": y, "se": se, **moderators}
        design_checks.refuse_not_told_apart(self.layout, dataset)
        return {name: dataset[name] for name in self.COLUMNS}

    def population_of(self, coefficient: str) -> str | None:
        """Return the mean of the studies' effects; moderators make it that of no study."""
        return None if self.b else "mu"


def _check(parts: options.Parts) -> None:
    """Raise ValueError for what a meta-analysis has not: groups besides studies, and so on."""
    formula, design = parts.formula, parts.design
    if formula.response != RESPONSE:
        raise ValueError(f"formula: got the outcome {formula.response!r}, must be {RESPONSE}")
    if formula.groups or formula.offsets or () not in formula.population:
        raise ValueError(
            "formula: must have an intercept and moderators only; studies' effects always vary"
        )
    if parts.file:
        raise ValueError("design: must not have rows of a file; use observed data")
    for name, factor in design.factors.items():
        if factor.between is None:
            raise ValueError(f"design.{name}: must have between: participant, a study has one row")
    for name in design.variables:
        if name in ("y", "se", "study", "standard_error", RESPONSE):
            raise ValueError(f"design.{name}: must be another name, every study has its own {name}")
    if design.missing is not None:
        raise ValueError("design.missing: must not be given, a study has one row")
    if design.groups:
        raise ValueError("sizes: must not be given, the studies are the participants")


def family(options: Options) -> MetaAnalysis:
    """Return the family for a study's options."""
    return MetaAnalysis(options)
