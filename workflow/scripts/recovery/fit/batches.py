"""A batch of replicates through family, engine and posterior; failures become rows."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from recovery import engines, families, tables
from recovery.common import jobs
from recovery.common.errors import EngineError, MachineError
from recovery.common.worker import Child, ChildLostError
from recovery.engines import declarations, stan_data
from recovery.engines.protocol import DataError, Draws, Program, Settings
from recovery.families.family import Columns, Values
from recovery.fit import finite, loo, posterior
from recovery.plan.seeds import fit_seed, rank_rng

LONGEST_ERROR = 2000
_OF_THE_MACHINE = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.ESTALE),
    *(errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE),
)
RANKED_DRAWS = 99  # ranks 0 to 99; at most as many as a fit's effective sample size


@dataclass(frozen=True)
class Task:
    """One fit: its replicate, data and, unless the data are observed, the values behind them.

    `unsimulated` says why there are no data; empty where there are.
    """

    replicate: int
    columns: Columns
    truth: Values
    attempt: int = 1
    unsimulated: str = ""


@dataclass(frozen=True)
class Fit:
    """What one fit adds to the tables; each entry is a row. Its draws only if they are kept."""

    estimates: list[dict]
    participants: list[dict]
    diagnostics: dict
    draws: Draws | None = None
    loo: list[dict] = field(default_factory=list)


class Fitter:
    """Fits one model under one prior, one dataset after another; called in the child process.

    Parameters
    ----------
    specification : mapping
        `Design.fit` or `Design.fit_observed`.
    return_draws : bool
        Whether a fit holds its draws, though the study does not keep them.
    """

    def __init__(
        self, specification: Mapping[str, Any], program: Program, return_draws: bool = False
    ):
        self.specification = specification
        self.program = program
        self.family = families.find(specification["family"])
        self.engine = engines.find(specification["engine"])
        self.model = self.family.MODELS[specification.get("approximates", specification["model"])]
        self.prior = self.family.Prior(**specification["hyperparameters"])
        self.attempts = [specification["sampler"], *specification.get("rescue", [])]
        self.n_attempts = len(self.attempts)
        self.keep_draws = specification.get("keep_draws", False)
        self.return_draws = return_draws or self.keep_draws
        self.loaded = None
        self.data_block = None

    def __call__(self, task: Task) -> Fit:
        """Fit one dataset; what Stan refuses is a RuntimeError."""
        started = jobs.processor_seconds()
        draws = self._sample(task)
        scored, groups = self.model.scored, self._participants_of(draws.names)
        found = posterior.convergence(draws, scored)
        rows = self._rows(task, draws, groups, found)
        if "drawn_from" in self.specification["truth"]:
            rows = self._ranked(task, draws, rows)
        scores = self._participants(task, draws, groups) if task.truth else []
        fitted = (self.family, self.specification["model"], self.prior, draws, task.columns)
        left_out = [loo.of_fit(*fitted, unit) for unit in self.specification.get("leave_out", [])]
        diagnostics = posterior.diagnose(
            draws,
            found,
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
        kept = draws if self.return_draws else None
        return Fit(rows, scores, {"status": "ok", **diagnostics, **seconds}, kept, left_out)

    def described(self, replicate: int, attempt: int) -> dict[str, Any]:
        """Return what a row of diagnostics says of an attempt, however it goes."""
        return {
            "seed": fit_seed(self.specification, replicate, attempt),
            "adapt_delta": self.attempts[attempt - 1]["adapt_delta"],
        }

    def _sample(self, task: Task) -> Draws:
        if self.loaded is None:
            self.loaded = self.engine.load(self.program)
            self.data_block = declarations.of_program(self.program)
        data = stan_data.held(self.family.stan_data(task.columns, self.prior), self.data_block)
        seed = fit_seed(self.specification, task.replicate, task.attempt)
        draws = self._run(data, seed, task.attempt)
        effects = [name for names in self._participants_of(draws.names).values() for name in names]
        if unusable := posterior.not_finite(draws, [*self.model.scored, *effects]):
            raise RuntimeError(f"draws that are not finite: {finite.some(unusable)}")
        return draws

    def _participants_of(self, names: list[str]) -> dict[str, list[str]]:
        """Participants' coefficients that tables are made from: those that the family groups."""
        return self.family.participants_of(names)

    def _run(self, data: dict[str, Any], seed: int, attempt: int) -> Draws:
        sampler = self.attempts[attempt - 1]
        given = {key: sampler[key] for key in Settings.__annotations__ if key in sampler}
        settings = Settings(**given)
        return self.engine.sample(self.loaded, data, seed, settings)

    def _rows(
        self,
        task: Task,
        draws: Draws,
        groups: Mapping[str, list[str]],
        found: Mapping[str, np.ndarray],
    ) -> list[dict]:
        """A row a population parameter that the model answers for; participants' where kept."""
        scored, intervals = self.model.scored, self.specification["intervals"]
        summary = _summary(draws, scored, intervals)
        converged = {name: values[: len(scored)] for name, values in found.items()}
        rows = _estimates(task, scored, summary | converged)
        if groups and (self.keep_draws or task.replicate == 1):
            effects = [name for names in groups.values() for name in names]
            rows += _estimates(task, effects, _summary(draws, effects, intervals))
        return rows

    def _ranked(self, task: Task, draws: Draws, rows: list[dict]) -> list[dict]:
        """The rows with the ranks of their truths, and a row a test quantity."""
        effects = [
            name for names in self.family.participants_of(draws.names).values() for name in names
        ]
        names = [*self.model.scored, *effects]
        values = posterior.evenly_spaced(draws, names, RANKED_DRAWS)
        truth = {name: np.array([task.truth[name]]) for name in names}
        seed = fit_seed(self.specification, task.replicate, task.attempt)
        found, expected = (
            self.family.test_quantities(each, task.columns, rank_rng(seed, "functions"))
            for each in (values, truth)
        )
        finite.hold("test quantities that are", found)
        finite.hold("test quantities of the truth that are", expected)
        rng = rank_rng(seed, "ties")
        ranked = [
            row
            | {
                "rank": posterior.rank(values[row["parameter"]], row["truth"], rng),
                "max_rank": RANKED_DRAWS,
            }
            for row in rows
        ]
        return ranked + [
            {
                "parameter": name,
                "truth": expected[name][0],
                "rank": posterior.rank(found[name], expected[name][0], rng),
                "max_rank": RANKED_DRAWS,
            }
            for name in found
        ]

    def _participants(
        self, task: Task, draws: Draws, groups: Mapping[str, list[str]]
    ) -> list[dict[str, Any]]:
        """A row a coefficient: how well the participants' own values are recovered."""
        level = self.specification["plotted_level"]
        rows = []
        for coefficient, members in groups.items():
            truth = np.array([task.truth[name] for name in members])
            means, hits = posterior.means_and_hits(draws, members, truth, level)
            agreement = posterior.agreement(means, truth)
            finite.hold("rmse that is", {coefficient: agreement["rmse"]})
            rows.append(
                {
                    "coefficient": coefficient,
                    "n_participants": len(members),
                    **agreement,
                    "level": level,
                    "coverage": hits.mean(),
                }
            )
        return rows


