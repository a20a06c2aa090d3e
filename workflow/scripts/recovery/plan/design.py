"""A study's scenarios, batches and cells, and the files and identities of all that is computed.

No file is read or written here. A specification is one plain mapping of everything that decides a
batch of datasets or fits. Its hash is the identity; `seeds` derives every seed from a part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from recovery.common.hashing import digest
from recovery.common.replicate_ranges import as_ranges
from recovery.families.family import Family
from recovery.families.priors import content_of
from recovery.plan import paths
from recovery.plan.batch_size import OBSERVED_BATCH, Batch, data_batches, fit_batches
from recovery.plan.other_methods import approximation, estimation
from recovery.plan.provenance import Sources
from recovery.plan.scenarios import Scenario, scenarios_of
from recovery.plan.seeds import verified_rng
from recovery.plan.shared_jobs import BatchOfFits, SharedJob, shared_jobs
from recovery.study import methods
from recovery.study.keys import Study
from recovery.study.parse import restore as restore_study
from recovery.study.truths import FromObserved, ObservedTruth, PriorTruth

MOST_CELLS_IN_CSV = 100  # of a summary table with many rows a cell
Cell = tuple[str, str, str]  # scenario, model or estimator, prior


@dataclass(frozen=True)
class Design:
    """A study with the hashes of its sources."""

    study: Study
    sources: Sources
    scenarios: dict[str, Scenario] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scenarios", {s.name: s for s in scenarios_of(self.study)})

    @cached_property
    def family(self) -> Family:
        """The study's family."""
        return self.study.scored_family

    @cached_property
    def _data_batches(self) -> dict[str, list[Batch]]:
        return {name: data_batches(self.study, each) for name, each in self.scenarios.items()}

    @cached_property
    def _fit_batches(self) -> dict[tuple[str, str], list[Batch]]:
        return {
            (name, method): fit_batches(self.study, scenario, method)
            for name, scenario in self.scenarios.items()
            for method in self.study.methods
        }

    def data_batches(self, scenario: str) -> list[Batch]:
        """Return the batches of a scenario's datasets, in order."""
        return self._data_batches[scenario]

    def data_batch(self, scenario: str, batch: Batch) -> Batch:
        """Return the batch of datasets that a batch of fits is made from."""
        return next(each for each in self.data_batches(scenario) if batch.first <= each.last)

    def batches(self, cell: Cell) -> list[Batch]:
        """Return the batches of a cell's fits, in order."""
        return self._fit_batches[cell[:2]]

    def batches_within(self, cell: Cell, data_batch: Batch) -> list[Batch]:
        """Return the batches of fits that are made from a batch of datasets."""
        return [
            batch
            for batch in self.batches(cell)
            if data_batch.first <= batch.first <= data_batch.last
        ]

    def batches_of_first(self, cell: Cell, replicates: int) -> list[Batch]:
        """Return the batches of fits that have the first replicates."""
        return [batch for batch in self.batches(cell) if batch.first <= replicates]

    def batch(self, name: str) -> Batch:
        """Return the batch of this name."""
        first, last = map(int, name.split("-"))
        return Batch(first, last, min(last, self.study.replicates))

    @cached_property
    def fitted_prior(self) -> dict[str, str]:
        """Each prior, and the first prior with the same values: it is fitted for both."""
        first: dict[str, str] = {}
        contents = {name: digest(self._prior(name)) for name in self.study.priors}
        for name, content in contents.items():
            first.setdefault(content, name)
        return {methods.NO_PRIOR: methods.NO_PRIOR} | {
            name: first[content] for name, content in contents.items()
        }

    def without_shared(self, rows: Any) -> Any:
        """Return the rows of a table of cells without priors that another one is fitted for."""
        return rows[rows["prior"].isin(set(self.fitted_prior.values()))]

    def fitted(self, cell: Cell) -> Cell:
        """Return the cell whose fits are those of this one."""
        return (*cell[:2], self.fitted_prior[cell[2]])

    @property
    def cells(self) -> list[Cell]:
        """Every (scenario, model or approximation, prior) and (scenario, estimator, `no_prior`)."""
        return [(name, *fit) for name in self.scenarios for fit in self.study.fits]

    @property
    def fits(self) -> list[tuple[str, str]]:
        """The methods and priors of `Study.fits` without priors that another one is fitted for."""
        return [fit for fit in self.study.fits if self.fitted_prior[fit[1]] == fit[1]]

    @property
    def fitted_cells(self) -> list[Cell]:
        """The cells whose fits are made; the others share theirs."""
        return [(name, *fit) for name in self.scenarios for fit in self.fits]

    def shared_jobs(self, step: str) -> list[SharedJob]:
        """Return the jobs that make several batches: of the step fit, estimate or approximate."""
        return shared_jobs(self.study, step, self.scenarios, self._batches_of_fits)

    @cached_property
    def _batches_of_fits(self) -> list[BatchOfFits]:
        return [
            BatchOfFits(*cell, batch) for cell in self.fitted_cells for batch in self.batches(cell)
        ]

    @property
    def observed_cells(self) -> list[Cell]:
        """Every (observed dataset, model, prior) and (observed dataset, estimator, `no_prior`)."""
        return [(name, *fit) for name in self.study.observed for fit in self.study.fits]

    @property
    def fitted_observed_cells(self) -> list[Cell]:
        """Those of them whose fits are made."""
        return [(name, *fit) for name in self.study.observed for fit in self.fits]

    def tables_of(self, cell: Cell) -> list[str]:
        """Return the tables that a cell's fits write; estimators have no draws."""
        if cell[1] in self.study.estimators:
            return ["estimates", "groups", "diagnostics"]
        return [*self.summary_tables, *(["draws"] if self.study.keep_draws else [])]

    @property
    def summary_tables(self) -> list[str]:
        """The tables of fits that the summary reads."""
        left_out = ["loo"] if self.study.selection else []
        evidence = ["evidence"] if self.study.evidence else []
        return ["estimates", "groups", "diagnostics", *left_out, *evidence]

    @property
    def observed_report_tables(self) -> list[str]:
        """The tables that the report reads of fits to observed data."""
        return [table for table in self.summary_tables if table != "groups"]

    @property
    def tables_on_request(self) -> tuple[str, ...]:
        """The summary tables that are written as CSV on request only, as they are large."""
        return ("performance", "comparison") if len(self.cells) > MOST_CELLS_IN_CSV else ()

    def cell_file(self, table: str, cell: Cell, batch: Batch) -> str:
        """Return the file of one table of a cell and batch."""
        return self._file_of_cell(paths.fitted(table), cell, batch)

    def cell_files(self, table: str, cell: Cell) -> list[str]:
        """Return the files of one table of a cell, in the order of its batches."""
        return [self.cell_file(table, cell, batch) for batch in self.batches(cell)]

    def verified_file(self, table: str, cell: Cell, batch: Batch) -> str:
        """Return the file of one table of the fits that the verifying engine makes."""
        return self._file_of_cell(paths.verified(table), cell, batch)

    def _file_of_cell(self, pattern: str, cell: Cell, batch: Batch) -> str:
        scenario, model, prior = self.fitted(cell)
        return self.file(pattern, scenario=scenario, model=model, prior=prior, batch=batch.name)

    def dataset_file(self, table: str, scenario: str, batch: Batch) -> str:
        """Return the file of one batch of a scenario's `data` or `truth`."""
        return self.file(paths.simulated(table), scenario=scenario, batch=batch.name)

    def datasets_of(self, scenario: str, batch: Batch) -> dict[str, str]:
        """Return the files of `data` and `truth` that a batch of fits is made from."""
        data_batch = self.data_batch(scenario, batch)
        return {
            table: self.dataset_file(table, scenario, data_batch) for table in ("data", "truth")
        }

    def observed_file(self, table: str, dataset: str, model: str, prior: str) -> str:
        """Return the file of one table of a fit to an observed dataset."""
        fitted = self.fitted_prior[prior]
        return self.file(paths.observed(table), dataset=dataset, model=model, prior=fitted)

    def observed_data(self, dataset: str) -> str:
        """Return the file of an observed dataset in the family's columns."""
        return self.file(paths.OBSERVED_DATA, dataset=dataset)

    def summary_file(self, table: str) -> str:
        """Return the file of a summary table."""
        return self.file(paths.summary(table))

    def file(self, pattern: str, **wildcards: str) -> str:
        """Return the file of the study that a pattern of `paths` names."""
        return pattern.format(study=self.study.name, **wildcards)

    def observed_source(self, scenario: str) -> FromObserved | None:
        """Return the observed fit that a scenario's truth is taken from, if there is one."""
        truth = self.study.truths[self.scenarios[scenario].truth]
        return truth.from_observed if isinstance(truth, ObservedTruth) else None

    def simulation(self, scenario: str, batch: Batch) -> dict[str, Any]:
        """Return the specification of one batch of datasets: its identity and replicates too."""
        specification = {
            "family": self.family.CHOICE,
            "root_seed": self.study.seed,
            **self._mechanism(scenario),
            "tables": self._source_identities(scenario),
            "code": self.sources.simulating,
            **self._time_limit(),
        }
        return _identified(specification, batch.ranges)

    def _time_limit(self) -> dict[str, Any]:
        """The time limit of a dataset, if a researcher's own code simulates it."""
        seconds = self.study.guest_seconds
        return {} if seconds is None else {"time_limit": seconds}

    def observation(self, dataset: str) -> dict[str, Any]:
        """Return the specification of one observed dataset, its identity included."""
        specification = {
            "family": self.family.CHOICE,
            "dataset": dataset,
            **self._observed(dataset),
            "code": self.sources.observing,
        }
        return _identified(specification, OBSERVED_BATCH.ranges)

    def fit(self, scenario: str, model: str, prior: str, batch: Batch) -> dict[str, Any]:
        """Return the specification of the fits of one batch, its identity included."""
        dataset = self.simulation(scenario, batch)["identity"]
        return self._fit(scenario, self._mechanism(scenario), model, prior, batch, dataset)

    def fit_observed(self, dataset: str, model: str, prior: str) -> dict[str, Any]:
        """Return the specification of one fit to an observed dataset, its identity included."""
        truth = {"observed": self._observed(dataset)}
        mechanism = {"truth": truth, "participants": None, "observations": None}
        table = self.observation(dataset)["identity"]
        return self._fit(dataset, mechanism, model, prior, OBSERVED_BATCH, table)

    def verified(self, cell: Cell) -> dict[Batch, list[int]]:
        """Return the replicates of a cell that the verifying engine fits too, by their batch.

        More replicates leave those chosen as they are.
        """
        scenario, model, prior = cell
        if model in self.study.estimators or self.fitted(cell) != cell:
            return {}
        values = self._prior(prior)
        content = {**self._mechanism(scenario), "model": model, "prior": values}
        share = self.study.verify.share if self.study.verify else 0
        chosen = verified_rng(self.study.seed, content).random(self.study.replicates) < share
        by_batch = {}
        for batch in self.batches(cell):
            replicates = np.flatnonzero(chosen[batch.first - 1 : batch.end]) + batch.first
            if replicates.size:
                by_batch[batch] = replicates.tolist()
        return by_batch

    def verification(self, scenario: str, model: str, prior: str, batch: Batch) -> dict[str, Any]:
        """Return the specification of the fits of one batch that the verifying engine makes."""
        verify = self.study.verify
        assert verify is not None
        fit = self.fit(scenario, model, prior, batch)
        replaced = {
            *("identity", "replicates", "keep_draws", "leave_out", "evidence", "densities"),
            *("engine", "engine_version", "code"),
        }
        specification = {
            **{key: value for key, value in fit.items() if key not in replaced},
            "verifies": fit["identity"],
            "engine": verify.engine,
            "engine_version": self.sources.verifying_version,
            "code": self.sources.verifying,
        }
        return _identified(specification, as_ranges(self.verified((scenario, model, prior))[batch]))

    def _fit(
        self, scenario: str, mechanism: dict, model: str, prior: str, batch: Batch, dataset: str
    ) -> dict[str, Any]:
        study = self.study
        if prior == methods.NO_PRIOR:
            parts = (study, self.sources, scenario, model, dataset)
            return _identified(estimation(*parts), batch.ranges)
        evidence = [list(asked) for asked in study.evidence]
        found = {
            "family": self.family.CHOICE,
            "scenario": scenario,
            "model": model,
            "prior": self.fitted_prior[prior],
            "root_seed": study.seed,
            **mechanism,
            "dataset": dataset,
            "hyperparameters": self._prior(prior),
            "sampler": study.sampler.given(),
            "intervals": list(study.levels),
            "plotted_level": study.plotted_level,
            "convergence": study.convergence.model_dump(mode="json"),
            "engine": study.engine,
            "engine_version": self.sources.engine_version,
            "program": self.sources.programs[study.sampled_model(model)],
            "code": self.sources.fitting,
            **({"estimands": study.estimands} if study.estimands else {}),
            **({"keep_draws": True} if study.keep_draws else {}),
            **({"rescue": study.attempts[1:]} if study.rescue else {}),
            **({"leave_out": list(study.selection.leave_out)} if study.selection else {}),
            **({"evidence": evidence, "densities": self.sources.densities} if evidence else {}),
        }
        if model in study.estimators:
            found = approximation(found, model, self.sources.approximating)
        return _identified(found, batch.ranges)

    def _prior(self, name: str) -> dict[str, Any]:
        """The content of a prior."""
        return content_of(self.study.priors[name])

    def _mechanism(self, scenario: str) -> dict[str, Any]:
        """What decides a scenario's datasets, besides the root seed and the replicate."""
        which = self.scenarios[scenario]
        return {
            "truth": self._truth(self.study.truths[which.truth]),
            "participants": which.participants,
            "observations": which.observations,
            **({"sizes": dict(which.sizes)} if which.sizes else {}),
        }

    def _source_identities(self, scenario: str) -> dict[str, str]:
        """Identities of the observed tables that a scenario's truth is taken from, if it is."""
        source = self.observed_source(scenario)
        if source is None:
            return {}
        fit = self.fit_observed(source.data, source.model, source.prior)
        return {
            "observed": self.observation(source.data)["identity"],
            "estimates": fit["identity"],
        }

    def _truth(self, truth: Any) -> dict[str, Any]:
        """The content of a truth, without its name: two names for one truth are one truth."""
        if isinstance(truth, PriorTruth):
            drawn = {
                "drawn_from": self._prior(truth.prior),
                "design": truth.design.model_dump(mode="json", exclude_none=True),
            }
            return drawn | ({"model": truth.model} if truth.model else {})
        if isinstance(truth, ObservedTruth):
            source = truth.from_observed
            return {
                "from_observed": self._observed(source.data),
                "model": source.model,
                "prior": self._prior(source.prior),
            }
        return {"values": truth.model_dump(mode="json", exclude_defaults=True)}

    def _observed(self, dataset: str) -> dict[str, Any]:
        observed = self.study.observed[dataset]
        return {
            "content": self.sources.observed[dataset],
            "columns": observed.columns.model_dump(mode="json"),
            "standardize": observed.standardize,
        }


def restore(config: Mapping[str, Any], sources: Mapping[str, Any]) -> Design:
    """Return the design of a job: its study has been checked, its sources are known."""
    return Design(restore_study(config), Sources(**sources))


def _identified(specification: dict[str, Any], replicates: str) -> dict[str, Any]:
    """A specification with its identity, which is that of any replicates, and the replicates."""
    return {**specification, "identity": digest(specification), "replicates": replicates}
