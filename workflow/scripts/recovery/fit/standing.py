"""The fits of a batch that stand, so that a job makes only the others.

They are in the batch's tables, from a run with other replicates, or in the parts of tables that a
job writes while it is at work, and that stay if it is killed. A fit stands if every table or part
that has its rows has the identity of the fits.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from recovery import tables
from recovery.common import locks
from recovery.common.replicate_ranges import as_ranges, numbers_in

SECONDS = 10.0
"""Work that a killed job may lose, besides the fit that it is at."""
BYTES = 50_000_000
"""Of draws that are held before they are written."""
Rows = Mapping[str, Sequence[Mapping]]
Columns = Mapping[str, np.ndarray]


@contextmanager
def taken(files: Mapping[str, str]) -> Iterator[None]:
    """Wait for another job that makes the same batch, as after a restart on a cluster."""
    with locks.alone(parts_folder(files["diagnostics"]) / "lock"):
        yield
    _remove_folders(files)


def remove_parts(files: Mapping[str, str]) -> None:
    """Remove the parts of the tables of a batch, when the job of the batch is at its end."""
    for file in files.values():
        for part in parts_folder(file).glob("*.part"):
            part.unlink(missing_ok=True)
    _remove_folders(files)


def _remove_folders(files: Mapping[str, str]) -> None:
    for file in files.values():
        with suppress(OSError):  # it does not exist, or it has parts or the lock of a waiting job
            parts_folder(file).rmdir()


class Standing:
    """The fits of a batch that stand, and those that a job adds.

    Parameters
    ----------
    files : mapping
        Table -> its file: `diagnostics`, and others of `schemas`; `draws` if they are kept.
    schemas : mapping
        Table -> its schema; `draws` is left out.
    identity : str
        The identity of the fits.
    replicates : sequence of int
        The replicates that the tables are to have.
    """

    def __init__(
        self,
        files: Mapping[str, str],
        schemas: Mapping[str, Any],
        identity: str,
        replicates: Sequence[int],
    ):
        last = ["diagnostics"]  # a replicate counts as finished when it is there
        self.files = {table: files[table] for table in [*(set(files) - set(last)), *last]}
        self.schemas, self.identity = schemas, identity
        self.replicates = replicates
        self.existed = any(Path(file).exists() for file in files.values())
        self.sources = {number: files for number, files in self._found() if number in {*replicates}}
        self.missing = [number for number in replicates if number not in self.sources]
        self._clear()
        self.written = time.monotonic()

    def _clear(self) -> None:
        self.added: list[int] = []
        self.rows: dict[str, list[Mapping]] = {table: [] for table in self.schemas}
        self.draws: list[Columns] = []

    def _found(self) -> Iterator[tuple[int, Mapping[str, Path]]]:
        """Yield each replicate that stands, and the file of each table that has its rows.

        They are files of one moment: the tables, or the parts of one name. Those that count come
        last.
        """
        names = {part.name for part in parts_folder(self.files["diagnostics"]).glob("*.part")}
        parts = [{t: parts_folder(f) / name for t, f in self.files.items()} for name in names]
        for files in [*parts, {table: Path(file) for table, file in self.files.items()}]:
            if not all(file.exists() for file in files.values()):
                continue
            if {tables.read_identity(file) for file in files.values()} != {self.identity}:
                continue
            numbers = [numbers_in(tables.read_replicates(file)) for file in files.values()]
            yield from ((number, files) for number in set(numbers[0]).intersection(*numbers))

    def add(self, replicate: int, rows: Rows, draws: Columns | None) -> None:
        """Add the rows of one fit, and from time to time write what was added."""
        self.added.append(replicate)
        for table, more in rows.items():
            self.rows[table] += more
        if draws is not None:
            self.draws.append(draws)
        held = sum(column.nbytes for fit in self.draws for column in fit.values())
        if time.monotonic() - self.written > SECONDS or held > BYTES:
            self._write_parts()

    def _write_parts(self) -> None:
        """Write the fits that were added since the last call."""
        ranges, name = as_ranges(self.added), f"{self.added[0]:05d}.part"
        for table, file in self.files.items():
            part = parts_folder(file) / name
            if table == "draws":
                with tables.appending(part, tables.DRAWS, self.identity, ranges) as append:
                    for draws in self.draws:
                        append(draws)
                continue
            schema = self.schemas[table]
            columns = tables.from_rows(self.rows[table], schema)
            tables.write(columns, part, schema, self.identity, replicates=ranges)
        written = {table: parts_folder(file) / name for table, file in self.files.items()}
        self.sources |= dict.fromkeys(self.added, written)
        self._clear()
        self.written = time.monotonic()

    def finish(self, seconds: Mapping[str, float]) -> None:
        """Write the tables of all replicates.

        Snakemake puts back tables that existed if the job fails later, so the fits that were added
        to them are kept as parts until `remove_parts`.

        Parameters
        ----------
        seconds : mapping
            What the job cost, by step; what earlier jobs cost is added.
        """
        ranges = as_ranges(self.replicates)
        if self.existed and self.added:
            self._write_parts()
        for table, file in self.files.items():
            if not self.missing and tables.are_current([file], self.identity, ranges):
                continue
            if table == "draws":
                self._finish_draws(ranges)
                continue
            schema, standing = self.schemas[table], self._rows_by_file(table)
            rows = [tables.read_rows(each, numbers) for each, numbers in standing.items()]
            cost = dict(seconds)
            if Path(file) in standing:
                before = tables.read_seconds(file)
                cost = {step: cost[step] + before.get(step, 0.0) for step in cost}
            columns = tables.from_rows(self.rows[table], schema)
            tables.write(columns, file, schema, self.identity, cost, ranges, rows)

    def _rows_by_file(self, table: str) -> dict[Path, list[int]]:
        """The files with rows that stand, and the replicates to be read from each."""
        found: dict[Path, list[int]] = {}
        for number in sorted(self.sources):
            found.setdefault(self.sources[number][table], []).append(number)
        return found

    def _finish_draws(self, ranges: str) -> None:
        standing = self._rows_by_file("draws")
        with tables.appending(self.files["draws"], tables.DRAWS, self.identity, ranges) as append:
            for file, numbers in standing.items():
                for fit in tables.read_row_groups(file):
                    if fit["replicate"].size and fit["replicate"][0] in numbers:
                        append(fit)
            for draws in self.draws:
                append(draws)


def parts_folder(file: str | Path) -> Path:
    """The folder of the parts of a table, beside it."""
    return Path(file).with_suffix(".parts")
