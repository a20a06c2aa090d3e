"""Which files the jobs of each rule read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cache, wraps
from pathlib import Path
from typing import Any, TypeVar

from recovery import engines, families, tables
from recovery.common.hashing import digest
from recovery.plan import figure_list, identities, paths, provenance
from recovery.plan.design import Cell, Design
from recovery.plan.forcerun import folder_of
from recovery.plan.params import Params, Wildcards
from recovery.plan.shared_jobs import BatchOfFits, SharedJob
from recovery.study.methods import NO_PRIOR
from recovery.tables.summary_schemas import SUMMARIES

Files = dict[str, Any]  # name -> a file or a list of files
T = TypeVar("T")


def _planned(method: Callable[[Inputs, Wildcards], T]) -> Callable[[Inputs, Wildcards], T]:
    """Return a method that begins the plan if it is the first to be called."""

    @wraps(method)
    def planned(self: Inputs, wildcards: Wildcards = None) -> T:
        self._made_again()
        return method(self, wildcards)

    return planned


class Inputs:
    """A method for each rule, named after it.

    Inputs are `ancient` when what the job makes already exists with its identity: then no change
    of an input can change it, whatever the times of files say. Plain `ancient` for all would be
    wrong, since Snakemake does not look at the params of a job below one that runs.

    Parameters
    ----------
    ancient : callable
        Snakemake's function that marks a file so.
    begin_plan : callable
        Called once, before the first input: Snakemake has begun to plan jobs, so its settings are
        known and results are used. It returns the folders whose files forced jobs make again
        (`forcerun`); these files are not marked.
    """

    def __init__(
        self,
        design: Design,
        ancient: Callable[[str], str],
        begin_plan: Callable[[], Collection[str]] = frozenset,
    ):
        self.design = design
        self.params = Params(design)
        self._ancient = ancient
        self._made_again = cache(begin_plan)

    @_planned
    def check(self, wildcards: Wildcards) -> Files:
        """Return the compiled programs, where the engine compiles."""
        done = provenance.bear(
            [self.design.file(paths.FAMILY_TRIAL)], self.params.check(wildcards)["identity"]
        )
        study = self.design.study
        programs = [
            file for model in study.models for file in self._executable(model, study.engine)
        ]
        return self._marked({"executables": programs}, done) if programs else {}

    @_planned
    def simulate(self, wildcards: Wildcards) -> Files:
        """Return the observed dataset and fit that a scenario's truth is taken from, if it is."""
        design, files = self.design, self._trial()
        batch = design.batch(wildcards.batch)
        source = design.observed_source(wildcards.scenario)
        if source is not None:
            files["observed"] = design.observed_data(source.data)
            fit = (source.data, source.model, source.prior)
            files["estimates"] = design.observed_file("estimates", *fit)
        if not files:
            return {}
        outputs = [
            design.dataset_file(table, wildcards.scenario, batch) for table in ("data", "truth")
        ]
        return self._marked(files, identities.are_of(outputs, self.params.simulate(wildcards)))

    @_planned
    def fit(self, wildcards: Wildcards) -> Files:
        """Return the datasets of one batch, and the compiled program where the engine has one."""
        cell = (wildcards.scenario, wildcards.model, wildcards.prior)
        return self._of_batches([BatchOfFits(*cell, self.design.batch(wildcards.batch))])

    def shared(self, job: SharedJob) -> Callable[[Wildcards], Files]:
        """Return a method for a job of several batches: the datasets and programs of all."""

        def of_job(wildcards: Wildcards) -> Files:
            self._made_again()
            return self._of_batches(job.batches)

        return of_job

    def _of_batches(self, batches: Sequence[BatchOfFits]) -> Files:
        design = self.design
        outputs = [
            [
                design.cell_file(table, each.cell, each.batch)
                for table in design.tables_of(each.cell)
            ]
            for each in batches
        ]
        specifications = [design.fit(*each) for each in batches]
        return self._of_fits(specifications, outputs, self._datasets(batches))

    @_planned
    def verify(self, wildcards: Wildcards) -> Files:
        """Return the same for the verifying engine."""
        cell = (wildcards.scenario, wildcards.model, wildcards.prior)
        batch = self.design.batch(wildcards.batch)
        outputs = [
            self.design.verified_file(table, cell, batch) for table in ("estimates", "diagnostics")
        ]
        data = self._datasets([BatchOfFits(*cell, batch)])
        return self._of_fits(self.params.verify(wildcards), [outputs], data)

    @_planned
    def fit_observed(self, wildcards: Wildcards) -> Files:
        """Return an observed dataset, and the compiled program where the engine has one."""
        fit = (wildcards.dataset, wildcards.model, wildcards.prior)
        outputs = [self.design.observed_file(table, *fit) for table in self.design.tables_of(fit)]
        data = {"data": [self.design.observed_data(wildcards.dataset)]}
        return self._of_fits(self.params.fit_observed(wildcards), [outputs], data)

    @_planned
    def summarise(self, wildcards: Wildcards = None) -> Files:
        """Return every fit, whether to simulated or to observed data, and the first dataset."""
        design = self.design
        files = {
            **{name: self._tables(name, design.fitted_cells) for name in design.summary_tables},
            **{f"observed_{name}": self._observed(name) for name in design.observed_report_tables},
            **{f"verified_{name}": self._verified(name) for name in ("estimates", "diagnostics")},
            "data": self._first_datasets("data")[0],
        }
        return self._marked(files, self.summary_exists())

    @_planned
    def figures(self, wildcards: Wildcards = None) -> Files:
        """Return the summary tables, and the fits that figures show one by one.

        Those are the first batches, all fits whose ranks are drawn, and verified ones.
        """
        design = self.design
        ranked = list(map(design.fitted, figure_list.ranked_cells(design.study)))
        files = {
            "summaries": self._summaries(),
            "data": self._first_datasets("data"),
            "truth": self._first_datasets("truth"),
            "estimates": [
                design.cell_file("estimates", cell, batch)
                for cell in design.fitted_cells
                for batch in design.batches_of_first(cell, figure_list.REPLICATES_SHOWN)
            ],
            "ranks": self._tables("estimates", ranked),
            "attempts": self._tables("diagnostics", ranked),
            "verified": self._verified("estimates") + self._verified("diagnostics"),
            "observed": self._observed("estimates"),
        }
        drawn = provenance.bear(self._figures(), digest(self.params.figures()))
        return self._marked(files, drawn)

    @_planned
    def report(self, wildcards: Wildcards = None) -> Files:
        """Return the summary tables, the figures, and the fits to observed data."""
        files = {
            "summaries": self._summaries(),
            "figures_costs": self.design.file(paths.FIGURE_COSTS),
            "figures": self._figures(),
            "observed": [
                file
                for table in self.design.observed_report_tables
                for file in self._observed(table)
            ],
        }
        return self._marked(files, self.report_exists())

    @_planned
    def outcome(self, wildcards: Wildcards = None) -> Files:
        """Return what says how fits went, and the page, which is to be written before."""
        names = ("convergence", "verification")
        files = {
            "summaries": [self.design.summary_file(name) for name in names],
            "page": self.design.file(paths.REPORT),
        }
        outcome = self.design.file(paths.OUTCOME)
        return self._marked(files, provenance.bear([outcome], digest(self.params.outcome())))

    @_planned
    def missing(self, wildcards: Wildcards = None) -> list[str]:
        """Return tables of data and fits that are missing although the summary exists."""
        if not self.summary_exists():
            return []
        return [file for file in identities.files(self.design) if not Path(file).exists()]

    def summary_exists(self) -> bool:
        """Whether all summary tables exist, made by this study and version."""
        return tables.are_current(self._summaries(), digest(self.params.summarise()))

    def report_exists(self) -> bool:
        """Whether the page exists, made by this study and version."""
        return provenance.bear([self.design.file(paths.REPORT)], digest(self.params.report()))

    def _marked(self, files: Files, done: bool) -> Files:
        """The files, marked as `ancient` if the outputs of the job exist with its identity."""
        if not done:
            return files
        return {
            name: self._mark(file) if isinstance(file, str) else [*map(self._mark, file)]
            for name, file in files.items()
        }

    def _mark(self, file: str) -> str:
        return file if folder_of(file) in self._made_again() else self._ancient(file)

    def _trial(self) -> Files:
        """The record that a researcher's own family has been tried; shipped ones need none."""
        own = families.is_own(self.design.study.family)
        return {"tried": self.design.file(paths.FAMILY_TRIAL)} if own else {}

    def _datasets(self, batches: Iterable[BatchOfFits]) -> Files:
        """The datasets of batches of fits, each file once."""
        files = [self.design.datasets_of(each.scenario, each.batch) for each in batches]
        return {
            table: [*dict.fromkeys(each[table] for each in files)] for table in ("data", "truth")
        }

    def _of_fits(
        self, specifications: Sequence[dict[str, Any]], outputs: Sequence[list[str]], data: Files
    ) -> Files:
        """The tables that a job of fits reads, and the programs that the engine compiles.

        Parameters
        ----------
        specifications, outputs
            Those of each batch.
        """
        executables = [
            file
            for each in specifications
            if each["prior"] != NO_PRIOR
            for file in self._executable(
                self.design.study.sampled_model(each["model"]), each["engine"]
            )
        ]
        files = data | self._trial()
        if executables:
            files["executable"] = [*dict.fromkeys(executables)]
        return self._marked(files, all(map(identities.are_of, outputs, specifications)))

    def _executable(self, model: str, engine: str) -> list[str]:
        """The compiled program, if the engine compiles."""
        if not engines.find(engine).COMPILES:
            return []
        version = self.params.compiled_version(model)
        return [self.design.file(paths.PROGRAM, model=model, version=version)]

    def _summaries(self) -> list[str]:
        return [self.design.summary_file(name) for name in SUMMARIES]

    def _figures(self) -> list[str]:
        figures = figure_list.figures(self.design.study)
        return [self.design.file(paths.figure(each.name, "svg")) for each in figures]

    def _tables(self, table: str, cells: Iterable[Cell]) -> list[str]:
        having = [cell for cell in cells if table in self.design.tables_of(cell)]
        return [file for cell in having for file in self.design.cell_files(table, cell)]

    def _first_datasets(self, table: str) -> list[str]:
        design = self.design
        return [
            design.dataset_file(table, scenario, design.data_batches(scenario)[0])
            for scenario in design.scenarios
        ]

    def _observed(self, table: str) -> list[str]:
        design = self.design
        cells = design.fitted_observed_cells
        having = [cell for cell in cells if table in design.tables_of(cell)]
        return [design.observed_file(table, *cell) for cell in having]

    def _verified(self, table: str) -> list[str]:
        return [
            self.design.verified_file(table, cell, batch)
            for cell in self.design.fitted_cells
            for batch in self.design.verified(cell)
        ]
