"""The data of figures: the tables of a study, read when a figure needs them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from recovery import tables
from recovery.families.family import Axes, Columns, Family, Values
from recovery.families.priors import fixed_by
from recovery.plan.design import Cell, Design
from recovery.plan.figure_list import REPLICATES_SHOWN
from recovery.plan.scenarios import Scenario
from recovery.score import calibration, measures, planning, verification
from recovery.score.decision_rates import YES
from recovery.study.methods import NO_PRIOR, method


@dataclass(frozen=True)
class FigureData:
    """A study and its tables.

    Parameters
    ----------
    design : Design
    """

    design: Design

    @property
    def family(self) -> Family:
        """The study's family."""
        return self.design.family

    @property
    def axes(self) -> Axes:
        """The columns that the family draws as lines over a predictor."""
        axes = self.design.family.AXES
        assert axes is not None
        return axes

    @property
    def parameters(self) -> list[str]:
        """Population parameters that any method estimates, in the family's order."""
        scored = {name for each in self.methods for name in method(self.family, each).scored}
        return [name for name in self.family.PARAMETERS if name in scored]

    @property
    def parameter_labels(self) -> dict[str, str]:
        """The labels of `parameters`."""
        return {name: self.family.PARAMETERS[name] for name in self.parameters}

    @property
    def model_labels(self) -> dict[str, str]:
        """The labels of the study's models."""
        return {model: self.family.MODELS[model].label for model in self.design.study.models}

    @property
    def methods(self) -> tuple[str, ...]:
        """The models of the study, then its estimators."""
        return self.design.study.methods

    @property
    def method_labels(self) -> dict[str, str]:
        """The labels of `methods`."""
        return {name: method(self.family, name).label for name in self.methods}

    def _under_every_prior(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the table with the rows of estimators repeated for every prior."""
        without = table["prior"] == NO_PRIOR
        if not without.any():
            return table
        repeated = [table[without].assign(prior=prior) for prior in self.design.study.priors]
        return pd.concat([table[~without], *repeated])

    @property
    def first_prior(self) -> str:
        """The study's first prior, which figures of single replicates show."""
        return next(iter(self.design.study.priors))

    def _summary(self, table: str) -> pd.DataFrame:
        return tables.read_frame([self.design.summary_file(table)])

    @cached_property
    def performance(self) -> pd.DataFrame:
        """The table `performance` of all fits."""
        table = self._summary("performance")
        return self._under_every_prior(table[table["subset"] == "all"])

    @cached_property
    def convergence(self) -> pd.DataFrame:
        """The table `convergence` of first attempts."""
        table = self._summary("convergence")
        return self._under_every_prior(table[table["attempt"] == "first"])

    @cached_property
    def efficiency(self) -> pd.DataFrame:
        """The table `efficiency`."""
        return self._under_every_prior(self._summary("efficiency"))

    @cached_property
    def planning(self) -> pd.DataFrame:
        """The table `planning`."""
        return self._under_every_prior(self._summary("planning"))

    @cached_property
    def planned_values(self) -> pd.DataFrame:
        """The values of the measures that planning interpolates."""
        decisions = self._under_every_prior(self._summary("decisions"))
        return planning.planned_values(self.performance, decisions)

    @cached_property
    def decisions(self) -> pd.DataFrame:
        """The rates of yes of the table `decisions`, of all fits."""
        table = self._summary("decisions")
        rates = table[(table["subset"] == "all") & (table["outcome"] == YES)]
        return self._under_every_prior(rates)

    @cached_property
    def design_effects(self) -> pd.DataFrame:
        """The table `design_effects`."""
        return self._summary("design_effects")

    @cached_property
    def selection(self) -> pd.DataFrame:
        """The table `selection`."""
        return self._summary("selection")

    @cached_property
    def prior_predictive(self) -> pd.DataFrame:
        """The table `prior_predictive`."""
        return self._summary("prior_predictive")

    @cached_property
    def prior_outcomes(self) -> pd.DataFrame:
        """The table `prior_outcomes`."""
        return self._summary("prior_outcomes")

    @cached_property
    def typical_posteriors(self) -> pd.DataFrame:
        """Median posterior mean and SD by prior and parameter, over first fits of all models."""
        parts = []
        for scenario in self.design.scenarios:
            table = self.estimates(scenario)
            shown = table["parameter"].isin(self.parameters)
            shown &= table["model"].isin(self.design.study.models)
            parts.append(table.loc[shown, ["prior", "parameter", "mean", "sd"]])
        return pd.concat(parts).groupby(["prior", "parameter"]).median()

    @cached_property
    def verification(self) -> pd.DataFrame:
        """The differences between engines in each fit."""
        return verification.differences(self.design)

    def estimates(self, scenario: str) -> pd.DataFrame:
        """Return the estimates of the first replicates of a scenario."""
        cells = [cell for cell in self.design.cells if cell[0] == scenario]
        estimates = pd.concat([self._first_estimates(cell) for cell in cells], ignore_index=True)
        return self._under_every_prior(estimates)

    def _first_estimates(self, cell: Cell) -> pd.DataFrame:
        design = self.design
        batches = design.batches_of_first(cell, REPLICATES_SHOWN)
        files = [design.cell_file("estimates", cell, batch) for batch in batches]
        estimates = tables.read_frame(files).assign(prior=cell[2])
        fixed = estimates["parameter"].isin(fixed_by(design.study.priors.get(cell[2])))
        return estimates[(estimates["replicate"] <= REPLICATES_SHOWN) & ~fixed]

    def uniforms(self, cell: Cell) -> dict[str, np.ndarray]:
        """Return quantity -> a value for each replicate, uniform if the cell is calibrated."""
        diagnostics = tables.read_frame(self.design.cell_files("diagnostics", cell))
        fits = measures.final_attempts(diagnostics)
        return calibration.uniform_values(calibration.read_ranks(self.design, cell), fits)

    def observed_estimates(self, dataset: str) -> pd.DataFrame:
        """Return the estimates of every fit to an observed dataset."""
        cells = [cell for cell in self.design.observed_cells if cell[0] == dataset]
        files = [self.design.observed_file("estimates", *cell) for cell in cells]
        fits = [tables.read_frame([file]) for file in files]
        return pd.concat(
            [fit.assign(prior=cell[2]) for cell, fit in zip(cells, fits, strict=True)],
            ignore_index=True,
        )

    def first_dataset(self, scenario: Scenario) -> tuple[Columns, Values]:
        """Return replicate 1 of a scenario and its true values; both empty if it failed."""
        batch = self.design.data_batches(scenario.name)[0]
        data = self._first_batch(scenario)
        truth = tables.read(self.design.dataset_file("truth", scenario.name, batch))
        in_data, in_truth = data["replicate"] == 1, truth["replicate"] == 1
        if not in_data.any():
            return {}, {}
        columns = {name: data[name][in_data] for name in self.family.COLUMNS}
        names, values = truth["parameter"][in_truth], truth["truth"][in_truth]
        return columns, dict(zip(names, values, strict=True))

    def first_outcomes(self, scenario: Scenario) -> np.ndarray:
        """Return the outcomes of the first simulated dataset, or an empty array without one."""
        data = self._first_batch(scenario)
        return data[self.family.OUTCOME][data["replicate"] == data["replicate"].min(initial=2**62)]

    def _first_batch(self, scenario: Scenario) -> Columns:
        batch = self.design.data_batches(scenario.name)[0]
        return tables.read(self.design.dataset_file("data", scenario.name, batch))

    def observed_dataset(self, dataset: str) -> Columns:
        """Return an observed dataset."""
        data = tables.read(self.design.observed_data(dataset))
        return {name: data[name] for name in self.family.COLUMNS}
