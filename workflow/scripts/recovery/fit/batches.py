"""A batch of replicates, fitted in sequence in a child process; a failed fit is a row."""

from __future__ import annotations

import errno
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from recovery import tables
from recovery.common.errors import EngineError, MachineError
from recovery.common.worker import Child, ChildLostError
from recovery.engines import stan_data
from recovery.engines.protocol import DataError, Draws, Program
from recovery.families.family import Columns, Values
from recovery.fit import draws

LONGEST_ERROR = 2000  # characters
_MACHINE_ERRORS = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.ESTALE),
    *(errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE),
)


@dataclass(frozen=True)
class Task:
    """One dataset to fit: its replicate, its columns and, if it was simulated, its true values.

    `simulation_error` says why the dataset could not be simulated; it is empty if it was.
    """

    replicate: int
    columns: Columns
    truth: Values
    attempt: int = 1
    simulation_error: str = ""


@dataclass(frozen=True)
class Fit:
    """The rows that one fit adds to the tables, and its draws if they are kept."""

    estimates: list[dict]
    participants: list[dict]
    diagnostics: dict
    draws: Draws | None = None
    loo: list[dict] = field(default_factory=list)


class Fitter(Protocol):
    """Fits one method, one dataset per call; called in the child process."""

    specification: Mapping[str, Any]
    """`Design.fit` or `Design.fit_observed`."""

    @property
    def n_attempts(self) -> int:
        """Largest number of attempts at a dataset, each with its own settings."""

    @property
    def program(self) -> Program | None:
        """The Stan program; None for a method without one."""

    def __call__(self, task: Task) -> Fit:
        """Fit one dataset; RuntimeError with the reason if the fit fails."""

    def attempt_columns(self, replicate: int, attempt: int) -> dict[str, Any]:
        """Return the columns of diagnostics that are known before the attempt."""


def fit_files(fitter: Fitter, inputs: Mapping[str, str], outputs: Mapping[str, str]) -> None:
    """Fit every dataset of a batch and write the tables of the batch.

    Parameters
    ----------
    inputs : mapping
        The files of the tables `data` and, unless the data are observed, `truth`.
    outputs : mapping
        A file for each table; `draws` only if the study keeps draws.
    """
    specification, started = fitter.specification, time.process_time()
    dataset, identity = specification["dataset"], specification["identity"]
    data = tables.read_of(inputs["data"], dataset)
    truth = tables.read_of(inputs["truth"], dataset) if "truth" in inputs else None
    with draws.writer(outputs.get("draws"), identity) as write_draws:
        batch = fit_batch(data, truth, fitter, write_draws)
    for name, schema in schemas(specification).items():
        cost = {"start": started, "tables": time.process_time() - started}
        tables.write(batch[name], outputs[name], schema, identity, cost)


def fit_batch(
    data: Columns,
    truth: Columns | None,
    fitter: Fitter,
    write_draws: Callable[[int, Draws], None] | None = None,
) -> dict[str, dict]:
    """Fit a model to every replicate of a batch.

    Parameters
    ----------
    data, truth : dict of ndarray
        The columns of these tables, sorted by replicate; no truth for observed data.
    write_draws : callable, optional
        Called with each replicate's number and draws, if the study keeps draws.

    Returns
    -------
    dict
        The columns of the tables `estimates`, `participants` and `diagnostics`, and of `loo`
        if the study has `leave_out`. Every attempt has its row in `diagnostics`, with its error
        if it failed. The other tables have the first attempt that converged or, if none did, the
        last that did not fail.

    Raises
    ------
    EngineError
        If the engine cannot run the program, the program cannot read the data of replicate 1,
        or the machine fails.
    """
    specification = fitter.specification
    keys = {name: specification[name] for name in ("scenario", "model", "prior")}
    rows: dict[str, list[dict]] = {name: [] for name in schemas(specification)}
    with Child(fitter, specification["sampler"]["time_limit"]) as child:
        for task in _tasks(data, truth, specification.get("only")):
            fit_keys = {**keys, "replicate": task.replicate}
            fit = None
            for attempt in _attempts(child, task, fitter):
                rows["diagnostics"].append(fit_keys | attempt.diagnostics)
                if fit is None or attempt.diagnostics["status"] == "ok":
                    fit = attempt
            assert fit is not None  # there is at least one attempt
            rows["estimates"] += [fit_keys | row for row in fit.estimates]
            rows["participants"] += [fit_keys | row for row in fit.participants]
            if "loo" in rows:
                rows["loo"] += [fit_keys | row for row in fit.loo]
            if write_draws is not None and fit.draws is not None:
                write_draws(task.replicate, fit.draws)
    return {
        name: tables.from_rows(rows[name], schema)
        for name, schema in schemas(specification).items()
    }


