"""Writing and reading tables.

A table appears under its name only when it is complete. What decided its numbers, its
identity, stands in its footer.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from recovery.tables.batches import REAL, column

Columns = Mapping[str, Sequence]
MOST_NAMED = 50  # stale files; of more, their folders


def from_rows(rows: Sequence[Mapping], schema: pa.Schema) -> dict[str, list]:
    """Turn rows into the columns of a schema; what a row does not have is null."""
    return {name: [row.get(name) for row in rows] for name in schema.names}


def write(
    columns: Columns,
    path: str | Path,
    schema: pa.Schema,
    identity: str,
    seconds: Mapping[str, float] | None = None,
) -> None:
    """Write a whole table or nothing: beside its place first, then renamed into it.

    Parameters
    ----------
    columns : mapping of str to sequence
        Every column of the schema; NaN is written as null.
    identity : str
        The hash of what decided the numbers, for the footer.
    seconds : mapping of str to float, optional
        What its job cost, for the footer.
    """
    arrays = [pa.array(columns[field.name], field.type, from_pandas=True) for field in schema]
    table = pa.Table.from_arrays(arrays, schema=_described(schema, identity, seconds))
    replace(path, lambda beside: pq.write_table(table, beside, compression="zstd"))


def _described(schema: pa.Schema, identity: str, seconds: Mapping | None = None) -> pa.Schema:
    return schema.with_metadata({"identity": identity, "seconds": json.dumps(seconds or {})})


@contextlib.contextmanager
def appending(path: str | Path, schema: pa.Schema, identity: str) -> Iterator[Callable]:
    """Yield a function that adds rows to a table, which appears when all are there.

    Each call is a row group of its own, so that no more than one is held in memory.
    Columns that the schema lacks are real; they must be the same in all calls.
    """
    writer = None
    with whole(path) as beside:

        def append(columns: Columns) -> None:
            nonlocal writer
            own = [column(name, REAL) for name in columns if name not in schema.names]
            described = _described(pa.schema([*schema, *own]), identity)
            if writer is None:
                writer = pq.ParquetWriter(beside, described, compression="zstd")
            writer.write_table(pa.table(dict(columns), schema=described))

        try:
            yield append
            if writer is None:
                append({name: [] for name in schema.names})
        finally:
            if writer is not None:
                writer.close()


def write_csv(path: str | Path, source: str | Path) -> None:
    """Write the CSV twin of a Parquet table."""
    table = pq.read_table(source)
    replace(path, lambda beside: pa.csv.write_csv(table, beside))


def replace(path: str | Path, write_to: Callable[[Path], Any]) -> None:
    """Let `write_to` make a file beside `path`, then rename it into place."""
    with whole(path) as beside:
        write_to(beside)


@contextlib.contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Yield a place beside `path`; what stands there is renamed to `path` if all went well.

    What a killed process left beside it is removed.
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f".{path.name}.*"):
            left.unlink(missing_ok=True)
        yield beside
        beside.replace(path)
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    finally:
        with contextlib.suppress(OSError):  # nothing stands there where nothing can be written
            beside.unlink()


def read(
    path: str | Path, columns: Sequence[str] | None = None, filters: Sequence[tuple] | None = None
) -> dict[str, np.ndarray]:
    """Read a table's columns as arrays; null numbers become NaN. Filters are pyarrow's."""
    with _whole_file(path):
        table = pq.read_table(
            path, columns=columns, filters=filters, use_threads=False, pre_buffer=False
        )
    return {
        name: column.to_numpy(zero_copy_only=False)
        for name, column in zip(table.column_names, table.columns, strict=True)
    }


class StaleTableError(Exception):
    """A table is not what this study asks for, or not whole; the message has the cure."""


@contextlib.contextmanager
def _whole_file(path: str | Path) -> Iterator[None]:
    """Say of a file that is no whole Parquet file that it is none, and how to be rid of it."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowInvalid):
        raise StaleTableError(
            f"{path}: is cut short or damaged. Remove it, then run the same command again:\n"
            f"rm {path}"
        ) from None


def stale(paths: Sequence[str | Path]) -> StaleTableError:
    """Return the error that names stale tables and says how to be rid of them."""
    many = len(paths) > MOST_NAMED
    named = dict.fromkeys(Path(path).parent if many else path for path in paths)
    return StaleTableError(
        f"{len(paths)} {'table was' if len(paths) == 1 else 'tables were'} made by another study "
        "file, program or version than this one. Remove, then run the same command again:\n"
        f"rm {'-r ' if many else ''}{' '.join(map(str, named))}"
    )


def read_of(
    path: str | Path, identity: str, columns: Sequence[str] | None = None
) -> dict[str, np.ndarray]:
    """Read a table that this identity made; StaleTableError if another did."""
    if not are_current([path], identity):
        raise stale([path])
    return read(path, columns)


def read_frame(
    paths: Iterable[str | Path],
    columns: Sequence[str] | None = None,
    categories: Sequence[str] = (),
):
    """Read tables of one schema as a pandas DataFrame, one below the other.

    Columns named in `categories` become categorical: small, and quick to group by.
    """
    parts = []
    for path in paths:
        with _whole_file(path):
            file = pq.ParquetFile(path, read_dictionary=categories)
            parts.append(file.read(columns, use_threads=False))
    return pa.concat_tables(parts).unify_dictionaries().to_pandas()


def read_identity(path: str | Path) -> str | None:
    """Return the identity in a table's footer; None if it has none."""
    found = Path(path).stat()
    return _identity(str(path), found.st_mtime_ns, found.st_size)


@functools.cache
def _identity(path: str, *_changes: int) -> str | None:
    """Read an identity once for as long as its file does not change: a plan asks many times."""
    with _whole_file(path):
        metadata = pq.read_schema(path).metadata or {}
    identity = metadata.get(b"identity")
    return identity.decode() if identity else None


def read_seconds(path: str | Path) -> dict[str, float]:
    """Return what a table's job cost, from its footer."""
    with _whole_file(path):
        return json.loads(pq.read_schema(path).metadata[b"seconds"])


def are_current(paths: Iterable[str | Path], identity: str) -> bool:
    """Whether all these tables stand, made by exactly what this identity stands for.

    Raises
    ------
    StaleTableError
        When one of them is not whole.
    """
    try:
        return all(read_identity(path) == identity for path in paths)
    except FileNotFoundError:
        return False
