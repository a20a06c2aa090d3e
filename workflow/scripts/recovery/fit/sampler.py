"""Fits by Stan's sampler, as rows of the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from recovery import engines, families
from recovery.common import jobs
from recovery.engines import declarations, stan_data
from recovery.engines.protocol import Draws, Program, Settings
from recovery.families.evidence import density_model
from recovery.families.priors import fixed_by
from recovery.fit import finite_numbers, loo, posterior, savage_dickey
from recovery.fit.batches import Fit, Task
from recovery.fit.estimand_draws import with_estimands
from recovery.fit.group_agreement import agreement
from recovery.plan.seeds import fit_seed, rank_rng

RANKED_DRAWS = 99  # ranks are 0 to 99; calibration needs a bulk ESS of at least as many


class SamplerFitter:
    """Fits one model under one prior, one dataset per call; called in the child process.

    Parameters
    ----------
    specification : mapping
        `Design.fit` or `Design.fit_observed`.
    return_draws : bool
        Whether a fit has its draws even if the study does not keep them.
    """

    def __init__(
        self, specification: Mapping[str, Any], program: Program, return_draws: bool = False
    ):
        self.specification = specification
        self.program = program
        self.family = families.find(specification["family"], specification.get("estimands", {}))
        self.engine = engines.find(specification["engine"])
        self._modelled = specification.get("approximates", specification["model"])
        self.model = self.family.MODELS[self._modelled]
        self.prior = self.family.Prior(**specification["hyperparameters"])
        self.attempts = [specification["sampler"], *specification.get("rescue", [])]
        self.n_attempts = len(self.attempts)
        self.keep_draws = specification.get("keep_draws", False)
        self.return_draws = return_draws or self.keep_draws
        self.loaded: Any = None
        self.data_block: declarations.DataBlock | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arguments only: a new Python finds family and engine by their names."""
        return type(self), (self.specification, self.program, self.return_draws)

    def __call__(self, task: Task) -> Fit:
        """Fit one dataset; RuntimeError if Stan fails."""
        started = jobs.processor_seconds()
        task = replace(task, truth=self.family.with_estimands(task.truth))
        draws = self._sample(task)
        scored, groups = self.model.scored, self._groups_of(draws.names)
        statistics = posterior.convergence(draws, scored)
        rows = self._rows(task, draws, groups, statistics)
        if "drawn_from" in self.specification["truth"]:
            rows = self._with_ranks(task, draws, rows)
        scores = self._group_scores(task, draws, groups) if task.truth else []
        fit = (self.family, self.specification["model"], self.prior, draws, task.columns)
        loo_rows = [loo.row_of_fit(*fit, unit) for unit in self.specification.get("leave_out", [])]
        evidence = self._evidence(task, draws)
        judged = [name not in self.family.ESTIMANDS for name in (*scored, "lp__")]
        diagnostics = posterior.diagnose(
            draws,
            {name: values[judged] for name, values in statistics.items()},
            self.attempts[task.attempt - 1]["max_treedepth"],
            self.specification["convergence"],
        )
        seconds = {
            "warmup_seconds": draws.warmup_seconds,
            "sampling_seconds": draws.sampling_seconds,
            "other_seconds": jobs.processor_seconds()
            - started
            - draws.warmup_seconds
            - draws.sampling_seconds,
        }
        returned = draws if self.return_draws else None
        outcome = {"status": "ok", **diagnostics, **seconds}
        return Fit(rows, scores, outcome, returned, loo_rows, evidence)

    def attempt_columns(self, replicate: int, attempt: int) -> dict[str, Any]:
        """Return the columns of diagnostics that are known before the attempt."""
        return {
            "seed": fit_seed(self.specification, replicate, attempt),
            "adapt_delta": self.attempts[attempt - 1]["adapt_delta"],
        }

    def _sample(self, task: Task) -> Draws:
        if self.data_block is None:
            self.loaded = self.engine.load(self.program)
            self.data_block = declarations.of_program(self.program)
        seed = fit_seed(self.specification, task.replicate, task.attempt)
        data = stan_data.checked_data(
            self.family.stan_data(task.columns, self.prior, self._modelled), self.data_block
        )
        draws = self._run(data, seed, task.attempt)
        draws = replace(draws, names=self.family.parameter_names(draws.names, task.columns))
        draws = with_estimands(draws, self.family.ESTIMANDS, self.model.scored)
        effects = [name for names in self._groups_of(draws.names).values() for name in names]
        if names := posterior.non_finite(draws, [*self.model.scored, *effects]):
            raise RuntimeError(f"non-finite draws: {finite_numbers.listed_briefly(names)}")
        return draws

    def _evidence(self, task: Task, draws: Draws) -> list[dict[str, Any]]:
        """The Bayes factors that the study asks for, as rows of their table."""
        asked = self.specification.get("evidence", [])
        if not asked:
            return []
        model = density_model(self.family, self._modelled)
        data = self.family.stan_data(task.columns, self.prior, model)
        density = engines.find_density_engine().log_density(self._of_densities, data)
        fit = (self.family, model, self.prior, draws, task.columns)
        rng = rank_rng(fit_seed(self.specification, task.replicate, task.attempt), "evidence")
        return savage_dickey.rows_of_fit(*fit, density, asked, rng)

    @cached_property
    def _of_densities(self) -> Any:
        """The program that computes log densities, loaded once."""
        model = density_model(self.family, self._modelled)
        folder = self.program.include
        program = Program(str(self.family.program(model, Path(folder))), folder)
        return engines.find_density_engine().load(program)

    def _groups_of(self, names: list[str]) -> dict[str, list[str]]:
        """Participants' coefficients that tables are made from: those that the family groups."""
        return self.family.group_coefficients(names)

    def _run(self, data: dict[str, Any], seed: int, attempt: int) -> Draws:
        sampler = self.attempts[attempt - 1]
        settings = {key: sampler[key] for key in Settings.__annotations__ if key in sampler}
        return self.engine.sample(self.loaded, data, seed, Settings(**settings))

    def _rows(
        self,
        task: Task,
        draws: Draws,
        groups: Mapping[str, list[str]],
        statistics: Mapping[str, np.ndarray],
    ) -> list[dict]:
        """One row per population parameter that the model estimates.

        Replicate 1, or a study that keeps draws, has one row per participant and coefficient too.
        """
        scored, intervals = self.model.scored, self.specification["intervals"]
        summary = _summary(draws, scored, intervals)
        if statistics:  # the draws of an approximation have no chains
            summary |= {name: values[: len(scored)] for name, values in statistics.items()}
            summary |= posterior.monte_carlo_errors(draws, scored, intervals)
        rows = _estimates(task, scored, summary)
        if groups and (self.keep_draws or task.replicate == 1):
            effects = [name for names in groups.values() for name in names]
            rows += _estimates(task, effects, _summary(draws, effects, intervals))
        return rows

    def _with_ranks(self, task: Task, draws: Draws, rows: list[dict]) -> list[dict]:
        """The rows with the ranks of their truths, and one row per test quantity."""
        effects = [
            name for names in self.family.group_coefficients(draws.names).values() for name in names
        ]
        names, fixed = [*self.model.scored, *effects], fixed_by(self.prior)
        values = posterior.evenly_spaced(draws, names, RANKED_DRAWS)
        truth = {name: np.array([task.truth[name]]) for name in names}
        seed = fit_seed(self.specification, task.replicate, task.attempt)
        quantities, true_quantities = (
            self.family.test_quantities(parameters, task.columns, rank_rng(seed, "functions"))
            for parameters in (values, truth)
        )
        finite_numbers.require("test quantities", quantities)
        finite_numbers.require("test quantities of the truth", true_quantities)
        rng = rank_rng(seed, "ties")
        ranked = [
            row
            | {
                "rank": posterior.rank(values[row["parameter"]], row["truth"], rng),
                "max_rank": RANKED_DRAWS,
            }
            if row["parameter"] not in fixed
            else row
            for row in rows
        ]
        return ranked + [
            {
                "parameter": name,
                "truth": true_quantities[name][0],
                "rank": posterior.rank(quantities[name], true_quantities[name][0], rng),
                "max_rank": RANKED_DRAWS,
            }
            for name in quantities
        ]

    def _group_scores(
        self, task: Task, draws: Draws, groups: Mapping[str, list[str]]
    ) -> list[dict[str, Any]]:
        """One row per coefficient: agreement of its posterior means with the true values."""
        level = self.specification["plotted_level"]
        rows = []
        for coefficient, members in groups.items():
            truth = np.array([task.truth[name] for name in members])
            means, hits = posterior.means_and_hits(draws, members, truth, level)
            measures = agreement(means, truth)
            finite_numbers.require("RMSE", {coefficient: measures["rmse"]})
            rows.append(
                {
                    "factor": self.family.grouping_factor(coefficient),
                    "coefficient": coefficient,
                    "n_groups": len(members),
                    **measures,
                    "level": level,
                    "coverage": hits.mean(),
                }
            )
        return rows


def _summary(
    draws: Draws, names: Sequence[str], intervals: Sequence[float]
) -> dict[str, np.ndarray]:
    """Return `posterior.summarise`; RuntimeError if draws are too large for a statistic."""
    summary = posterior.summarise(draws, names, intervals)
    for column, values in summary.items():
        finite_numbers.require(column, dict(zip(names, values, strict=True)))
    return summary


def _estimates(
    task: Task, names: Sequence[str], summary: Mapping[str, np.ndarray]
) -> list[dict[str, Any]]:
    """One row per parameter: its true value and the summary of its draws."""
    return [
        {"parameter": name, "truth": task.truth.get(name)}
        | {column: values[place] for column, values in summary.items()}
        for place, name in enumerate(names)
    ]
