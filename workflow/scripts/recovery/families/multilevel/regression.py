"""The family of multilevel regressions: varying coefficients, outcomes of any distribution.

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
from recovery.families.family import Axes, Columns, Estimator, Family, Fields, Model, Values
from recovery.families.multilevel import (
    marginal_likelihood,
    parameter_types,
    participant_lines,
    predictors,
)
from recovery.families.multilevel.layout import Layout
from recovery.families.multilevel.models import JOINT
from recovery.families.multilevel.outcome import Outcome

LINE_POINTS = 25  # of a curved line in a figure
_COEFFICIENT = re.compile(r"beta_p\[\d+,(\d+)\]")


class Multilevel(Family):
    """Multilevel regression.

    Parameters
    ----------
    layout : Layout
        The coefficients, and which of them vary.
    outcome : Outcome
    models : mapping of str to Model
    estimators : callable, optional
        The package `classical` -> mapping of str to Estimator. The package is imported by name
        at run time, because it decides only estimates, neither datasets nor fits.
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
            self.ESTIMATORS = estimators(classical)
            self.ESTIMATOR_FILES = (Path(str(classical.__file__)),)
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

    def draw_truth(self, prior: Fields, rng: np.random.Generator) -> Fields:
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

    def prior_sd(self, prior: Fields, model: str) -> Values:
        """Return the known prior standard deviations of a model's parameters.

        For a correlation, (rho + 1) / 2 ~ beta(a, a) with a = lkj_eta - 1 + Q / 2. The SD of the
        beta of `unpooled`, the mean of separate lines, depends on the number of participants.
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
        """Whether a model estimates every parameter that a Truth needs."""
        return set(self.MODELS[model].scored) == set(self.PARAMETERS)

    def truth_from_estimates(self, means: Values) -> Fields:
        """Return the Truth with the posterior means of a fit."""
        layout, correlation = self.layout, {}
        if layout.pairs:
            omega = np.eye(len(layout.varying))
            for a, b in layout.pairs:
                omega[a - 1, b - 1] = omega[b - 1, a - 1] = means[f"Omega[{a},{b}]"]
            correlation = parameter_types.correlation_field(omega)
        return self.Truth(
            beta=tuple(means[name] for name in layout.beta),
            sigma_p=tuple(means[name] for name in layout.sigma_p),
            **correlation,
            **self.outcome.truth_fields(means),
        )

    def values_of(self, truth: Fields) -> Values:
        """Return the values of all population parameters in a Truth."""
        layout, omega = self.layout, truth.correlations
        beta = dict(zip(layout.beta, truth.beta, strict=True))
        sigma_p = dict(zip(layout.sigma_p, truth.sigma_p, strict=True))
        pairs = {f"Omega[{a},{b}]": float(omega[a - 1, b - 1]) for a, b in layout.pairs}
        return beta | sigma_p | pairs | self.outcome.values(truth)

    # Datasets

    def simulate(
        self,
        truth: Fields,
        participants: int,
        observations: int | Columns,
        rng: np.random.Generator,
    ) -> tuple[Columns, Values]:
        """Simulate one dataset; return it with all true values, participants' coefficients too."""
        layout = self.layout
        scale = np.array(truth.sigma_p)[:, None] * np.linalg.cholesky(truth.correlations)
        indices = np.array(layout.varying) - 1
        mean = layout.with_intercept(truth.beta)[indices]
        beta_p = mean + rng.normal(size=(participants, len(indices))) @ scale.T
        columns = self._simulate_design(truth, participants, observations, rng)
        coefficients = {
            f"beta_p[{j + 1},{q + 1}]": beta_p[j, q] for j, q in np.ndindex(beta_p.shape)
        }
        values = self.values_of(truth) | coefficients
        columns["y"] = self.outcome.simulate(self._linear_predictor(values, columns), truth, rng)
        return columns, values

    def _simulate_design(
        self,
        truth: Fields,
        participants: int,
        observations: int | Columns,
        rng: np.random.Generator,
    ) -> Columns:
        """Return all columns of a dataset except its outcome."""
        names = self.layout.predictors
        if not isinstance(observations, int):
            names = (*names, *self.outcome.COVARIATES)
            return observed_data.repeat_participants(names, participants, observations)
        columns = predictors.simulate_design(names, truth, participants, observations, rng)
        return columns | self.outcome.covariates(truth, columns["participant"].size, rng)

    def simulate_joint(
        self,
        joint: str,
        prior: Fields,
        design: Mapping,
        participants: int,
        observations: int,
        rng: np.random.Generator,
    ) -> tuple[Columns, Values]:
        """Draw parameters from a prior, then a dataset, from the joint model of a program.

        In `pooled` all participants have the same line. `unpooled` draws each line from the
        prior of beta, and its beta is the mean of these lines.
        """
        truth = self.draw_truth(prior, rng).model_copy(update=dict(design))
        if joint == "pooled":
            truth = truth.model_copy(update={"sigma_p": (0.0,) * len(truth.sigma_p)})
        if joint == "unpooled":
            fields = {"rho": 0.0, "Omega": None, "beta": prior.beta_mean, "sigma_p": prior.beta_sd}
            truth = truth.model_copy(update=fields)
        columns, values = self.simulate(truth, participants, observations, rng)
        if joint == "unpooled":
            for k in range(1, self.layout.size + 1):
                coefficients = [values[f"beta_p[{j},{k}]"] for j in range(1, participants + 1)]
                values[f"beta[{k}]"] = float(np.mean(coefficients))
        return columns, values

    def can_simulate_joint(self, joint: str) -> bool:
        """Whether `simulate_joint` can draw from a joint model: True for every program's."""
        return True

    def read_observed(self, table: Mapping, columns: Fields, standardize: bool) -> Columns:
        """Return the family's columns from a CSV file; ValueError if the file is wrong."""
        names = self.layout.predictors
        predictors = [columns.predictor] if len(names) == 1 else columns.predictors
        source = dict(zip(names, predictors, strict=True)) | {"y": columns.outcome}
        source |= {name: getattr(columns, name) for name in self.outcome.COVARIATES}
        scaled = {*names, "y"} if self.outcome.SCALED else {*names}
        dataset = {"participant": observed_data.participants(table, columns.participant)}
        for name, column in source.items():
            dataset[name] = observed_data.numbers(table, column)
            if standardize and name in scaled:
                dataset[name] = observed_data.standardized(dataset[name], column)
        for name, (requirement, valid) in self.outcome.requirements(dataset).items():
            observed_data.require(table, source[name], requirement, valid)
        if self.outcome.KIND == "integer":
            dataset["y"] = dataset["y"].astype(int)
        return dataset

    def stan_data(self, columns: Columns, prior: Fields) -> dict[str, Any]:
        """Return the data of the family's Stan programs."""
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
        """Group the participants' coefficients among `names`: `beta_p[,k]` -> names in order."""
        groups: dict[str, list[str]] = {}
        for name in names:
            if match := _COEFFICIENT.fullmatch(name):
                groups.setdefault(f"beta_p[,{match[1]}]", []).append(name)
        return groups

    # Expected outcomes and densities

    def _linear_predictor(self, values: Mapping[str, Any], columns: Columns) -> np.ndarray:
        """Linear predictor of every row, with participants' coefficients if `values` has them.

        Shape (n_rows,), or (n_rows, n_draws) if values are arrays of draws.
        """
        beta = self.layout.with_intercept([values[name] for name in self.layout.beta])
        offset = np.reshape(self.outcome.offset(columns), (-1, *(1,) * (beta.ndim - 1)))
        if "beta_p[1,1]" not in values:
            return self.layout.design_matrix(columns) @ beta + offset
        return participant_lines.linear_predictor(self.layout, values, beta, columns) + offset

    def expected(self, values: Values, columns: Columns) -> np.ndarray:
        """Return the expected outcome of every row.

        If `values` has participants' coefficients, the expectation is conditional on them.
        """
        return self.outcome.expected(self._linear_predictor(values, columns), values)

    def log_likelihood(self, values: Mapping[str, np.ndarray], columns: Columns) -> np.ndarray:
        """Return the log density of every observation given participants' coefficients."""
        eta = self._linear_predictor(values, columns)
        return self.outcome.log_density(columns["y"][:, None], eta, values)

    def marginal_log_likelihood(
        self, model: str, prior: Fields, values: Mapping[str, np.ndarray], columns: Columns
    ) -> np.ndarray | None:
        """Return the log density of every participant's observations; None without closed form."""
        joint, x = self.MODELS[model].joint, self.layout.design_matrix(columns)
        return marginal_likelihood.log_likelihood(
            self.layout, self.outcome, joint, prior, values, columns, x
        )

    def test_quantities(
        self, values: Mapping[str, np.ndarray], columns: Columns, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Return functions of parameters and data that calibration ranks besides parameters.

        Besides those of the base class, sums and differences of beta, whose ranks show wrong
        correlations between two coefficients.
        """
        quantities = {}
        for one, other in combinations([name for name in self.layout.beta if name in values], 2):
            quantities[f"{one} + {other}"] = values[one] + values[other]
            quantities[f"{one} - {other}"] = values[one] - values[other]
        return quantities | super().test_quantities(values, columns, rng)

    def line_grid(self, columns: Columns) -> Columns:
        """Return the rows at which figures draw every participant's line over the first predictor.

        Other predictors are 0; covariates have the participant's mean.
        """
        points = 2 if self.outcome.STRAIGHT else LINE_POINTS
        return participant_lines.line_grid(self.layout, self.outcome.COVARIATES, points, columns)

    def population_of(self, coefficient: str) -> str | None:
        """Return the population parameter that is the mean of a participants' coefficient."""
        q = int(coefficient.removeprefix("beta_p[,").removesuffix("]"))
        name = f"beta[{self.layout.varying[q - 1]}]"
        return name if name in self.PARAMETERS else None
