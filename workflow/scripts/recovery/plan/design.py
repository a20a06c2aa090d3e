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

from recovery import families
from recovery.common.hashing import digest
from recovery.families.family import Family
from recovery.plan import paths
from recovery.plan.batch_size import OBSERVED_BATCH, Batch, batch_size
from recovery.plan.provenance import Sources
from recovery.plan.scenarios import Scenario, scenarios_of
from recovery.plan.seeds import verified_rng
from recovery.study import methods
from recovery.study.keys import Study
from recovery.study.parse import restore as restore_study
from recovery.study.truths import FromObserved, ObservedTruth, PriorTruth

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
        return families.find(self.study.family)

    def batches(self, scenario: str) -> list[Batch]:
        """Return the batches of a scenario, in order."""
        size, end = batch_size(self.study, self.scenarios[scenario]), self.study.replicates
        return [
            Batch(first, first + size - 1, min(first + size - 1, end))
            for first in range(1, end + 1, size)
        ]

    def batch(self, scenario: str, name: str) -> Batch:
        """Return the batch of this name."""
        first, last = map(int, name.split("-"))
        return Batch(first, last, min(last, self.study.replicates))

    @property
    def cells(self) -> list[Cell]:
        """Every (scenario, model or approximation, prior) and (scenario, estimator, `no_prior`)."""
        return [(name, *fit) for name in self.scenarios for fit in self.study.fits]

    @property
    def observed_cells(self) -> list[Cell]:
        """Every (observed dataset, model, prior) and (observed dataset, estimator, `no_prior`)."""
        return [(name, *fit) for name in self.study.observed for fit in self.study.fits]

    def tables_of(self, cell: Cell) -> list[str]:
        """Return the tables that a cell's fits write; estimators have no draws."""
        if cell[1] in self.study.estimators:
            return ["estimates", "participants", "diagnostics"]
        return [*self.summary_tables, *(["draws"] if self.study.keep_draws else [])]

    @property
    def summary_tables(self) -> list[str]:
        """The tables of fits that the summary reads."""
        left_out = ["loo"] if self.study.selection else []
        return ["estimates", "participants", "diagnostics", *left_out]

    @property
    def observed_report_tables(self) -> list[str]:
        """The tables that the report reads of fits to observed data."""
        return [table for table in self.summary_tables if table != "participants"]

    def cell_file(self, table: str, cell: Cell, batch: Batch) -> str:
        """Return the file of one table of a cell and batch."""
        return self._file_of_cell(paths.fitted(table), cell, batch)

    def cell_files(self, table: str, cell: Cell) -> list[str]:
        """Return the files of one table of a cell, in the order of its batches."""
        return [self.cell_file(table, cell, batch) for batch in self.batches(cell[0])]

    def verified_file(self, table: str, cell: Cell, batch: Batch) -> str:
        """Return the file of one table of the fits that the verifying engine makes."""
        return self._file_of_cell(paths.verified(table), cell, batch)

    def _file_of_cell(self, pattern: str, cell: Cell, batch: Batch) -> str:
        scenario, model, prior = cell
        return self.file(pattern, scenario=scenario, model=model, prior=prior, batch=batch.name)

    def dataset_file(self, table: str, scenario: str, batch: Batch) -> str:
        """Return the file of one batch of a scenario's `data` or `truth`."""
        return self.file(paths.simulated(table), scenario=scenario, batch=batch.name)

    def observed_file(self, table: str, dataset: str, model: str, prior: str) -> str:
        """Return the file of one table of a fit to an observed dataset."""
        return self.file(paths.observed(table), dataset=dataset, model=model, prior=prior)

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
        """Return the specification of one batch of datasets, its identity included."""
        return _identified(
            {
                "family": self.study.family,
                "root_seed": self.study.seed,
                "replicates": [batch.first, batch.end],
                **self._mechanism(scenario),
                "tables": self._source_identities(scenario),
                "code": self.sources.simulating,
                **self._time_limit(),
            }
        )

    def _time_limit(self) -> dict[str, Any]:
        """The time limit of a dataset, if a researcher's own code simulates it."""
        seconds = self.study.guest_seconds
        return {} if seconds is None else {"time_limit": seconds}

    def observation(self, dataset: str) -> dict[str, Any]:
        """Return the specification of one observed dataset, its identity included."""
        return _identified(
            {
                "family": self.study.family,
                "dataset": dataset,
                **self._observed(dataset),
                "code": self.sources.observing,
            }
        )

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
        if model in self.study.estimators:
            return {}
        values = self.study.priors[prior].model_dump(mode="json")
        content = {**self._mechanism(scenario), "model": model, "prior": values}
        share = self.study.verify.share if self.study.verify else 0
        chosen = verified_rng(self.study.seed, content).random(self.study.replicates) < share
        by_batch = {}
        for batch in self.batches(scenario):
            replicates = np.flatnonzero(chosen[batch.first - 1 : batch.end]) + batch.first
            if replicates.size:
                by_batch[batch] = replicates.tolist()
        return by_batch

    def verification(self, scenario: str, model: str, prior: str, batch: Batch) -> dict[str, Any]:
        """Return the specification of the fits of one batch that the verifying engine makes."""
        verify = self.study.verify
        assert verify is not None
        fit = self.fit(scenario, model, prior, batch)
        replaced = ("identity", "keep_draws", "leave_out", "engine", "engine_version", "code")
        return _identified(
            {
                **{key: value for key, value in fit.items() if key not in replaced},
                "only": self.verified((scenario, model, prior))[batch],
                "verifies": fit["identity"],
                "engine": verify.engine,
                "engine_version": self.sources.verifying_version,
                "code": self.sources.verifying,
            }
        )

    def _fit(
        self, scenario: str, mechanism: dict, model: str, prior: str, batch: Batch, dataset: str
    ) -> dict[str, Any]:
        study = self.study
        if prior == methods.NO_PRIOR:
            parts = (study, self.sources, scenario, model, batch, dataset)
            return _identified(_estimation(*parts))
        found = {
            "family": study.family,
            "scenario": scenario,
            "model": model,
            "prior": prior,
            "root_seed": study.seed,
            "replicates": [batch.first, batch.end],
            **mechanism,
            "dataset": dataset,
            "hyperparameters": study.priors[prior].model_dump(mode="json"),
            "sampler": study.sampler.given(),
            "intervals": list(study.intervals),
            "plotted_level": study.plotted_level,
            "convergence": study.convergence.model_dump(mode="json"),
            "engine": study.engine,
            "engine_version": self.sources.engine_version,
            "program": self.sources.programs[study.sampled_model(model)],
            "code": self.sources.fitting,
            **({"keep_draws": True} if study.keep_draws else {}),
            **({"rescue": study.attempts[1:]} if study.rescue else {}),
            **({"leave_out": list(study.selection.leave_out)} if study.selection else {}),
        }
        if model in study.estimators:
            found = _approximation(found, model, self.sources.approximating)
        return _identified(found)

    def _mechanism(self, scenario: str) -> dict[str, Any]:
        """What decides a scenario's datasets, besides the root seed and the replicate."""
        which = self.scenarios[scenario]
        return {
            "truth": self._truth(self.study.truths[which.truth]),
            "participants": which.participants,
            "observations": which.observations,
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
            prior = self.study.priors[truth.prior].model_dump(mode="json")
            drawn = {
                "drawn_from": prior,
                "design": truth.design.model_dump(mode="json", exclude_none=True),
            }
            return drawn | ({"model": truth.model} if truth.model else {})
        if isinstance(truth, ObservedTruth):
            source = truth.from_observed
            prior = self.study.priors[source.prior].model_dump(mode="json")
            observed = self._observed(source.data)
            return {"from_observed": observed, "model": source.model, "prior": prior}
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


def _identified(specification: dict[str, Any]) -> dict[str, Any]:
    return {**specification, "identity": digest(specification)}


def _estimation(
    study: Study, sources: Sources, scenario: str, name: str, batch: Batch, dataset: str
) -> dict[str, Any]:
    """What decides the estimates of one batch: no sampler, no prior, no program.

    Parameters
    ----------
    dataset : str
        The identity of the data.
    """
    engine, version = sources.estimating_engines[name]
    return {
        "family": study.family,
        "scenario": scenario,
        "model": name,
        "prior": methods.NO_PRIOR,
        "replicates": [batch.first, batch.end],
        "dataset": dataset,
        "intervals": list(study.intervals),
        "plotted_level": study.plotted_level,
        "sampler": {"time_limit": study.sampler.time_limit},
        "engine": engine,
        "engine_version": version,
        "code": sources.estimating,
        **({"keep_draws": True} if study.keep_draws else {}),
    }


def _approximation(fit: Mapping[str, Any], name: str, code: str) -> dict[str, Any]:
    """What decides one batch of approximations, given what decides the model's fits.

    Parameters
    ----------
    code : str
        The hash of our modules that make them.
    """
    parts = methods.split_approximation(name)
    assert parts is not None
    algorithm, model = parts
    sampler = fit["sampler"]
    of_draws = ("rescue", "leave_out", "convergence")
    drawn = {"draws": sampler["chains"] * sampler["draws"]} if methods.has_intervals(name) else {}
    kept = {key: value for key, value in fit.items() if key not in of_draws}
    return {
        **kept,
        "model": name,
        "approximates": model,
        "algorithm": algorithm,
        "sampler": {"time_limit": sampler["time_limit"], **drawn},
        "code": code,
    }
