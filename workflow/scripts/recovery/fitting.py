"""A batch of replicates through family, engine and posterior; failures become rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recovery import engines, families, posterior, tables
from recovery.child import Child, ChildLostError
from recovery.design import fit_seed
from recovery.engines.base import EngineError, Program, Settings
from recovery.families.base import Columns, Values

LONGEST_ERROR = 2000


@dataclass(frozen=True)
class Task:
    """One fit: its replicate, data and, unless the data are observed, the values behind them."""

    replicate: int
    columns: Columns
    truth: Values


@dataclass(frozen=True)
class Fit:
    """What one fit adds to the tables; each entry is a row."""

    estimates: list[dict]
    participants: list[dict]
    diagnostics: dict


class Fitter:
    """Fits one model under one prior, one dataset after another; lives in the child process."""

    def __init__(self, specification: Mapping[str, Any], program: Program):
        self.specification = specification
        self.program = program
        self.family = families.find(specification["family"])
        self.engine = engines.find(specification["engine"])
        self.model = self.family.MODELS[specification["model"]]
        self.prior = self.family.Prior(**specification["hyperparameters"])
        sampler = {key: specification["sampler"][key] for key in Settings.__annotations__}
        self.settings = Settings(**sampler)
        self.loaded = None

    def __call__(self, task: Task) -> Fit:
        """Fit one dataset; what Stan refuses is a RuntimeError."""
        if self.loaded is None:
            self.loaded = self.engine.load(self.program)
        data = self.family.stan_data(task.columns, self.prior)
        seed = fit_seed(self.specification, task.replicate)
        draws = self.engine.sample(self.loaded, data, seed, self.settings)
        if unusable := posterior.not_finite(draws, self.model.scored):
            raise RuntimeError(f"draws that are not finite: {', '.join(unusable)}")
        found = posterior.convergence(draws, self.model.scored)
        diagnostics = posterior.diagnose(
            draws, found, self.settings.max_treedepth, self.specification["convergence"]
        )
        seconds = {
            "warmup_seconds": draws.warmup_seconds,
            "sampling_seconds": draws.sampling_seconds,
        }
        groups = self.family.participants_of(draws.names)
        effects = [name for names in groups.values() for name in names]
        names = [*self.model.scored, *effects]
        summary = posterior.summarise(draws, names, self.specification["intervals"])
        return Fit(
            self._estimates(task, names, summary, found),
            self._participants(task, groups, names, summary) if task.truth else [],
            {"status": "ok", **diagnostics, **seconds},
        )

    def _estimates(self, task: Task, names: list[str], summary: dict, found: dict) -> list[dict]:
        """A row a parameter; participants' own coefficients for the first replicate only."""
        scored = len(self.model.scored)
        rows = []
        for place, name in enumerate(names if task.replicate == 1 else names[:scored]):
            row = {"parameter": name, "truth": task.truth.get(name)}
            row |= {column: values[place] for column, values in summary.items()}
            if place < scored:
                row |= {column: values[place] for column, values in found.items()}
            rows.append(row)
        return rows

    def _participants(
        self, task: Task, groups: dict, names: list[str], summary: dict
    ) -> list[dict]:
        """A row a coefficient: how well the participants' own values are recovered."""
        level = self.specification["plotted_level"]
        low, high = tables.interval_columns(level)
        where = {name: place for place, name in enumerate(names)}
        rows = []
        for coefficient, members in groups.items():
            place = [where[name] for name in members]
            truth = np.array([task.truth[name] for name in members])
            inside = (summary[low][place] <= truth) & (truth <= summary[high][place])
            scores = posterior.agreement(summary["mean"][place], truth)
            rows.append(
                {
                    "coefficient": coefficient,
                    "n_participants": len(members),
                    **scores,
                    "level": level,
                    "coverage": inside.mean(),
                }
            )
        return rows


def fit_batch(
    data: Columns, truth: Columns | None, specification: Mapping[str, Any], program: Program
) -> dict[str, dict]:
    """Fit a model to every replicate of a batch.

    Parameters
    ----------
    data, truth : dict of ndarray
        The columns of these tables, sorted by replicate; no truth for observed data.
    specification : mapping
        `Design.fit` or `Design.fit_observed`.

    Returns
    -------
    dict
        The columns of the tables `estimates`, `participants` and `diagnostics`. Every
        replicate has its row in `diagnostics`, with its error if it failed.

    Raises
    ------
    EngineError
        When the engine cannot serve the program at all.
    """
    keys = {name: specification[name] for name in ("scenario", "model", "prior")}
    rows = {"estimates": [], "participants": [], "diagnostics": []}
    fitter = Fitter(specification, program)
    with Child(fitter, specification["sampler"]["time_limit"]) as child:
        for task in _tasks(data, truth):
            fit = _fit_or_failure(child, task)
            fit_keys = {**keys, "replicate": task.replicate}
            rows["estimates"] += [fit_keys | row for row in fit.estimates]
            rows["participants"] += [fit_keys | row for row in fit.participants]
            rows["diagnostics"].append(fit_keys | _attempt(specification, task) | fit.diagnostics)
    return {
        name: tables.from_rows(rows[name], schema)
        for name, schema in schemas(specification).items()
    }


def schemas(specification: Mapping[str, Any]) -> dict:
    """Return the schemas of the tables that a batch of fits fills."""
    return {
        "estimates": tables.estimates_schema(specification["intervals"]),
        "participants": tables.PARTICIPANTS,
        "diagnostics": tables.DIAGNOSTICS,
    }


def _tasks(data: Columns, truth: Columns | None) -> Iterator[Task]:
    """The fits of a batch, in order."""
    values = {name: column for name, column in data.items() if name != "replicate"}
    for replicate in np.unique(data["replicate"]):
        rows = data["replicate"] == replicate
        columns = {name: column[rows] for name, column in values.items()}
        named = {}
        if truth is not None:
            mine = truth["replicate"] == replicate
            named = dict(zip(truth["parameter"][mine], truth["truth"][mine], strict=True))
        yield Task(int(replicate), columns, named)


def _fit_or_failure(child: Child, task: Task) -> Fit:
    try:
        return child.call(task)
    except EngineError:
        raise
    except ChildLostError as lost:
        error = str(lost)
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}"
    return Fit([], [], {"status": "failed", "error": error[:LONGEST_ERROR], "converged": False})


def _attempt(specification: Mapping[str, Any], task: Task) -> dict[str, Any]:
    return {
        "attempt": 1,
        "seed": fit_seed(specification, task.replicate),
        "engine": specification["engine"],
        "engine_version": specification["engine_version"],
        "adapt_delta": specification["sampler"]["adapt_delta"],
    }
