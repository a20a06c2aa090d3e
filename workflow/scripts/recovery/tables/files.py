"""Writing and reading tables.

A table appears under its name only when it is complete. What decided its numbers, its
identity, stands in its footer, and so does the hash of its content, which every reading checks.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from recovery.common.errors import StaleTableError
from recovery.tables import checksum
from recovery.tables.batch_schemas import REAL, column

Columns = Mapping[str, Sequence]
MOST_NAMED = 50  # stale files; of more, their folders, or those above
SETTLED = 2e9  # nanoseconds after which a file that changes again is sure to have another time
_checked: dict[tuple, Mapping[bytes, bytes]] = {}  # footers of whole files, by `_state`


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
    with whole(path) as beside:
        with _writing(beside, table.schema) as writer:
            writer.write_table(table)
        checksum.seal(beside)


def _described(schema: pa.Schema, identity: str, seconds: Mapping | None = None) -> pa.Schema:
    return schema.with_metadata({"identity": identity, "seconds": json.dumps(seconds or {})})


@contextlib.contextmanager
def _writing(path: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """Yield a writer of a table that `checksum.seal` makes whole."""
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        writer.add_key_value_metadata({checksum.KEY: checksum.UNSEALED})
        yield writer


@contextlib.contextmanager
def appending(path: str | Path, schema: pa.Schema, identity: str) -> Iterator[Callable]:
    """Yield a function that adds rows to a table, which appears when all are there.

    Each call is a row group of its own, so that no more than one is held in memory.
    Columns that the schema lacks are real; they must be the same in all calls.
    """
    with whole(path) as beside:
        with contextlib.ExitStack() as stack:
            writer = None

            def append(columns: Columns) -> None:
                nonlocal writer
                own = [column(name, REAL) for name in columns if name not in schema.names]
                described = _described(pa.schema([*schema, *own]), identity)
                if writer is None:
                    writer = stack.enter_context(_writing(beside, described))
                writer.write_table(pa.table(dict(columns), schema=described))

            yield append
            if writer is None:
                append({name: [] for name in schema.names})
        checksum.seal(beside)


def write_csv(path: str | Path, source: str | Path) -> None:
    """Write the CSV twin of a Parquet table."""
    content = _as_csv(source)
    replace(path, lambda beside: beside.write_bytes(content))


def is_csv_of(path: str | Path, source: str | Path) -> bool:
    """Whether a CSV file holds what a Parquet table does, as `write_csv` writes it."""
    if not stat.S_ISREG(Path(path).stat().st_mode):
        return False
    return Path(path).read_bytes() == _as_csv(source)


def _as_csv(source: str | Path) -> bytes:
    with _opened(source) as file:
        table = pq.read_table(file, use_threads=False, pre_buffer=False)
    written = io.BytesIO()
    pa.csv.write_csv(table, written)
    return written.getvalue()


def replace(path: str | Path, write_to: Callable[[Path], Any]) -> None:
    """Let `write_to` make a file beside `path`, then rename it into place."""
    with whole(path) as beside:
        write_to(beside)


def write_lines(path: str | Path, lines: Iterable[str]) -> None:
    """Write a text file, whole or not at all."""
    text = "".join(f"{line}\n" for line in lines)
    replace(path, lambda beside: beside.write_text(text, encoding="utf-8"))


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
    with _opened(path) as file:
        table = pq.read_table(
            file, columns=columns, filters=filters, use_threads=False, pre_buffer=False
        )
    return {
        name: column.to_numpy(zero_copy_only=False)
        for name, column in zip(table.column_names, table.columns, strict=True)
    }


@contextlib.contextmanager
def _opened(path: str | Path) -> Iterator[pa.OSFile]:
    """Open a table whose content is what was written; StaleTableError if it is not.

    The file is Arrow's: its threads may outlive the reading, and one that lets go of a file of
    Python's while the interpreter ends aborts the process.
    """
    with _refusing(path):
        if not stat.S_ISREG(Path(path).stat().st_mode):  # opening a pipe would wait for ever
            raise checksum.DamagedError
        with pa.OSFile(str(path), "rb") as file:
            _footer(file)
            file.seek(0)
            yield file


@contextlib.contextmanager
def _refusing(path: str | Path) -> Iterator[None]:
    """Say of a file that is no whole table that it is none, and how to be rid of it."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise
    except (OSError, pa.ArrowException, checksum.DamagedError):
        raise damaged([path]) from None


