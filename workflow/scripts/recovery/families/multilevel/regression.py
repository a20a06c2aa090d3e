"""The family of multilevel regressions: any formula, outcomes of any distribution.

eta_i = offset_i + X_i b + sum over terms t of Z_t,i r_t[group_t(i)], with the deviations of a
group r_t[j] ~ multi_normal(0, quad_form_diag(Omega_t, sd_t))
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from recovery.families import designs, observed_data
from recovery.families.estimands import Estimand, Vocabulary, read
from recovery.families.family import (
    NO_SIZES,
    Columns,
    Family,
    Fields,
    SimulationError,
    Values,
)
from recovery.families.multilevel import (
    design_checks,
    design_words,
    estimator_packages,
    file_columns,
    group_coefficients,
    marginal_likelihood,
    marginal_means,
    options,
    parameter_types,
    parameter_values,
    participant_lines,
    regression_priors,
)
from recovery.families.multilevel.design_file import DesignFile
from recovery.families.multilevel.estimator_packages import Classical
from recovery.families.multilevel.layout import Layout, parts_of
from recovery.families.multilevel.models import JOINT, models
from recovery.families.multilevel.outcome import Outcome
from recovery.families.priors import NamedPriors, WeightedSum


class Multilevel(Family):
    """Multilevel regression.

    Parameters
    ----------
    name : str
        The folder of its programs.
    given : Options
        The formula and the design.
    outcome : Outcome
    programs : tuple of str
        The models that the family has, as far as they fit the formula.
    pooled_note : str
        How the parameters of the pooled model differ from those of the others.
    density_seconds : float
        As for `models`.
    estimators : callable, optional
        Returns the estimators that the package `classical` has for the family.
    """

    JOINT = JOINT

    def __init__(
        self,
        name: str,
        given: options.Options,
        outcome: Outcome,
        programs: tuple[str, ...] = ("pooled", "centered", "noncentered"),
        pooled_note: str = "",
        density_seconds: float = 0.0,
        estimators: Classical | None = None,
    ):
        parts = options.read(given, outcome.TRIALS, outcome.INTERCEPT)
        self.design, self.outcome = parts.design, outcome
        self.layout = layout = Layout(parts.formula, parts.design, outcome.INTERCEPT)
        self.OPTIONS = options.content(parts, options.Options())
        self.MODELS = models(
            name, layout, outcome.PARAMETERS, programs, pooled_note, density_seconds
        )
        found = estimator_packages.estimators(name, layout, outcome, estimators)
        self.ESTIMATORS, self.ESTIMATOR_FILES = found
        self.PARAMETERS = layout.b | layout.sd | layout.cor | dict(outcome.PARAMETERS)
        self.SUMMED = layout.b
        self.POSITIVE, self.CORRELATIONS = (*layout.sd, *outcome.POSITIVE), tuple(layout.cor)
        self.COEFFICIENTS, self.DEVIATIONS = layout.deviations, True
        self.OUTCOME, self.CATEGORIES = layout.response, outcome.CATEGORIES
        groups = dict.fromkeys(self.design.grouping_factors, "integer")
        self.COLUMNS = groups | layout.predictors | {layout.response: outcome.KIND}
        self.AXES = participant_lines.axes(layout, outcome)
        self.Truth = parameter_types.truth_type(layout, outcome)
        self.Prior = regression_priors.type_of(layout, outcome.PRIORS, outcome.low)
        self.ObservedColumns = parameter_types.observed_type(self.COLUMNS)
        self.file = parts.file
        self.rows = self._rows_of(parts.file) if parts.file else None
        self.ROWS_IN_FILE = self.rows is not None

    def _rows_of(self, file: DesignFile) -> Columns:
        """The groups and predictors of a design's file; ValueError if they are wrong."""
        names = {name: name for name in self.COLUMNS if name != self.layout.response}
        try:
            rows = file_columns.read(self.design, file.table, names)
            design_checks.check_rows(self.layout, self.design, rows, names)
        except ValueError as error:
            raise ValueError(f"design: {file.path}: {error}") from None
        return rows

    # Estimands

    def vocabulary(self) -> Vocabulary:
        """Return the names that users write for parameters and variables."""
        return marginal_means.vocabulary(self.layout, self.PARAMETERS)

    def estimand(self, name: str, text: str) -> Estimand:
        """Return what the text of an estimand says; ValueError in the user's words if it cannot."""
        combination = read(text, self.vocabulary())
        return marginal_means.estimand(
            self.layout, self.outcome, name, text, combination, self.rows
        )

    def weighted_sum(
        self, weights: Mapping[str, float], model: str, prior: Fields, columns: Columns
    ) -> WeightedSum:
        """Return a weighted sum of coefficients as one of a program's parameters."""
        pooling = self.MODELS[model].pooling
        return regression_priors.weighted_sum_of(self.layout, prior, weights, columns, pooling)

    # Truths

    def prior_sd(self, prior: Fields, model: str) -> Values:
        """Return the known prior standard deviations of a model's parameters.

        The SD of the b of `unpooled`, a mean of groups, depends on their number.
        """
        chosen = self.MODELS[model]
        known = parameter_values.prior_sd(self.layout, self.outcome, prior)
        unknown = self.layout.b if chosen.pooling == "none" else ()
        return {n: sd for n, sd in known.items() if n in chosen.scored and n not in unknown}

    def determines_truth(self, model: str) -> bool:
        """Whether a model estimates every parameter that a Truth needs."""
        return set(self.MODELS[model].scored) == set(self.PARAMETERS)

    def truth_from_estimates(self, means: Values) -> Fields:
        """Return the Truth with the posterior means of a fit."""
        return self.Truth(**parameter_values.estimated(self.layout, self.outcome, means))

    def values_of(self, truth: Fields) -> Values:
        """Return the values of all population parameters in a Truth."""
        return parameter_values.of_truth(self.layout, self.outcome, truth)

    # Datasets

    def simulate(
        self,
        truth: Fields,
        participants: int,
        observations: int | Columns,
        rng: np.random.Generator,
        sizes: Mapping[str, int] = NO_SIZES,
    ) -> tuple[Columns, Values]:
        """Simulate one dataset; return it with all true values, groups' coefficients too.

        `sizes` has the number of groups of every other grouping factor that is not nested.
        """
        columns = self._simulate_design(participants, observations, sizes, rng)
        values = self.values_of(truth) | self._draw_deviations(truth, columns, rng)
        return self._with_outcome(columns, truth, values, rng), values

    def _draw_deviations(self, truth: Fields, columns: Columns, rng: np.random.Generator) -> Values:
        values: Values = {}
        for block in self.layout.blocks:
            sds, omega = truth.sds(block), truth.correlations(block)
            values |= group_coefficients.draw(block, sds, omega, columns, rng)
        return values

    def _with_outcome(
        self, columns: Columns, truth: Fields, values: Values, rng: np.random.Generator
    ) -> Columns:
        try:
            predictor = self._linear_predictor(values, columns)
        except ValueError as error:  # such as the logarithm of a negative covariate
            raise SimulationError(str(error)) from None
        y = self.outcome.simulate(predictor, truth, self.layout.trials(columns), rng)
        complete = columns | {self.layout.response: y}
        return {name: complete[name] for name in self.COLUMNS}

    def _simulate_design(
        self,
        participants: int,
        observations: int | Columns | None,
        sizes: Mapping[str, int],
        rng: np.random.Generator,
    ) -> Columns:
        """Return all columns of a dataset except its outcome."""
        observed = self.rows if isinstance(observations, int | None) else observations
        if observed is not None:
            names = [name for name in self.COLUMNS if name != self.layout.response]
            grouping = self.design.grouping_factors[1:]
            return observed_data.repeat_participants(names[1:], participants, observed, grouping)
        assert isinstance(observations, int)  # else the design has rows
        return designs.simulate_rows(self.design, participants, sizes, observations, rng)

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
        """Draw parameters from a prior, then a dataset, from the joint model of a program.

        In `pooled` groups do not differ: their deviations and standard deviations are 0, and
        correlations, which no data tell about then, keep the values drawn from the prior.
        `unpooled` draws the coefficients of every group from the prior of b, and its b is their
        mean.
        """
        columns = self._simulate_design(participants, observations, sizes, rng)
        fields = parameter_values.drawn(self.layout, self.outcome, prior, columns, rng)
        truth = self.Truth(**fields)
        values = self.values_of(truth)
        if joint == JOINT:
            values |= self._draw_deviations(truth, columns, rng)
        elif joint == "pooled":
            values |= dict.fromkeys(self.layout.sd, 0.0)
            values |= dict.fromkeys(group_coefficients.names_in_order(self.layout, columns), 0.0)
        else:
            values |= group_coefficients.draw_separate(self.layout, prior, columns, rng)
        return self._with_outcome(columns, truth, values, rng), values

    def can_simulate_joint(self, joint: str) -> bool:
        """Whether `simulate_joint` can draw from a joint model: True for every program's."""
        return True

    def read_observed(self, table: Mapping, columns: Fields, standardize: bool) -> Columns:
        """Return the family's columns from a CSV file; ValueError if the file is wrong."""
        source, response = columns.model_dump(), self.layout.response
        scaled = {*self.design.covariates} | ({response} if self.outcome.SCALED else set())
        formula = self.layout.formula
        of_offsets = {name for atom in formula.offsets for name in atom.variables}
        scaled -= {str(formula.trials), *of_offsets}
        dataset = file_columns.read(self.design, table, source, scaled if standardize else ())
        requirement, valid = self.outcome.requirement(
            dataset[response], self.layout.trials(dataset)
        )
        observed_data.require(table, source[response], requirement, valid)
        if self.outcome.KIND == "integer":
            dataset[response] = dataset[response].astype(int)
        design_checks.check_rows(self.layout, self.design, dataset, source)
        return dataset

    def in_words(self) -> dict[str, str]:
        """Return the formula, and every variable of the design, in words."""
        return design_words.in_words(self.layout, self.file)

    def check_sizes(
        self, participants: int, sizes: Mapping[str, int], observations: int | None
    ) -> None:
        """Raise ValueError if a dataset of these sizes does not fit the design."""
        designs.check_sizes(self.design, participants, sizes, observations)

    def check_coefficients(
        self, participants: int, sizes: Mapping[str, int], observations: int | Columns | None
    ) -> None:
        """Raise ValueError if a dataset of these sizes cannot tell all coefficients apart."""
        rng = np.random.default_rng(1)
        columns = self._simulate_design(participants, observations, sizes, rng)
        design_checks.refuse_not_told_apart(self.layout, columns)

    def number_of_rows(
        self, participants: int, observations: int, sizes: Mapping[str, int] = NO_SIZES
    ) -> int:
        """Return the number of rows of a dataset before rows go missing."""
        if self.rows:
            return observed_data.repeated_rows(participants, self.rows)
        return designs.number_of_rows(self.design, participants, sizes, observations)

    def stan_data(self, columns: Columns, prior: Fields, model: str) -> dict[str, Any]:
        """Return the data of a model's Stan program."""
        layout, y = self.layout, columns[self.layout.response]
        trials, means = self.layout.trials(columns), layout.column_means(columns)
        return {
            "N": y.size,
            "K": layout.size,
            "X": layout.design_matrix(columns),
            "offsets": layout.offset(columns),
            "X_mean": means if layout.intercept else np.zeros(layout.size),
            **self._groups_and_priors(columns, prior, self.MODELS[model].pooling),
            "y": y,
            **({} if trials is None else {"trials": trials}),
            **self.outcome.stan_data(prior, means),
        }

    def _groups_and_priors(
        self, columns: Columns, prior: NamedPriors, pooling: str
    ) -> dict[str, Any]:
        groups = group_coefficients.stan_data(self.layout, columns, pooled=pooling == "complete")
        own = self.outcome.priors(prior)
        return groups | regression_priors.stan_data(self.layout, own, prior, pooling, groups["J"])

    def parameter_names(self, names: list[str], columns: Columns) -> list[str]:
        """Return the names of a program's draws after the terms of the formula."""
        layout = self.layout
        own = {stan: name for name, stan in self.outcome.STAN.items()}
        for stan, known in (("b", layout.b), ("sd", layout.sd), ("cor", layout.cor)):
            own |= {f"{stan}[{k}]": name for k, name in enumerate(known, start=1)}
        if "r[1]" in names:
            deviations = group_coefficients.names_in_order(layout, columns)
            own |= {f"r[{k}]": name for k, name in enumerate(deviations, start=1)}
        return [own.get(name, name) for name in names]

    def group_coefficients(self, names: list[str]) -> dict[str, list[str]]:
        """Group the groups' deviations among `names`: `r_FACTOR[,COEFFICIENT]` -> names."""
        groups: dict[str, list[str]] = {}
        for name in names:
            if parts := parts_of(name):
                groups.setdefault(f"r_{parts[0]}[,{parts[2]}]", []).append(name)
        return groups

    def grouping_factor(self, coefficient: str) -> str:
        """Return the grouping factor of a groups' coefficient."""
        return coefficient.removeprefix("r_").partition("[")[0]

    # Expected outcomes and densities

    def _linear_predictor(self, values: Mapping[str, Any], columns: Columns) -> np.ndarray:
        """Linear predictor of every row, with groups' deviations if `values` has them.

        Shape (n_rows,), or (n_rows, n_draws) if values are arrays of draws.
        """
        draws = np.shape(next(iter(values.values())))
        b = np.array([values[name] for name in self.layout.b]).reshape(self.layout.size, *draws)
        fixed = self.layout.design_matrix(columns) @ b
        varying = group_coefficients.part_of_predictor(self.layout, values, columns)
        shape = (-1, *(1,) * (max(fixed.ndim, np.ndim(varying)) - 1))
        return fixed + varying + self.layout.offset(columns).reshape(shape)

    def expected(self, values: Values, columns: Columns) -> np.ndarray:
        """Return the expected outcome of every row.

        If `values` has groups' deviations, the expectation is conditional on them.
        """
        predictor = self._linear_predictor(values, columns)
        return self.outcome.expected(predictor, values, self.layout.trials(columns))

    def for_parts(self, columns: Columns) -> Columns:
        """Return a dataset with what cannot be computed from some of its rows as columns."""
        return self.layout.for_parts(columns)

    def depends_on_all_rows(self) -> str:
        """Return what in the formula depends on all rows of a dataset; empty if nothing does."""
        return self.layout.depends_on_all_rows

    def log_likelihood(self, values: Mapping[str, np.ndarray], columns: Columns) -> np.ndarray:
        """Return the log density of every observation given groups' coefficients."""
        eta, trials = self._linear_predictor(values, columns), self.layout.trials(columns)
        y = columns[self.layout.response][:, None]
        return self.outcome.log_density(y, eta, values, None if trials is None else trials[:, None])

    def marginal_log_likelihood(
        self, model: str, prior: Fields, values: Mapping[str, np.ndarray], columns: Columns
    ) -> np.ndarray | None:
        """Return the log density of every participant's observations; None without closed form."""
        return marginal_likelihood.log_likelihood(
            self.layout, self.outcome, self.MODELS[model].joint, prior, values, columns
        )

    def test_quantities(
        self, values: Mapping[str, np.ndarray], columns: Columns, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Return functions of parameters and data that calibration ranks besides parameters.

        Besides those of the base class, sums and differences of population coefficients, whose
        ranks show wrong correlations between two of them.
        """
        quantities = parameter_values.sums_and_differences(self.layout, values)
        return quantities | super().test_quantities(values, columns, rng)

    def line_grid(self, columns: Columns) -> Columns:
        """Return the rows at which figures draw every participant's line over the first predictor.

        Other predictors have the participant's mean.
        """
        assert self.AXES is not None
        return participant_lines.grid(self.layout, self.outcome, self.AXES.x, columns)
