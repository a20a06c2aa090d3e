"""Meta-analysis: one effect with a known standard error per study.

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
from recovery.families.family import NO_SIZES, Columns, Family, Fields, Model, NoOptions, Values

JOINT, COMMON = "random effects", "common effect"
_EFFECT = re.compile(r"theta\[\d+\]")

Options = NoOptions


def _in_order(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"got {list(bounds)}, must be [smallest, largest]")
    return bounds


class Design(Frozen):
    """Settings of the generator besides parameters: the distribution of standard errors."""

    se: Annotated[tuple[Positive, Positive], AfterValidator(_in_order)]
    """Bounds of the studies' standard errors, which are uniform between them."""


class Truth(Design):
    """Parameter values from which data are generated."""

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
    """The column names of a CSV file with the family's data."""

    effect: Text
    standard_error: Text
    study: Text


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


class MetaAnalysis(Family):
    """Random-effects and common-effect meta-analysis."""

    MODELS = {
        "common_effect": Model(
            "meta_analysis/common_effect.stan",
            "Common effect",
            "complete",
            ("mu",),
            COMMON,
            _COMMON_EFFECT,
            seconds=SECONDS,
        ),
        **{
            name: Model(
                f"meta_analysis/{name}.stan",
                *(label, "partial", ("mu", "tau"), JOINT, note),
                integrated=name == "marginal",
                seconds=SECONDS,
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

    def draw_truth(self, prior: Fields, rng: np.random.Generator) -> Fields:
        """Draw mu and tau from the prior; standard errors are its tau_scale.

        `se` of the study file, if given, replaces these.
        """
        return Truth(
            mu=rng.normal(prior.mu_mean, prior.mu_sd),
            tau=prior.tau_scale * abs(rng.standard_t(prior.tau_df)),
            se=(prior.tau_scale, prior.tau_scale),
        )

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
        else:
            se = np.resize(observations["se"], participants)
        theta = truth.mu + truth.tau * rng.normal(size=participants)
        y = theta + se * rng.normal(size=participants)
        columns = {"participant": np.arange(1, participants + 1), "y": y, "se": se}
        effects = {f"theta[{j}]": effect for j, effect in enumerate(theta.tolist(), start=1)}
        return columns, self.values_of(truth) | effects

    def simulate_joint(
        self,
        joint: str,
        prior: Fields,
        design: Mapping,
        participants: int,
        observations: int,
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

    def stan_data(self, columns: Columns, prior: Fields) -> dict[str, Any]:
        """Return the data of the family's Stan programs."""
        hyperparameters = {f"prior_{name}": value for name, value in prior.model_dump().items()}
        return {"J": columns["y"].size, "y": columns["y"], "se": columns["se"], **hyperparameters}

    def group_coefficients(self, names: list[str]) -> dict[str, list[str]]:
        """Group the studies' effects among `names`: `theta` -> names in order."""
        effects = [name for name in names if _EFFECT.fullmatch(name)]
        return {"theta": effects} if effects else {}

    def log_likelihood(self, values: Mapping[str, np.ndarray], columns: Columns) -> np.ndarray:
        """Return the log density of every effect given theta, or mu of a common effect."""
        y, se = columns["y"][:, None], columns["se"][:, None]
        names = [f"theta[{j}]" for j in columns["participant"]]
        varies = names[0] in values
        theta = np.array([values[name] for name in names]) if varies else values["mu"]
        return -0.5 * np.log(2 * np.pi) - np.log(se) - 0.5 * ((y - theta) / se) ** 2

    def marginal_log_likelihood(
        self, model: str, prior: Fields, values: Mapping[str, np.ndarray], columns: Columns
    ) -> np.ndarray:
        """Return the log density of every study's effect with theta integrated out."""
        tau = values["tau"] if self.MODELS[model].joint == JOINT else 0.0
        sd = np.hypot(columns["se"][:, None], tau)
        return (
            -0.5 * np.log(2 * np.pi * sd**2)
            - 0.5 * ((columns["y"][:, None] - values["mu"]) / sd) ** 2
        )

    def prior_sd(self, prior: Fields, model: str) -> Values:
        """Return prior standard deviations; that of tau exists above 2 degrees of freedom.

        References
        ----------
        Psarakis & Panaretos (1990), The folded t distribution, doi:10.1080/03610929008830342.
        """
        known = {"mu": prior.mu_sd}
        if prior.tau_df > 2:
            df = prior.tau_df
            ratio = np.exp(gammaln((df + 1) / 2) - gammaln(df / 2))
            mean = 2 * np.sqrt(df / np.pi) * ratio / (df - 1)
            known["tau"] = float(prior.tau_scale * np.sqrt(df / (df - 2) - mean**2))
        return {name: sd for name, sd in known.items() if name in self.MODELS[model].scored}

    def determines_truth(self, model: str) -> bool:
        """Whether a model estimates every parameter that a Truth needs."""
        return self.MODELS[model].joint == JOINT

    def truth_from_estimates(self, means: Values) -> Fields:
        """Return the Truth with the posterior means of a fit; datasets have the observed `se`."""
        return Truth(mu=means["mu"], tau=means["tau"], se=(means["tau"], means["tau"]))

    def values_of(self, truth: Fields) -> Values:
        """Return the values of all population parameters in a Truth."""
        return {"mu": truth.mu, "tau": truth.tau}

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
        return {"participant": participant, "y": y, "se": se}

    def population_of(self, coefficient: str) -> str:
        """Return the mean of the studies' effects."""
        return "mu"


def family(options: NoOptions) -> MetaAnalysis:
    """Return the family, which has no options."""
    return MetaAnalysis()
