"""Fits by one of Stan's approximations of the posterior, as rows of the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
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
    """Fits one model under one prior by one algorithm, one dataset per call.

    The arguments are those of SamplerFitter. The draws of an approximation have no chains. An
    approximation counts as converged if the algorithm ended without an error and, for Pathfinder,
    Pareto k is at most `LARGEST_PARETO_K`.
    """

    log_ratios: np.ndarray | None = None  # of the last fit; None if the algorithm has none

    def __call__(self, task: Task) -> Fit:
        """Approximate the posterior of one dataset; RuntimeError if Stan fails."""
        started = jobs.processor_seconds()
        task = replace(task, truth=self.family.with_estimands(task.truth))
        draws = self._sample(task)
        groups = self._groups_of(draws.names)
        rows = self._rows(task, draws, groups, statistics={})
        scores = self._group_scores(task, draws, groups) if task.truth else []
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
        """Whether importance resampling can correct the last approximation, as diagnostics."""
        if self.log_ratios is None:
            return {"converged": True}
        k = posterior.pareto_k(self.log_ratios)
        if k <= LARGEST_PARETO_K:
            return {"converged": True, "pareto_k": k}
        error = f"Pareto k is {k:.2g}, above {LARGEST_PARETO_K}: the approximation is poor"
        return {"converged": False, "pareto_k": k, "error": error}

    def _groups_of(self, names: list[str]) -> dict[str, list[str]]:
        """Participants' coefficients; none for a mode, which has one draw of them."""
        if self.model.integrated and not has_intervals(self.specification["model"]):
            return {}
        return super()._groups_of(names)

    def attempt_columns(self, replicate: int, attempt: int) -> dict[str, Any]:
        """Return the columns of diagnostics that are known before the attempt."""
        return {"seed": fit_seed(self.specification, replicate, attempt)}

    def _run(self, data: dict[str, Any], seed: int, attempt: int) -> Draws:
        """Return the draws as one chain."""
        number = self.specification["sampler"].get("draws", 1)
        algorithm = self.specification["algorithm"]
        result = self.engine.approximate(self.loaded, data, seed, algorithm, number)
        self.log_ratios = result.log_ratios
        return Draws(result.names, result.values[None], {}, 0.0, result.seconds)


def fitter_of(
    specification: Mapping[str, Any], program: Program, return_draws: bool = False
) -> SamplerFitter:
    """Return the fitter for a specification of `Design.fit`: sampler or approximation."""
    if "algorithm" in specification:
        return ApproximationFitter(specification, program)
    return SamplerFitter(specification, program, return_draws)
