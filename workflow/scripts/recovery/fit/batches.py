"""A batch of replicates, fitted in sequence in a child process; a failed fit is a row."""

from __future__ import annotations

import errno
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from recovery import tables
from recovery.common.errors import EngineError, MachineError
from recovery.common.replicate_ranges import numbers_in
from recovery.common.worker import Child, ChildLostError
from recovery.engines import stan_data
from recovery.engines.protocol import DataError, Draws, Program
from recovery.families.family import Columns, Values
from recovery.fit import draws, standing

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
    groups: list[dict]
    diagnostics: dict
    draws: Draws | None = None
    loo: list[dict] = field(default_factory=list)
    evidence: list[dict] = field(default_factory=list)


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


def fit_files(fitters: Sequence[Fitter], outputs: Mapping[str, Sequence[str]]) -> None:
    """Make one or several batches of fits, and write their tables; fits that stand are kept.

    Parameters
    ----------
    fitters : sequence of Fitter
        One for each batch. `datasets` in its specification has the files of the tables `data` and,
        unless the data are observed, `truth`.
    outputs : mapping
        Table -> a file for each batch; `draws` only if the study keeps draws.
    """
    spent = {"start": time.process_time(), "tables": 0.0}
    datasets = _Datasets()
    for place, fitter in enumerate(fitters):
        files = {table: each[place] for table, each in outputs.items()}
        with standing.taken(files):
            _make_batch(fitter, datasets, files, spent)
        spent = {"start": 0.0, "tables": 0.0}
    for place in range(len(fitters)):
        standing.remove_parts({table: each[place] for table, each in outputs.items()})


def _make_batch(
    fitter: Fitter, datasets: _Datasets, files: Mapping[str, str], spent: Mapping[str, float]
) -> None:
    """Make the fits of a batch that do not stand; `spent` is the processor time until now."""
    specification, started = fitter.specification, time.process_time()
    replicates = numbers_in(specification["replicates"])
    batch = standing.Standing(files, schemas(specification), specification["identity"], replicates)
    if batch.sources:
        total = f"{len(batch.sources):,} of {len(replicates):,} fits stand"
        print(f"{files['diagnostics']}: {total}", file=sys.stderr)
    if batch.missing:
        for fit in fits(*datasets.of(specification, batch.missing), fitter):
            kept = fit.draws if "draws" in files else None
            columns = None if kept is None else draws.columns_of(fit.replicate, kept)
            batch.add(fit.replicate, fit.rows, columns)
    batch.finish({**spent, "tables": spent["tables"] + time.process_time() - started})


class _Datasets:
    """The datasets of a job, of which the last file is kept."""

    def __init__(self) -> None:
        self.files: Mapping[str, str] = {}
        self.tables: dict[str, Columns] = {}

    def of(
        self, specification: Mapping[str, Any], replicates: Sequence[int]
    ) -> tuple[Columns, Columns | None]:
        """Return the rows of `data` and `truth` of some replicates; no truth of observed data."""
        files = specification["datasets"]
        if files != self.files:
            identity = specification["dataset"]
            self.tables = {name: tables.read_of(file, identity) for name, file in files.items()}
            self.files = files
        rows = {name: _rows_of(table, replicates) for name, table in self.tables.items()}
        known = rows["truth" if "truth" in rows else "data"]["replicate"]
        if not set(replicates) <= set(known):
            raise tables.stale_tables_error([*files.values()])
        return rows["data"], rows.get("truth")


def _rows_of(table: Columns, replicates: Sequence[int]) -> Columns:
    rows = np.isin(table["replicate"], replicates)
    return {name: column[rows] for name, column in table.items()}


def fit_batch(
    data: Columns,
    truth: Columns | None,
    fitter: Fitter,
    write_draws: Callable[[int, Draws], None] | None = None,
) -> dict[str, dict]:
    """Fit a model to every replicate, and return the columns of the tables of `schemas`.

    Parameters
    ----------
    data, truth, fitter
        As for `fits`.
    write_draws : callable, optional
        Called with each replicate's number and draws, if the fitter returns draws.
    """
    rows: dict[str, list[dict]] = {name: [] for name in schemas(fitter.specification)}
    for fit in fits(data, truth, fitter):
        for name, more in fit.rows.items():
            rows[name] += more
        if write_draws is not None and fit.draws is not None:
            write_draws(fit.replicate, fit.draws)
    return {
        name: tables.from_rows(rows[name], schema)
        for name, schema in schemas(fitter.specification).items()
    }


@dataclass(frozen=True)
class FitRows:
    """The rows of a replicate's fit for each table of `schemas`, and its draws if returned."""

    replicate: int
    rows: dict[str, list[dict]]
    draws: Draws | None


def fits(data: Columns, truth: Columns | None, fitter: Fitter) -> Iterator[FitRows]:
    """Fit a model to every replicate of some datasets.

    Every attempt has its row in `diagnostics`, with its error if it failed. The other tables have
    the first attempt that converged or, if none did, the last that did not fail.

    Parameters
    ----------
    data, truth : dict of ndarray
        The columns of these tables, sorted by replicate; no truth for observed data.

    Raises
    ------
    EngineError
        If the engine cannot run the program, the program cannot read the data of replicate 1,
        or the machine fails.
    """
    specification = fitter.specification
    with Child(fitter, specification["sampler"]["time_limit"]) as child:
        for task in _tasks(data, truth):
            attempts = list(_attempts(child, task, fitter))
            usable = [each for each in attempts if each.diagnostics["status"] == "ok"]
            fit = usable[-1] if usable else attempts[0]
            rows = {
                "estimates": fit.estimates,
                "groups": fit.groups,
                "diagnostics": [attempt.diagnostics for attempt in attempts],
                **({"loo": fit.loo} if "leave_out" in specification else {}),
                **({"evidence": fit.evidence} if "evidence" in specification else {}),
            }
            keys = {name: specification[name] for name in ("scenario", "model", "prior")}
            keys["replicate"] = task.replicate
            keyed = {name: [keys | row for row in each] for name, each in rows.items()}
            yield FitRows(task.replicate, keyed, fit.draws)


def schemas(specification: Mapping[str, Any]) -> dict:
    """Return the schemas of the tables of a batch of fits."""
    return {
        "estimates": tables.estimates_schema(specification["intervals"]),
        "groups": tables.GROUPS,
        "diagnostics": tables.DIAGNOSTICS,
        **({"loo": tables.LOO} if "leave_out" in specification else {}),
        **({"evidence": tables.EVIDENCE} if "evidence" in specification else {}),
    }


def _tasks(data: Columns, truth: Columns | None) -> Iterator[Task]:
    """The datasets of a batch, in order."""
    values = {name: column for name, column in data.items() if name != "replicate"}
    for replicate in np.unique((data if truth is None else truth)["replicate"]):
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
