"""Meta-analysis: an effect and its known standard error a study.

y_j ~ normal(theta[j], se_j)
theta[j] ~ normal(mu, tau)

The participants are studies, each observed once. Rubin (1981),
doi:10.3102/10769986006004377; Gelman et al. (2013), Bayesian Data Analysis, section 5.4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, Field, Strict
from scipy.special import gammaln

from recovery.common.errors import shown
from recovery.common.types import Frozen, NonNegative, Positive, Real, Scale, Text
from recovery.families import observed_data
from recovery.families.family import Columns, Family, Model, NoOptions, Settings, Values

JOINT, COMMON = "random effects", "common effect"
_EFFECT = re.compile(r"theta\[\d+\]")

Options = NoOptions


def _in_order(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"got {list(bounds)}, must be [smallest, largest]")
    return bounds


class Design(Frozen):
    """What the generator needs besides parameters: how standard errors come about."""

    se: Annotated[tuple[Positive, Positive], AfterValidator(_in_order)]
    """Between which the studies' standard errors are uniform."""


class Truth(Design):
    """Parameter values that data are generated from."""

    mu: Real
    """Mean of the studies' effects."""
    tau: NonNegative
    """Their standard deviation."""


class Prior(Frozen):
    """A setting of every hyperparameter."""

    mu_mean: Real
    mu_sd: Scale
    tau_df: Annotated[float, Strict(), Field(ge=1, le=1e6)]
    """Degrees of freedom of the half-Student-t prior of tau; 1 is half-Cauchy."""
    tau_scale: Scale


class ObservedColumns(Frozen):
    """The columns of a CSV file that hold the family's data."""

    effect: Text
    standard_error: Text
    study: Text


_PARTIAL = {
    "centered": (
        "Centred",
        "effects of studies that differ, sampled as they are. It has trouble where studies may "
        "be alike: divergent transitions, low effective sample sizes.",
    ),
    "noncentered": (
        "Non-centred",
        "the same model and the same posterior as centred, sampled through standard normal "
        "deviations.",
    ),
    "marginal": (
        "Marginal",
        "the same model and the same posterior as centred and non-centred. Studies' effects are "
        "integrated out, and drawn afterwards from what the data and each posterior draw say "
        "about them.",
    ),
}
_ALIKE = (
    "one effect that all studies estimate. Its interval for mu is too narrow when studies differ."
)