def schemas(specification: Mapping[str, Any]) -> dict:
    """Return the schemas of the tables of a batch of fits."""
    return {
        "estimates": tables.estimates_schema(specification["intervals"]),
        "participants": tables.PARTICIPANTS,
        "diagnostics": tables.DIAGNOSTICS,
        **({"loo": tables.LOO} if "leave_out" in specification else {}),
    }


def _tasks(
    data: Columns, truth: Columns | None, only: Sequence[int] | None = None
) -> Iterator[Task]:
    """The datasets of a batch, in order; `only` restricts them to some replicates."""
    values = {name: column for name, column in data.items() if name != "replicate"}
    replicates = np.unique((data if truth is None else truth)["replicate"])
    for replicate in replicates if only is None else only:
        rows = data["replicate"] == replicate
        columns = {name: column[rows] for name, column in values.items()}
        true_values, error = {}, None
        if truth is not None:
            rows = truth["replicate"] == replicate
            true_values = dict(zip(truth["parameter"][rows], truth["truth"][rows], strict=True))
            error = truth["error"][rows][0]
        yield Task(int(replicate), columns, true_values, simulation_error=error or "")


def _fit_or_failure(child: Child, task: Task, program: str | None = None) -> Fit:
    """A fit, or a failed one; if `program` is given, unreadable data are an EngineError."""
    try:
        return child.call(task)
    except EngineError:
        raise
    except ChildLostError as lost:
        error = str(lost)
    except Exception as raised:
        if isinstance(raised, OSError) and raised.errno in _MACHINE_ERRORS:
            raise _machine_error(raised) from None
        if isinstance(raised, DataError | stan_data.StanDataError) and program:
            raise EngineError(f"{program}: does not fit its data: {raised}") from None
        error = f"{type(raised).__name__}: {raised}"
    return _failed_fit("fit", error)


def _failed_fit(step: str, error: str) -> Fit:
    """A failed fit; `step` is `simulation` or `fit`."""
    outcome = {"status": "failed", "failed_in": step, "converged": False}
    return Fit([], [], outcome | {"error": error[:LONGEST_ERROR]})


def _machine_error(error: OSError) -> MachineError:
    """The error of a machine that fails: a full disk, too little memory and the like."""
    return MachineError(
        f"{error.filename or tempfile.gettempdir()}: {error.strerror}. The machine failed, not "
        "a fit. Make room, or raise the limit, then run the same command again."
    )


def _attempts(child: Child, task: Task, fitter: Fitter) -> Iterator[Fit]:
    """Fit a dataset with one setting after another until a fit converges.

    A dataset that could not be simulated has one failed attempt.
    """
    specification = fitter.specification
    program = fitter.program.path if task.replicate == 1 and fitter.program is not None else None
    for number in range(1, (1 if task.simulation_error else fitter.n_attempts) + 1):
        if task.simulation_error:
            fit = _failed_fit("simulation", f"simulation: {task.simulation_error}")
        else:
            fit = _fit_or_failure(child, replace(task, attempt=number), program)
        known = {
            "attempt": number,
            "engine": specification["engine"],
            "engine_version": specification["engine_version"],
            **fitter.attempt_columns(task.replicate, number),
        }
        yield replace(fit, diagnostics=known | fit.diagnostics)
        if fit.diagnostics["converged"]:
            return
