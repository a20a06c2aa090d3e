"""Fits by an estimator, as rows of the tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from recovery import families
from recovery.common import jobs
from recovery.families.estimators import Estimates
from recovery.fit import estimand_estimates, finite_numbers
from recovery.fit.batches import Fit, Task
from recovery.fit.group_agreement import agreement
from recovery.tables import quantile_columns


class EstimatorFitter:
    """A Fitter of one estimator, one dataset per call.

    Parameters
    ----------
    specification : mapping
        `Design.fit` or `Design.fit_observed`, of an estimator.
    """

    n_attempts = 1
    program = None

    def __init__(self, specification: Mapping[str, Any]):
        self.specification = specification
        self.family = families.find(specification["family"], specification.get("estimands", {}))
        self.estimator = self.family.ESTIMATORS[specification["model"]]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the argument only: a new Python finds family and estimator by their names."""
        return type(self), (self.specification,)

    def __call__(self, task: Task) -> Fit:
        """Fit one dataset; RuntimeError with the reason if there are no estimates."""
        started = jobs.processor_seconds()
        task = replace(task, truth=self.family.with_estimands(task.truth))
        result = self.estimator.fit(task.columns)
        in_python = jobs.processor_seconds() - started
        population: list[Estimates] = []
        of_groups: list[Estimates] = []
        for part in (*result.parts, *self._estimands(result.parts)):
            groups = self.family.group_coefficients(list(part.names))
            _require_finite(part, quantile_columns(self.specification["intervals"]).values())
            (of_groups if groups else population).append(part)
        with_groups = self.specification.get("keep_draws", False) or task.replicate == 1
        rows = [
            row
            for part in (*population, *(of_groups if with_groups else ()))
            for row in self._estimates(task, part)
        ]
        scored = of_groups if task.truth else []
        scores = [row for part in scored for row in self._group_scores(task, part)]
        diagnostics = {
            "status": "ok",
            "error": result.not_converged_because or None,
            "converged": not result.not_converged_because,
            "sampling_seconds": in_python + result.seconds,
            "other_seconds": jobs.processor_seconds() - started - in_python,
        }
        return Fit(rows, scores, diagnostics)

    def _estimands(self, parts: Sequence[Estimates]) -> Iterator[Estimates]:
        """The estimands that the estimator scores, one part each."""
        for name, estimand in self.family.ESTIMANDS.items():
            if name in self.estimator.scored:
                yield estimand_estimates.of_parts(estimand, parts)

    def attempt_columns(self, replicate: int, attempt: int) -> dict[str, Any]:
        """Return no columns: an estimator has neither a seed nor settings."""
        return {}

    def _estimates(self, task: Task, part: Estimates) -> Iterator[dict[str, Any]]:
        """One row per parameter: mean and median are the estimate, sd its standard error."""
        columns = quantile_columns(self.specification["intervals"])
        quantiles = {name: part.quantile(p) for name, p in columns.items()}
        for place, name in enumerate(part.names):
            value = float(part.value[place])
            yield {
                "parameter": name,
                "truth": task.truth.get(name),
                "mean": value,
                "median": value,
                "sd": float(part.error[place]),
                **{column: float(values[place]) for column, values in quantiles.items()},
            }

    def _group_scores(self, task: Task, part: Estimates) -> Iterator[dict[str, Any]]:
        """One row per coefficient: agreement of its estimates with the true values."""
        level = self.specification["plotted_level"]
        low, high = (part.quantile(p) for p in quantile_columns([level]).values())
        place = {name: number for number, name in enumerate(part.names)}
        for coefficient, members in self.family.group_coefficients(list(part.names)).items():
            places = [place[name] for name in members]
            truth = np.array([task.truth[name] for name in members])
            bounded = np.isfinite(part.error[places]).all()
            covered = np.mean((low[places] <= truth) & (truth <= high[places]))
            yield {
                "factor": self.family.grouping_factor(coefficient),
                "coefficient": coefficient,
                "n_groups": len(members),
                **agreement(part.value[places], truth),
                "level": level,
                "coverage": float(covered) if bounded else np.nan,
            }


def _require_finite(part: Estimates, probabilities: Iterable[float]) -> None:
    """Raise RuntimeError if an estimate, a standard error or a bound is not finite.

    The standard error and the bounds may be NaN together: the estimate then has no standard error.
    """
    with_error = ~np.isnan(part.error)
    for kind, values in (
        ("estimates", np.asarray(part.value)),
        ("standard errors", np.where(with_error, part.error, 0)),
        *(
            ("bounds of intervals", np.where(with_error, part.quantile(p), 0))
            for p in probabilities
        ),
    ):
        finite_numbers.require(kind, dict(zip(part.names, values, strict=True)))