def _summary(
    draws: Draws, names: Sequence[str], intervals: Sequence[float]
) -> dict[str, np.ndarray]:
    """What `summarise` returns; draws that are too large to have moments fail the fit."""
    found = posterior.summarise(draws, names, intervals)
    for column, values in found.items():
        finite.hold(f"{column} that is", dict(zip(names, values, strict=True)))
    return found


def _estimates(
    task: Task, names: Sequence[str], summary: Mapping[str, np.ndarray]
) -> list[dict[str, Any]]:
    """A row a name: its true value, and what the draws say about it."""
    return [
        {"parameter": name, "truth": task.truth.get(name)}
        | {column: values[place] for column, values in summary.items()}
        for place, name in enumerate(names)
    ]


def fit_batch(
    data: Columns,
    truth: Columns | None,
    fitter: Fitter,
    keep: Callable[[int, Draws], None] | None = None,
) -> dict[str, dict]:
    """Fit a model to every replicate of a batch.

    Parameters
    ----------
    data, truth : dict of ndarray
        The columns of these tables, sorted by replicate; no truth for observed data.
    keep : callable, optional
        What is done with a replicate's draws, where the study keeps them.

    Returns
    -------
    dict
        The columns of the tables `estimates`, `participants` and `diagnostics`, and of `loo`
        where it is asked for. Every attempt has its row in `diagnostics`, with its error if
        it failed; the others are of the first attempt that converged, else of the last that
        did not fail.

    Raises
    ------
    EngineError
        When the engine cannot serve the program at all, the program cannot read the data of
        replicate 1, or the machine failed.
    """
    specification = fitter.specification
    keys = {name: specification[name] for name in ("scenario", "model", "prior")}
    rows = {"estimates": [], "participants": [], "diagnostics": [], "loo": []}
    with Child(fitter, specification["sampler"]["time_limit"]) as child:
        for task in _tasks(data, truth, specification.get("only")):
            fit_keys = {**keys, "replicate": task.replicate}
            fit = None
            for attempt in _attempts(child, task, fitter):
                rows["diagnostics"].append(fit_keys | attempt.diagnostics)
                if fit is None or attempt.diagnostics["status"] == "ok":
                    fit = attempt
            rows["estimates"] += [fit_keys | row for row in fit.estimates]
            rows["participants"] += [fit_keys | row for row in fit.participants]
            rows["loo"] += [fit_keys | row for row in fit.loo]
            if fit.draws is not None:
                keep(task.replicate, fit.draws)
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
        **({"loo": tables.LOO} if "leave_out" in specification else {}),
    }


