"""What the jobs of each rule are given as `params`: plain content that decides what they make."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from recovery import engines
from recovery.common.hashing import digest
from recovery.common.user_files import shipped
from recovery.plan import identities, provenance
from recovery.plan.batch_size import Batch
from recovery.plan.design import Cell, Design
from recovery.plan.shared_jobs import SharedJob

Wildcards = Any  # of Snakemake: an attribute a wildcard
TRIED = {
    *("name", "family", "engine", "seed", "models", "priors"),
    *("formula", "design", "sizes"),
    *("truths", "participants", "observations", "observed"),
}
"""Keys of a study that the trial of a family uses."""
Content = dict[str, Any]


@dataclass(frozen=True)
class Params:
    """A method for each rule, named after it."""

    design: Design

    def compile(self, wildcards: Wildcards) -> Content:
        """Return a Stan program: its file, the folder of its includes, and its hash."""
        folder = shipped("stan")
        path = self.design.family.program(wildcards.model, folder)
        program = self.design.sources.programs[wildcards.model]
        return {"path": str(path), "include": str(folder), "hash": program}

    def compiled_version(self, model: str) -> str:
        """Return what decides an executable's numbers, as a short hash.

        `executables.path_of` names an executable by all that decides it.
        """
        sources = self.design.sources
        compiles = engines.find(self.design.study.engine).COMPILES
        version = sources.engine_version if compiles else sources.verifying_version
        code = provenance.code_with_engine(None, "compile", "cmdstan")
        return digest([sources.programs[model], version, code])[:12]

    def check(self, wildcards: Wildcards) -> Content:
        """Return what decides the trial of a researcher's own family.

        The study has one replicate and only the keys that the trial uses, so that a change of
        any other key, more replicates for instance, does not repeat the trial.
        """
        study = self.design.study
        code = provenance.code_with_engine(self.design.family, "check", study.engine)
        used = study.model_dump(mode="json", include=TRIED)
        limit = study.sampler.model_dump(mode="json", include={"time_limit"})
        return {
            "study": used | {"title": study.name, "replicates": 1, "sampler": limit},
            "sources": asdict(self.design.sources),
            "identity": identities.trial_identity(self.design, code),
        }

    def simulate(self, wildcards: Wildcards) -> Content:
        """Return what decides one batch of datasets."""
        batch = self.design.batch(wildcards.batch)
        return self.design.simulation(wildcards.scenario, batch)

    def observe(self, wildcards: Wildcards) -> Content:
        """Return what decides one observed dataset, and its file."""
        path = self.design.study.observed[wildcards.dataset].path
        return self.design.observation(wildcards.dataset) | {"path": path}

    def fit(self, wildcards: Wildcards) -> list[Content]:
        """Return what decides one batch of fits, of any method, and its datasets."""
        return [self._fits(_cell(wildcards), self._batch(wildcards))]

    def shared(self, job: SharedJob) -> list[Content]:
        """Return the same for each batch of fits of a job that makes several."""
        return [self._fits(each.cell, each.batch) for each in job.batches]

    def verify(self, wildcards: Wildcards) -> list[Content]:
        """Return the same for the fits of one batch that the verifying engine makes."""
        cell, batch = _cell(wildcards), self._batch(wildcards)
        datasets = self.design.datasets_of(cell[0], batch)
        return [self.design.verification(*cell, batch) | {"datasets": datasets}]

    def fit_observed(self, wildcards: Wildcards) -> list[Content]:
        """Return the same for one fit to an observed dataset, of any method."""
        fit = (wildcards.dataset, wildcards.model, wildcards.prior)
        datasets = {"data": self.design.observed_data(wildcards.dataset)}
        return [self.design.fit_observed(*fit) | {"datasets": datasets}]

    def _fits(self, cell: Cell, batch: Batch) -> Content:
        datasets = self.design.datasets_of(cell[0], batch)
        return self.design.fit(*cell, batch) | {"datasets": datasets}

    def summarise(self, wildcards: Wildcards = None) -> Content:
        """Return what decides the summary tables."""
        return self._study(self._code("summarise"))

    def figures(self, wildcards: Wildcards = None) -> Content:
        """Return what decides the figures."""
        return self._study(self._code("summarise"), self._code("figures"))

    def report(self, wildcards: Wildcards = None) -> Content:
        """Return what decides the page; the figures are part of it."""
        page = provenance.page_code(*self.design.family.FILES)
        return self._study(self._code("summarise"), self._code("figures"), page)

    def outcome(self, wildcards: Wildcards = None) -> Content:
        """Return what decides the summary of how all fits went."""
        return self._study(self._code("summarise"), self._code("outcome"))

    def _study(self, *code: str) -> Content:
        return {
            "study": self.design.study.model_dump(mode="json"),
            "sources": asdict(self.design.sources),
            "code": code,
        }

    def _code(self, step: str) -> str:
        return provenance.step_code(step, *self.design.family.FILES)

    def _batch(self, wildcards: Wildcards) -> Batch:
        return self.design.batch(wildcards.batch)


def _cell(wildcards: Wildcards) -> tuple[str, str, str]:
    return wildcards.scenario, wildcards.model, wildcards.prior
