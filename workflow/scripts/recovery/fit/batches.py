"""A batch of replicates, fitted one after another in a child process; failures become rows."""

from __future__ import annotations

import errno
import tempfile
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

LONGEST_ERROR = 2000
_MACHINE_ERRORS = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.ESTALE),
    *(errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE),
)


@dataclass(frozen=True)
class Task:
    """One fit: its replicate, data and, unless the data are observed, the values behind them.

    `unsimulated` says why there are no data; empty where there are.
    """

    replicate: int
    columns: Columns
    truth: Values
    attempt: int = 1
    simulation_error: str = ""


@dataclass(frozen=True)
class Fit:
    """What one fit adds to the tables; each entry is a row. Its draws only if they are kept."""

    estimates: list[dict]
    participants: list[dict]
    diagnostics: dict
    draws: Draws | None = None
    loo: list[dict] = field(default_factory=list)


class Fitter(Protocol):
    """What fits one method to one dataset after another; called in the child process."""

    specification: Mapping[str, Any]
    """`Design.fit` or `Design.fit_observed`."""

    @property
    def n_attempts(self) -> int:
        """How many settings are tried on a dataset."""

    @property
    def program(self) -> Program | None:
        """The Stan program, of a method that has one."""

    def __call__(self, task: Task) -> Fit:
        """Fit one dataset; RuntimeError says why there is no fit."""

    def attempt_columns(self, replicate: int, attempt: int) -> dict[str, Any]:
        """Return what a row of diagnostics says of an attempt, whether or not it succeeds."""


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
    rows: dict[str, list[dict]] = {name: [] for name in schemas(specification)}
    with Child(fitter, specification["sampler"]["time_limit"]) as child:
        for task in _tasks(data, truth, specification.get("only")):
            fit_keys = {**keys, "replicate": task.replicate}
            fit = None
            for attempt in _attempts(child, task, fitter):
                rows["diagnostics"].append(fit_keys | attempt.diagnostics)
                if fit is None or attempt.diagnostics["status"] == "ok":
                    fit = attempt
            assert fit is not None  # there is an attempt in any case
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
        yield Task(int(replicate), columns, named, simulation_error=reason or "")


def _fit_or_failure(child: Child, task: Task, program: str | None = None) -> Fit:
    """A fit, or its error; data that the program cannot read are the study's where it is named."""
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
    """A fit that failed, in one of the steps `simulation` and `fit`."""
    went = {"status": "failed", "failed_in": step, "converged": False}
    return Fit([], [], went | {"error": error[:LONGEST_ERROR]})


def _machine_error(error: OSError) -> MachineError:
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
    program = fitter.program.path if task.replicate == 1 and fitter.program is not None else None
    for number in range(1, (1 if task.simulation_error else fitter.n_attempts) + 1):
        if task.simulation_error:
            fit = _failed_fit("simulation", f"simulation: {task.simulation_error}")
        else:
            fit = _fit_or_failure(child, replace(task, attempt=number), program)
        described = {
            "attempt": number,
            "engine": specification["engine"],
            "engine_version": specification["engine_version"],
            **fitter.attempt_columns(task.replicate, number),
        }
        yield replace(fit, diagnostics=described | fit.diagnostics)
        if fit.diagnostics["converged"]:
            return
