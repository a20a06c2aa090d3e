"""What an estimator finds in one dataset after another, as rows of the tables of fits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from recovery import families
from recovery.common import jobs
from recovery.families.family import Estimates
from recovery.fit import finite
from recovery.fit.agreement import agreement
from recovery.fit.batches import Fit, Task
from recovery.tables import quantile_columns


class EstimatorFitter:
    """Fits one estimator, one dataset after another; a Fitter as SamplerFitter is.

    Parameters
    ----------
    specification : mapping
        `Design.fit` or `Design.fit_observed`, of an estimator.
    """

    n_attempts = 1
    program = None

    def __init__(self, specification: Mapping[str, Any]):
        self.specification = specification
        self.family = families.find(specification["family"])
        self.estimator = self.family.ESTIMATORS[specification["model"]]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the argument only: a new Python finds family and estimator by their names."""
        return type(self), (self.specification,)

    def __call__(self, task: Task) -> Fit:
        """Fit one dataset; RuntimeError says why there are no estimates."""
        started = jobs.processor_seconds()
        found = self.estimator.fit(task.columns)
        seconds = jobs.processor_seconds() - started
        population: list[Estimates] = []
        own: list[Estimates] = []
        for part in found.parts:
            groups = self.family.group_coefficients(list(part.names))
            _require_finite(part, quantile_columns(self.specification["intervals"]).values())
            (own if groups else population).append(part)
        all_own = self.specification.get("keep_draws", False) or task.replicate == 1
        rows = [
            row
            for part in (*population, *(own if all_own else ()))
            for row in self._estimates(task, part)
        ]
        scored = own if task.truth else []
        scores = [row for part in scored for row in self._participants(task, part)]
        diagnostics = {
            "status": "ok",
            "error": found.not_converged_because or None,
            "converged": not found.not_converged_because,
            "sampling_seconds": seconds,
            "other_seconds": jobs.processor_seconds() - started - seconds,
        }
        return Fit(rows, scores, diagnostics)

    def attempt_columns(self, replicate: int, attempt: int) -> dict[str, Any]:
        """Return nothing: there is no seed, and there are no settings."""
        return {}

    def _estimates(self, task: Task, part: Estimates) -> Iterator[dict[str, Any]]:
        """A row a parameter: mean and median are the estimate, sd its standard error."""
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

    def _participants(self, task: Task, part: Estimates) -> Iterator[dict[str, Any]]:
        """A row a coefficient: how well the participants' own values are recovered."""
        level = self.specification["plotted_level"]
        low, high = (part.quantile(p) for p in quantile_columns([level]).values())
        place = {name: number for number, name in enumerate(part.names)}
        for coefficient, members in self.family.group_coefficients(list(part.names)).items():
            at = [place[name] for name in members]
            truth = np.array([task.truth[name] for name in members])
            bounded = np.isfinite(part.error[at]).all()
            covered = np.mean((low[at] <= truth) & (truth <= high[at]))
            yield {
                "coefficient": coefficient,
                "n_participants": len(members),
                **agreement(part.value[at], truth),
                "level": level,
                "coverage": float(covered) if bounded else np.nan,
            }


def _require_finite(part: Estimates, probabilities: Iterable[float]) -> None:
    """Raise RuntimeError where an estimate, or the error or the bounds that it has, is not finite.

    Where there is no sound error, error and bounds are NaN; nothing else may be.
    """
    with_error = ~np.isnan(part.error)
    for what, values in (
        ("estimates that are", np.asarray(part.value)),
        ("standard errors that are", np.where(with_error, part.error, 0)),
        *(
            ("bounds of intervals that are", np.where(with_error, part.quantile(p), 0))
            for p in probabilities
        ),
    ):
        finite.require(what, dict(zip(part.names, values, strict=True)))