def _tasks(
    data: Columns, truth: Columns | None, only: Sequence[int] | None = None
) -> Iterator[Task]:
    """The fits of a batch, in order; `only` some of its replicates."""
    values = {name: column for name, column in data.items() if name != "replicate"}
    every = np.unique((data if truth is None else truth)["replicate"])
    for replicate in every if only is None else only:
        rows = data["replicate"] == replicate
        columns = {name: column[rows] for name, column in values.items()}
        named, reason = {}, None
        if truth is not None:
            mine = truth["replicate"] == replicate
            named = dict(zip(truth["parameter"][mine], truth["truth"][mine], strict=True))
            reason = truth["error"][mine][0]
        yield Task(int(replicate), columns, named, unsimulated=reason or "")


def _fit_or_failure(child: Child, task: Task, program: str | None = None) -> Fit:
    """A fit, or its error; data that the program cannot read are the study's where it is named."""
    try:
        return child.call(task)
    except EngineError:
        raise
    except ChildLostError as lost:
        error = str(lost)
    except Exception as raised:
        if isinstance(raised, OSError) and raised.errno in _OF_THE_MACHINE:
            raise _of_the_machine(raised) from None
        if isinstance(raised, DataError | stan_data.StanDataError) and program:
            raise EngineError(f"{program}: does not fit its data: {raised}") from None
        error = f"{type(raised).__name__}: {raised}"
    return _failed("fit", error)


def _failed(step: str, error: str) -> Fit:
    """A fit that failed, in one of the steps `simulation` and `fit`."""
    went = {"status": "failed", "failed_in": step, "converged": False}
    return Fit([], [], went | {"error": error[:LONGEST_ERROR]})


def _of_the_machine(error: OSError) -> MachineError:
    """An error that no fit is to blame for, in words."""
    return MachineError(
        f"{error.filename or tempfile.gettempdir()}: {error.strerror}. The machine failed, not "
        "a fit. Make room, or raise the limit, then run the same command again."
    )


def _attempts(child: Child, task: Task, fitter: Fitter) -> Iterator[Fit]:
    """Fit a dataset, and again with the next settings until it has converged or none are left.

    Where there is none to fit, that is all that one attempt says.
    """
    specification = fitter.specification
    program = fitter.program.path if task.replicate == 1 and fitter.program else None
    for number in range(1, (1 if task.unsimulated else fitter.n_attempts) + 1):
        if task.unsimulated:
            fit = _failed("simulation", f"simulation: {task.unsimulated}")
        else:
            fit = _fit_or_failure(child, replace(task, attempt=number), program)
        described = {
            "attempt": number,
            "engine": specification["engine"],
            "engine_version": specification["engine_version"],
            **fitter.described(task.replicate, number),
        }
        yield replace(fit, diagnostics=described | fit.diagnostics)
        if fit.diagnostics["converged"]:
            return
