"""One of Stan's approximations of one dataset's posterior after another, as rows of tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from recovery.common import jobs
from recovery.engines.protocol import Draws, Program
from recovery.fit import posterior
from recovery.fit.batches import Fit, Task
from recovery.fit.sampler import SamplerFitter
from recovery.plan.seeds import fit_seed
from recovery.study.methods import LARGEST_PARETO_K, has_intervals


class ApproximationFitter(SamplerFitter):
    """Runs one algorithm on one model under one prior, one dataset after another.

    It takes the arguments of a SamplerFitter. The draws of an approximation have no chains. An
    approximation counts as converged if the algorithm ended without an error and, for Pathfinder,
    Pareto k is small.
    """

    log_ratios: np.ndarray | None = None  # of the last fit, where its algorithm has them

    def __call__(self, task: Task) -> Fit:
        """Approximate one posterior; what Stan refuses is a RuntimeError."""
        started = jobs.processor_seconds()
        draws = self._sample(task)
        groups = self._participants_of(draws.names)
        rows = self._rows(task, draws, groups, found={})
        scores = self._participants(task, draws, groups) if task.truth else []
        if not has_intervals(self.specification["model"]):
            scores = [row | {"coverage": np.nan} for row in scores]
        diagnostics = {
            "status": "ok",
            **self._converged(),
            "sampling_seconds": draws.sampling_seconds,
            "other_seconds": jobs.processor_seconds() - started - draws.sampling_seconds,
        }
        return Fit(rows, scores, diagnostics)

    def _converged(self) -> dict[str, Any]:
        """Whether the last approximation is one that importance resampling could mend."""
        if self.log_ratios is None:
            return {"converged": True}
        k = posterior.pareto_k(self.log_ratios)
        if k <= LARGEST_PARETO_K:
            return {"converged": True, "pareto_k": k}
        error = f"Pareto k is {k:.2g}, above {LARGEST_PARETO_K}: the approximation is poor"
        return {"converged": False, "pareto_k": k, "error": error}

    def _participants_of(self, names: list[str]) -> dict[str, list[str]]:
        """Participants' coefficients; beside a mode, one draw of them would say nothing."""
        if self.model.integrated and not has_intervals(self.specification["model"]):
            return {}
        return super()._participants_of(names)

    def attempt_columns(self, replicate: int, attempt: int) -> dict[str, Any]:
        """Return what a row of diagnostics says of an attempt, however it goes."""
        return {"seed": fit_seed(self.specification, replicate, attempt)}

    def _run(self, data: dict[str, Any], seed: int, attempt: int) -> Draws:
        """Its draws as those of one chain."""
        number = self.specification["sampler"].get("draws", 1)
        algorithm = self.specification["algorithm"]
        found = self.engine.approximate(self.loaded, data, seed, algorithm, number)
        self.log_ratios = found.log_ratios
        return Draws(found.names, found.values[None], {}, 0.0, found.seconds)


def fitter_of(
    specification: Mapping[str, Any], program: Program, return_draws: bool = False
) -> SamplerFitter:
    """Return what fits a specification of `Design.fit`: the sampler, or an approximation."""
    if "algorithm" in specification:
        return ApproximationFitter(specification, program)
    return SamplerFitter(specification, program, return_draws)
