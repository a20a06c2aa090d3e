"""A multilevel regression as a family: varying coefficients, and an outcome of any distribution.

eta_i = X_i beta_p[j(i)], with the varying coefficients of participant j
beta_p[j] ~ multi_normal(beta, quad_form_diag(Omega, sigma_p))
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import import_module
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from recovery.families import observed_data
from recovery.families.correlations import draw_correlation
from recovery.families.family import Axes, Columns, Estimator, Family, Model, Settings, Values
from recovery.families.multilevel import (
    marginal_likelihood,
    parameter_types,
    participant_lines,
    predictors,
)
from recovery.families.multilevel.layout import Layout
from recovery.families.multilevel.models import JOINT
from recovery.families.multilevel.outcome import Outcome

LINE_POINTS = 25  # of a line that is not straight
_COEFFICIENT = re.compile(r"beta_p\[\d+,(\d+)\]")


class Multilevel(Family):
    """Multilevel regression.

    Parameters
    ----------
    layout : Layout
        Which coefficients there are, and which of them vary.
    outcome : Outcome
    models : mapping of str to Model
    estimators : callable, optional
        The package `classical` -> mapping of str to Estimator. It is found by its name at run
        time, not imported, since it decides estimates alone: neither datasets nor fits.
    """

    JOINT = JOINT

    def __init__(
        self,
        layout: Layout,
        outcome: Outcome,
        models: Mapping[str, Model],
        estimators: Callable[[ModuleType], Mapping[str, Estimator]] | None = None,
    ):
        self.layout, self.outcome = layout, outcome
        self.MODELS = models
        if estimators is not None:
            classical = import_module(f"{__package__}.classical")
            self.ESTIMATORS, self.ESTIMATOR_FILES = (
                estimators(classical),
                (Path(str(classical.__file__)),),
            )
        self.PARAMETERS = layout.beta | layout.sigma_p | layout.omega | dict(outcome.PARAMETERS)
        self.POSITIVE = (*layout.sigma_p, *outcome.POSITIVE)
        self.COEFFICIENTS = layout.coefficients
        kinds = {"participant": "integer", **dict.fromkeys(layout.predictors, "real")}
        self.COLUMNS = kinds | dict(outcome.COVARIATES) | {"y": outcome.KIND}
        x = layout.predictors[0]
        self.AXES = Axes("participant", x, "y", f"Predictor {x}", outcome.Y_LABEL)
        self.Design = parameter_types.design_type(outcome)
        self.Truth = parameter_types.truth_type(layout, outcome)
        self.Prior = parameter_types.prior_type(layout, outcome)
        self.ObservedColumns = parameter_types.observed_type(layout, outcome)

    # Truths

    def draw_truth(self, prior: Settings, rng: np.random.Generator) -> Settings:
        """Draw every parameter from the prior."""
        drawn = {
            "beta": tuple(rng.normal(prior.beta_mean, prior.beta_sd)),
            "sigma_p": tuple(rng.exponential(1 / np.array(prior.sigma_p_rate))),
        }
        if size := len(drawn["sigma_p"]) - 1:
            drawn |= parameter_types.correlation_field(
                draw_correlation(size + 1, prior.lkj_eta, rng)
            )
        return self.Truth(**drawn, **self.outcome.draw(prior, rng))

    def prior_sd(self, prior: Settings, model: str) -> Values:
        """Return prior standard deviations of a model's parameters, where they are known.

        A correlation has (rho + 1) / 2 ~ beta(a, a) with a = lkj_eta - 1 + Q / 2. The mean of
        separate lines, the beta of `unpooled`, has an SD that depends on how many
        participants there are.
        """
        scored, layout = set(self.MODELS[model].scored), self.layout
        known = dict(zip(layout.sigma_p, 1 / np.array(prior.sigma_p_rate), strict=True))
        if self.MODELS[model].pooling != "none":
            known |= dict(zip(layout.beta, prior.beta_sd, strict=True))
        if layout.omega:
            shape = prior.lkj_eta - 1 + len(layout.varying) / 2
            known |= dict.fromkeys(layout.omega, 1 / np.sqrt(2 * shape + 1))
        known |= self.outcome.prior_sd(prior)
        return {name: float(sd) for name, sd in known.items() if name in scored}

    def determines_truth(self, model: str) -> bool:
        """Whether a model's estimates hold every parameter that a Truth needs."""
        return set(self.MODELS[model].scored) == set(self.PARAMETERS)

    def truth_from_estimates(self, means: Values) -> Settings:
        """Make a Truth of a fit's posterior means."""
        layout, correlated = self.layout, {}
        if layout.pairs:
            omega = np.eye(len(layout.varying))
            for a, b in layout.pairs:
                omega[a - 1, b - 1] = omega[b - 1, a - 1] = means[f"Omega[{a},{b}]"]
            correlated = parameter_types.correlation_field(omega)
        return self.Truth(
            beta=tuple(means[name] for name in layout.beta),
            sigma_p=tuple(means[name] for name in layout.sigma_p),
            **correlated,
            **self.outcome.truth_fields(means),
        )

    def values_of(self, truth: Settings) -> Values:
        """Return the values of all population parameters in a Truth."""
        layout, omega = self.layout, truth.correlations
        beta = dict(zip(layout.beta, truth.beta, strict=True))
        sigma_p = dict(zip(layout.sigma_p, truth.sigma_p, strict=True))
        pairs = {f"Omega[{a},{b}]": float(omega[a - 1, b - 1]) for a, b in layout.pairs}
        return beta | sigma_p | pairs | self.outcome.values(truth)

    # Datasets

    def simulate(
        self,
        truth: Settings,
        participants: int,
        observations: int | Columns,
        rng: np.random.Generator,
    ) -> tuple[Columns, Values]:
        """Simulate one dataset, and the values behind it (participants' coefficients too)."""
        layout = self.layout
        scale = np.array(truth.sigma_p)[:, None] * np.linalg.cholesky(truth.correlations)
        places = np.array(layout.varying) - 1
        varying = layout.whole(truth.beta)[places]
        beta_p = varying + rng.normal(size=(participants, len(places))) @ scale.T
        columns = self._simulate_design(truth, participants, observations, rng)
        own = {f"beta_p[{j + 1},{q + 1}]": beta_p[j, q] for j, q in np.ndindex(beta_p.shape)}
        found = self.values_of(truth) | own
        columns["y"] = self.outcome.simulate(self._linear_predictor(found, columns), truth, rng)
        return columns, found

    def _simulate_design(
        self,
        truth: Settings,
        participants: int,
        observations: int | Columns,
        rng: np.random.Generator,
    ) -> Columns:
        """Return all columns of a dataset but its outcome."""
        names = self.layout.predictors
        if not isinstance(observations, int):
            names = (*names, *self.outcome.COVARIATES)
            return observed_data.repeat_participants(names, participants, observations)
        columns = predictors.simulate_design(names, truth, participants, observations, rng)
        return columns | self.outcome.covariates(truth, columns["participant"].size, rng)

    def simulate_joint(
        self,
        joint: str,
        prior: Settings,
        design: Mapping,
        participants: int,
        observations: int,
        rng: np.random.Generator,
    ) -> tuple[Columns, Values]:
        """Draw parameters from a prior, then a dataset: from the joint model of a program.

        `pooled` takes participants for alike; `unpooled` draws each line from the prior of
        beta, and its beta is the mean of the lines that were drawn.
        """
        truth = self.draw_truth(prior, rng).model_copy(update=dict(design))
        if joint == "pooled":
            truth = truth.model_copy(update={"sigma_p": (0.0,) * len(truth.sigma_p)})
        if joint == "unpooled":
            apart = {"rho": 0.0, "Omega": None, "beta": prior.beta_mean, "sigma_p": prior.beta_sd}
            truth = truth.model_copy(update=apart)
        columns, found = self.simulate(truth, participants, observations, rng)
        if joint == "unpooled":
            for k in range(1, self.layout.size + 1):
                own = [found[f"beta_p[{j},{k}]"] for j in range(1, participants + 1)]
                found[f"beta[{k}]"] = float(np.mean(own))
        return columns, found

    def can_simulate_joint(self, joint: str) -> bool:
        """Whether `simulate_joint` can draw from a joint model: from every program's."""
        return True

    def read_observed(self, table: Mapping, columns: Settings, standardize: bool) -> Columns:
        """Make the family's columns of a CSV file's; ValueError says what is wrong."""
        names = self.layout.predictors
        chosen = [columns.predictor] if len(names) == 1 else columns.predictors
        source = dict(zip(names, chosen, strict=True)) | {"y": columns.outcome}
        source |= {name: getattr(columns, name) for name in self.outcome.COVARIATES}
        scaled = {*names, "y"} if self.outcome.SCALED else {*names}
        found = {"participant": observed_data.participants(table, columns.participant)}
        for name, column in source.items():
            found[name] = observed_data.numbers(table, column)
            if standardize and name in scaled:
                found[name] = observed_data.standardized(found[name], column)
        for name, (wanted, right) in self.outcome.requirements(found).items():
            observed_data.require(table, source[name], wanted, right)
        if self.outcome.KIND == "integer":
            found["y"] = found["y"].astype(int)
        return found

    def stan_data(self, columns: Columns, prior: Settings) -> dict[str, Any]:
        """Return what the family's programs declare in `data`."""
        layout = self.layout
        return {
            "N": columns["y"].size,
            "K": layout.size,
            "Q": len(layout.varying),
            "J": int(columns["participant"].max()),
            "varying": list(layout.varying),
            "fixed": list(layout.fixed),
            "participant": columns["participant"],
            "X": self.layout.design_matrix(columns),
            "y": columns["y"],
            **self.outcome.stan_data(columns),
            "prior_lkj_eta": 1.0,
            **{f"prior_{name}": value for name, value in prior.model_dump().items()},
        }

    def group_coefficients(self, names: list[str]) -> dict[str, list[str]]:
        """Group the participants' coefficients in `names`: `beta_p[,k]` -> its names in order."""
        groups: dict[str, list[str]] = {}
        for name in names:
            if match := _COEFFICIENT.fullmatch(name):
                groups.setdefault(f"beta_p[,{match[1]}]", []).append(name)
        return groups

    # Expected outcomes and densities

    def _linear_predictor(self, found: Mapping[str, Any], columns: Columns) -> np.ndarray:
        """Linear predictor of every row: participants' own coefficients where `found` has them.

        Shape (n_rows,), or (n_rows, n_draws) where values are arrays of draws.
        """
        beta = self.layout.whole([found[name] for name in self.layout.beta])
        offset = np.reshape(self.outcome.offset(columns), (-1, *(1,) * (beta.ndim - 1)))
        if "beta_p[1,1]" not in found:
            return self.layout.design_matrix(columns) @ beta + offset
        return participant_lines.linear_predictor(self.layout, found, beta, columns) + offset

    def expected(self, values: Values, columns: Columns) -> np.ndarray:
        """Return the expected outcome of every row; participants' own where `values` has them."""
        return self.outcome.expected(self._linear_predictor(values, columns), values)

    def log_likelihood(self, values: Mapping[str, np.ndarray], columns: Columns) -> np.ndarray:
        """Return the log density of every observation, given participants' own coefficients."""
        eta = self._linear_predictor(values, columns)
        return self.outcome.log_density(columns["y"][:, None], eta, values)

    def marginal_log_likelihood(
        self, model: str, prior: Settings, values: Mapping[str, np.ndarray], columns: Columns
    ) -> np.ndarray | None:
        """Return the log density of every participant's observations, where the outcome has it."""
        joint, x = self.MODELS[model].joint, self.layout.design_matrix(columns)
        return marginal_likelihood.log_likelihood(
            self.layout, self.outcome, joint, prior, values, columns, x
        )

    def test_quantities(
        self, values: Mapping[str, np.ndarray], columns: Columns, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Return what calibration ranks besides parameters.

        Sums and differences of beta tell a wrong correlation of two (and see the base class).
        """
        found = {}
        for one, other in combinations([name for name in self.layout.beta if name in values], 2):
            found[f"{one} + {other}"] = values[one] + values[other]
            found[f"{one} - {other}"] = values[one] - values[other]
        return found | super().test_quantities(values, columns, rng)

    def line_grid(self, columns: Columns) -> Columns:
        """Return the rows between which a participant's line is drawn.

        Other predictors are at 0, covariates at the participant's mean.
        """
        points = 2 if self.outcome.STRAIGHT else LINE_POINTS
        return participant_lines.line_grid(self.layout, self.outcome.COVARIATES, points, columns)

    def population_of(self, coefficient: str) -> str | None:
        """Return the population parameter that is the mean of a participants' coefficient."""
        place = int(coefficient.removeprefix("beta_p[,").removesuffix("]"))
        name = f"beta[{self.layout.varying[place - 1]}]"
        return name if name in self.PARAMETERS else None
