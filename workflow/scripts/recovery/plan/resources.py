"""Memory and time that a job of fits requests; doubled with every attempt at the job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any

from recovery.plan.design import Design
from recovery.plan.fit_seconds import fit_seconds
from recovery.plan.shared_jobs import SharedJob

BASE = 1000  # MB: Snakemake, Python and its libraries
COPIES = 5  # of a fit's draws that are held at once


@dataclass(frozen=True)
class JobResources:
    """A method for each resource, with the arguments that Snakemake gives."""

    design: Design

    def memory(self, wildcards: Any, attempt: int) -> int:
        """Return megabytes: of every job, and of several copies of the study's largest draws."""
        study = self.design.study
        draws = max(settings["chains"] * settings["draws"] for settings in study.attempts)
        coefficients = len(self.design.family.COEFFICIENTS)  # of a participant
        # Participants' coefficients, and as many deviations.
        columns = 20 + 2 * coefficients * max(study.participants) + 2 * coefficients**2
        return (BASE + ceil(COPIES * 8 * draws * columns / 1e6)) * 2 ** (attempt - 1)

    def minutes(self, wildcards: Any, attempt: int) -> int:
        """Return an hour, or the time of two fits that reach the time limit at each attempt."""
        study = self.design.study
        seconds = 2 * study.sampler.time_limit * len(study.attempts)
        return max(60, 10 + ceil(seconds / 60)) * 2 ** (attempt - 1)

    def shared_minutes(self, job: SharedJob) -> Callable[[Any, int], int]:
        """Return the time of a job of several batches: with three times the estimate of all."""
        more = int(3 * job.seconds / 60)
        return lambda wildcards, attempt: self.minutes(wildcards, attempt) + more * attempt

    def priority(self, wildcards: Any) -> int:
        """Return about the seconds of a job, so that long ones do not start last."""
        scenario = self.design.scenarios[wildcards.scenario]
        fits = len(self.design.batch(wildcards.batch).replicates)
        return ceil(fits * fit_seconds(self.design.study, scenario, wildcards.model))

    def of_family_code(self) -> dict[str, Callable[[Any, int], int]]:
        """Return the time of fits for jobs that run the code of an own family; else nothing."""
        return {} if self.design.study.guest_seconds is None else {"runtime": self.minutes}