class MetaAnalysis(Family):
    """Random-effects and common-effect meta-analysis."""

    MODELS = {
        "common_effect": Model(
            "meta_analysis/common_effect.stan", "Common effect", "complete", ("mu",), COMMON, _ALIKE
        ),
        **{
            name: Model(
                f"meta_analysis/{name}.stan",
                *(label, "partial", ("mu", "tau"), JOINT, note),
                integrated=name == "marginal",
            )
            for name, (label, note) in _PARTIAL.items()
        },
    }
    PARAMETERS = {"mu": "Mean effect, mu", "tau": "SD of effects, tau"}
    COLUMNS = {"participant": "integer", "y": "real", "se": "real"}
    Truth, Prior, Design, ObservedColumns = Truth, Prior, Design, ObservedColumns

    JOINT = JOINT
    POSITIVE = ("tau",)
    COEFFICIENTS = {"theta": "Studies' effects"}
    MOST_OBSERVATIONS = 1

    def draw_truth(self, prior: Settings, rng: np.random.Generator) -> Settings:
        """Draw mu and tau from the prior; standard errors are as large as its tau_scale.

        A study's own standard errors take their place.
        """
        return Truth(
            mu=rng.normal(prior.mu_mean, prior.mu_sd),
            tau=prior.tau_scale * abs(rng.standard_t(prior.tau_df)),
            se=(prior.tau_scale, prior.tau_scale),
        )

    def simulate(
        self,
        truth: Settings,
        participants: int,
        observations: int | Columns,
        rng: np.random.Generator,
    ) -> tuple[Columns, Values]:
        """Simulate one effect a study, and the values behind them (theta too)."""
        if isinstance(observations, int):
            low, high = truth.se
            se = rng.uniform(low, high, size=participants)
        else:
            se = np.resize(observations["se"], participants)
        theta = truth.mu + truth.tau * rng.normal(size=participants)
        y = theta + se * rng.normal(size=participants)
        columns = {"participant": np.arange(1, participants + 1), "y": y, "se": se}
        own = {f"theta[{j}]": effect for j, effect in enumerate(theta.tolist(), start=1)}
        return columns, self.values_of(truth) | own

    def simulate_joint(
        self,
        joint: str,
        prior: Settings,
        design: Mapping,
        participants: int,
        observations: int,
        rng: np.random.Generator,
    ) -> tuple[Columns, Values]:
        """Draw parameters from a prior, then a dataset; studies are alike in `common effect`."""
        alike = {"tau": 0.0} if joint == COMMON else {}
        truth = self.draw_truth(prior, rng).model_copy(update={**design, **alike})
        return self.simulate(truth, participants, observations, rng)

    def can_simulate_joint(self, joint: str) -> bool:
        """Whether `simulate_joint` can draw from a joint model: from every program's."""
        return True

    def stan_data(self, columns: Columns, prior: Settings) -> dict[str, Any]:
        """Return what the family's programs declare in `data`."""
        hyperparameters = {f"prior_{name}": value for name, value in prior.model_dump().items()}
        return {"J": columns["y"].size, "y": columns["y"], "se": columns["se"], **hyperparameters}

    def group_coefficients(self, names: list[str]) -> dict[str, list[str]]:
        """Group the studies' effects in `names`: `theta` -> its names in order."""
        own = [name for name in names if _EFFECT.fullmatch(name)]
        return {"theta": own} if own else {}

    def log_likelihood(self, values: Mapping[str, np.ndarray], columns: Columns) -> np.ndarray:
        """Return the log density of every effect, given the study's own theta.

        A model of one common effect has mu in its place.
        """
        y, se = columns["y"][:, None], columns["se"][:, None]
        names = [f"theta[{j}]" for j in columns["participant"]]
        own = names[0] in values
        theta = np.array([values[name] for name in names]) if own else values["mu"]
        return -0.5 * np.log(2 * np.pi) - np.log(se) - 0.5 * ((y - theta) / se) ** 2

    def marginal_log_likelihood(
        self, model: str, prior: Settings, values: Mapping[str, np.ndarray], columns: Columns
    ) -> np.ndarray:
        """Return the log density of every study's effect, its theta integrated out."""
        tau = values["tau"] if self.MODELS[model].joint == JOINT else 0.0
        sd = np.hypot(columns["se"][:, None], tau)
        return (
            -0.5 * np.log(2 * np.pi * sd**2)
            - 0.5 * ((columns["y"][:, None] - values["mu"]) / sd) ** 2
        )

    def prior_sd(self, prior: Settings, model: str) -> Values:
        """Return prior standard deviations; that of tau is infinite up to 2 degrees of freedom.

        Psarakis & Panaretos (1990), The folded t distribution,
        doi:10.1080/03610929008830342, have its moments.
        """
        known = {"mu": prior.mu_sd}
        if prior.tau_df > 2:
            df = prior.tau_df
            ratio = np.exp(gammaln((df + 1) / 2) - gammaln(df / 2))
            mean = 2 * np.sqrt(df / np.pi) * ratio / (df - 1)
            known["tau"] = float(prior.tau_scale * np.sqrt(df / (df - 2) - mean**2))
        return {name: sd for name, sd in known.items() if name in self.MODELS[model].scored}

    def determines_truth(self, model: str) -> bool:
        """Whether a model's estimates hold every parameter that a Truth needs."""
        return self.MODELS[model].joint == JOINT

    def truth_from_estimates(self, means: Values) -> Settings:
        """Make a Truth of a fit's posterior means; standard errors are the dataset's."""
        return Truth(mu=means["mu"], tau=means["tau"], se=(means["tau"], means["tau"]))

    def values_of(self, truth: Settings) -> Values:
        """Return the values of all population parameters in a Truth."""
        return {"mu": truth.mu, "tau": truth.tau}

    def read_observed(self, table: Mapping, columns: Settings, standardize: bool) -> Columns:
        """Make the family's columns of a CSV file's; ValueError says what is wrong."""
        if standardize:
            raise ValueError("effects and their standard errors cannot be standardized")
        participant = observed_data.participants(table, columns.study)
        if participant.max() < participant.size:
            row = int(np.setdiff1d(np.arange(participant.size), np.unique(participant, True)[1])[0])
            got = f"{shown(str(table[columns.study][row]))} again in row {row + 1}"
            raise ValueError(f"column {columns.study!r} must have each study once, got {got}")
        se = observed_data.numbers(table, columns.standard_error)
        observed_data.require(table, columns.standard_error, "numbers above 0", se > 0)
        y = observed_data.numbers(table, columns.effect)
        return {"participant": participant, "y": y, "se": se}

    def population_of(self, coefficient: str) -> str:
        """Return the mean of the studies' effects."""
        return "mu"


def family(options: NoOptions) -> MetaAnalysis:
    """Return the family; a study has no options for it."""
    return MetaAnalysis()