def _footer(file: pa.OSFile) -> Mapping[bytes, bytes]:
    """What a whole table says of itself; its content is read once for as long as it stays."""
    state = _state(found := os.fstat(file.fileno()))
    if state in _checked:
        return _checked[state]
    checksum.check(file)
    file.seek(0)
    metadata = pq.read_schema(file).metadata
    if time.time_ns() - max(found.st_mtime_ns, found.st_ctime_ns) > SETTLED:
        _checked[state] = metadata
    return metadata


def _state(found: os.stat_result) -> tuple:
    """What changes when a file does."""
    times = found.st_mtime_ns, found.st_ctime_ns
    return found.st_dev, found.st_ino, found.st_size, *times


def _metadata(path: str | Path) -> Mapping[bytes, bytes]:
    """What a whole table says of itself: a plan asks many times."""
    with _refusing(path):
        if (known := _checked.get(_state(Path(path).stat()))) is not None:
            return known
        with _opened(path) as file:
            return _footer(file)


def damaged(paths: Sequence[str | Path]) -> StaleTableError:
    """Return the error that names tables that are not whole and says how to be rid of them."""
    one = len(paths) == 1
    which = f"{paths[0]}: is" if one else f"{len(paths)} tables are"
    return StaleTableError(
        f"{which} cut short or damaged, or made by another version than this one. "
        f"Remove {'it' if one else 'them'}, then run the same command again:\n{_removing(paths)}"
    )


def _removing(paths: Sequence[str | Path]) -> str:
    """The command that removes files; of very many, folders that hold them."""
    named, many = dict.fromkeys(map(Path, paths)), len(paths) > MOST_NAMED
    while len(named) > MOST_NAMED:
        named = dict.fromkeys(path.parent for path in named)
    folders = many or any(map(os.path.isdir, named))
    return shlex.join(["rm", *(["-r"] if folders else []), *map(str, named)])


def refuse_damaged(content: bytes) -> None:
    """Refuse the content of a table of ours that is not what was written; ValueError says so."""
    try:
        checksum.check_ours(content)
    except checksum.DamagedError:
        raise ValueError("is cut short or damaged") from None


def stale(paths: Sequence[str | Path]) -> StaleTableError:
    """Return the error that names stale tables and says how to be rid of them."""
    return StaleTableError(
        f"{len(paths)} {'table was' if len(paths) == 1 else 'tables were'} made by another study "
        "file, program or version than this one. Remove, then run the same command again:\n"
        f"{_removing(paths)}"
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
) -> Any:
    """Read tables of one schema as a pandas DataFrame, one below the other.

    Columns named in `categories` become categorical: small, and quick to group by.
    """
    parts = []
    for path in paths:
        with _opened(path) as file:
            whole_table = pq.ParquetFile(file, read_dictionary=categories)
            parts.append(whole_table.read(columns, use_threads=False))
    return pa.concat_tables(parts).unify_dictionaries().to_pandas(use_threads=False)


def read_identity(path: str | Path) -> str:
    """Return the identity in a table's footer."""
    return _metadata(path)[b"identity"].decode()


def read_seconds(path: str | Path) -> dict[str, float]:
    """Return what a table's job cost, from its footer."""
    return json.loads(_metadata(path)[b"seconds"])


def are_current(paths: Iterable[str | Path], identity: str) -> bool:
    """Whether all these tables stand, made by exactly what this identity stands for.

    Raises
    ------
    StaleTableError
        When one of them is not whole.
    """
    try:
        return all(read_identity(path) == identity for path in paths)
    except (FileNotFoundError, NotADirectoryError):
        return False
