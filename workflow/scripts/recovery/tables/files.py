"""Writing and reading tables.

A table appears under its name only when it is complete. Its footer has its identity (the hash of
what decided its numbers) and the hash of its content, which is checked whenever it is read.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import stat
import sys
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


class _NoPandas:
    """Lets pyarrow do without pandas, whose import takes 0.2 seconds, until a DataFrame is asked.

    pyarrow tries the import once, at its first array.
    """

    @staticmethod
    def find_spec(name: str, path: Any, target: Any = None) -> None:
        """Say that there is no pandas."""
        if name == "pandas":
            raise ImportError(name)


if "pandas" not in sys.modules:
    sys.meta_path.insert(0, _NoPandas)
    pa.array([])
    sys.meta_path.remove(_NoPandas)

Columns = Mapping[str, Sequence]
MOST_NAMED = 50  # stale files in a message; if there are more, it names their folders
SETTLED = 2e9  # nanoseconds after which another change is sure to change a file's time
_checked: dict[tuple, Mapping[bytes, bytes]] = {}  # footers of checked files, by `_state`


def from_rows(rows: Sequence[Mapping], schema: pa.Schema) -> dict[str, list]:
    """Turn rows into the columns of a schema; values that a row lacks are null."""
    return {name: [row.get(name) for row in rows] for name in schema.names}


def write(
    columns: Columns,
    path: str | Path,
    schema: pa.Schema,
    identity: str,
    seconds: Mapping[str, float] | None = None,
    replicates: str = "",
    standing: Sequence[pa.Table] = (),
) -> None:
    """Write a table: to a temporary file beside it first, which is then renamed.

    Parameters
    ----------
    columns : mapping of str to sequence
        Every column of the schema; NaN is written as null.
    identity : str
        The hash of what decided the numbers; it is written to the footer.
    seconds : mapping of str to float, optional
        What the job cost, by step; it is written to the footer.
    replicates : str
        The replicates of a batch, as `replicate_ranges` writes them, for the footer.
    standing : sequence of Table
        What `read_rows` returned of tables of this schema: the rows of other replicates.
    """
    described = _described(schema, identity, seconds, replicates)
    arrays = [pa.array(columns[field.name], field.type, from_pandas=True) for field in schema]
    table = pa.Table.from_arrays(arrays, schema=described)
    if standing:
        table = pa.concat_tables([*(part.cast(described) for part in standing), table])
        table = table.take(np.argsort(table["replicate"].to_numpy(), kind="stable"))
    with whole(path) as beside:
        with _writing(beside, table.schema) as writer:
            writer.write_table(table)
        checksum.seal(beside)


def _described(
    schema: pa.Schema, identity: str, seconds: Mapping | None = None, replicates: str = ""
) -> pa.Schema:
    content = {"identity": identity, "seconds": json.dumps(seconds or {}), "replicates": replicates}
    return schema.with_metadata(content)


@contextlib.contextmanager
def _writing(path: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    """Yield a writer of a table, which `checksum.seal` must then complete."""
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        writer.add_key_value_metadata({checksum.KEY: checksum.UNSEALED})
        yield writer


@contextlib.contextmanager
def appending(
    path: str | Path, schema: pa.Schema, identity: str, replicates: str = ""
) -> Iterator[Callable]:
    """Yield a function that adds rows to a table, which appears when the block ends.

    Each call writes one row group, so that only one is in memory. Columns that the schema
    lacks are real numbers; they must be the same in all calls.
    """
    with whole(path) as beside:
        with contextlib.ExitStack() as stack:
            writer = None

            def append(columns: Columns) -> None:
                nonlocal writer
                more = [column(name, REAL) for name in columns if name not in schema.names]
                described = _described(pa.schema([*schema, *more]), identity, None, replicates)
                if writer is None:
                    writer = stack.enter_context(_writing(beside, described))
                writer.write_table(pa.table(dict(columns), schema=described))

            yield append
            if writer is None:
                append({name: [] for name in schema.names})
        checksum.seal(beside)


def write_csv(path: str | Path, source: str | Path) -> None:
    """Write a Parquet table as CSV."""
    content = _as_csv(source)
    replace(path, lambda beside: beside.write_bytes(content))


def remove_csv_of(source: str | Path) -> None:
    """Remove the CSV file beside a Parquet table, which has older numbers."""
    Path(source).with_suffix(".csv").unlink(missing_ok=True)


def is_csv_of(path: str | Path, source: str | Path) -> bool:
    """Whether a CSV file is what `write_csv` writes of a Parquet table."""
    if not stat.S_ISREG(Path(path).stat().st_mode):
        return False
    return Path(path).read_bytes() == _as_csv(source)


def _as_csv(source: str | Path) -> bytes:
    with _opened(source) as file:
        table = _whole_table(file)
    written = io.BytesIO()
    pa.csv.write_csv(table, written)
    return written.getvalue()


def replace(path: str | Path, write_to: Callable[[Path], Any]) -> None:
    """Let `write_to` make a file beside `path`, then rename it to `path`."""
    with whole(path) as beside:
        write_to(beside)


def write_lines(path: str | Path, lines: Iterable[str]) -> None:
    """Write a complete text file or none."""
    text = "".join(f"{line}\n" for line in lines)
    replace(path, lambda beside: beside.write_text(text, encoding="utf-8"))


@contextlib.contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it is renamed to `path` if the block succeeds.

    Temporary files that a killed process left there are removed.
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for leftover in path.parent.glob(f".{path.name}.*"):
            leftover.unlink(missing_ok=True)
        yield beside
        beside.replace(path)
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    finally:
        with contextlib.suppress(OSError):  # there is no file if none could be written
            beside.unlink()


def read(path: str | Path, columns: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """Read a table's columns as arrays; null numbers become NaN."""
    with _opened(path) as file:
        table = _whole_table(file, columns)
    return _arrays(table)


def _arrays(table: pa.Table) -> dict[str, np.ndarray]:
    return {
        name: column.to_numpy(zero_copy_only=False)
        for name, column in zip(table.column_names, table.columns, strict=True)
    }


def _whole_table(
    file: pa.OSFile, columns: Sequence[str] | None = None, categories: Sequence[str] = ()
) -> pa.Table:
    """A table in memory; `pq.read_table` would import pandas."""
    opened = pq.ParquetFile(file, read_dictionary=categories)
    return opened.read(columns, use_threads=False)


@contextlib.contextmanager
def _opened(path: str | Path) -> Iterator[pa.OSFile]:
    """Open a table and check its content; StaleTableError if it is damaged.

    The file is opened by Arrow: its threads may live longer than the reading, and one that
    releases a Python file while the interpreter ends aborts the process.
    """
    with _refusing(path):
        if not stat.S_ISREG(Path(path).stat().st_mode):  # opening a pipe would block for ever
            raise checksum.DamagedError
        with pa.OSFile(str(path), "rb") as file:
            _footer(file)
            file.seek(0)
            yield file


@contextlib.contextmanager
def _refusing(path: str | Path) -> Iterator[None]:
    """Turn errors of reading a damaged table into one that says how to remove it."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise
    except (OSError, pa.ArrowException, checksum.DamagedError):
        raise damaged_tables_error([path]) from None


def _footer(file: pa.OSFile) -> Mapping[bytes, bytes]:
    """The metadata of a table; its content is checked once, until the file changes."""
    state = _state(status := os.fstat(file.fileno()))
    if state in _checked:
        return _checked[state]
    checksum.check(file)
    file.seek(0)
    metadata = pq.read_schema(file).metadata
    if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > SETTLED:
        _checked[state] = metadata
    return metadata


def _state(status: os.stat_result) -> tuple:
    """What differs after a file has changed."""
    times = status.st_mtime_ns, status.st_ctime_ns
    return status.st_dev, status.st_ino, status.st_size, *times


def _metadata(path: str | Path) -> Mapping[bytes, bytes]:
    """The metadata of a table, cached, since a plan reads it many times."""
    with _refusing(path):
        if (known := _checked.get(_state(Path(path).stat()))) is not None:
            return known
        with _opened(path) as file:
            return _footer(file)


def damaged_tables_error(paths: Sequence[str | Path]) -> StaleTableError:
    """Return the error that names damaged tables and says how to remove them."""
    one = len(paths) == 1
    which = f"{paths[0]}: is" if one else f"{len(paths)} tables are"
    return StaleTableError(
        f"{which} cut short or damaged, or made by another version than this one. "
        f"Remove {'it' if one else 'them'}, then run the same command again:\n{_removing(paths)}"
    )


def _removing(paths: Sequence[str | Path]) -> str:
    """The command that removes files, or their folders if there are many files."""
    named, many = dict.fromkeys(map(Path, paths)), len(paths) > MOST_NAMED
    while len(named) > MOST_NAMED:
        named = dict.fromkeys(path.parent for path in named)
    folders = many or any(map(os.path.isdir, named))
    return shlex.join(["rm", *(["-r"] if folders else []), *map(str, named)])


def refuse_damaged(content: bytes) -> None:
    """Raise ValueError if this is the content of a table of this library, and damaged."""
    try:
        checksum.check_ours(content)
    except checksum.DamagedError:
        raise ValueError("is cut short or damaged") from None


def stale_tables_error(paths: Sequence[str | Path]) -> StaleTableError:
    """Return the error that names stale tables and says how to remove them."""
    return StaleTableError(
        f"{len(paths)} {'table was' if len(paths) == 1 else 'tables were'} made by another study "
        "file, program or version than this one. Remove, then run the same command again:\n"
        f"{_removing(paths)}"
    )


def read_of(
    path: str | Path, identity: str, columns: Sequence[str] | None = None
) -> dict[str, np.ndarray]:
    """Read a table; StaleTableError if it is missing or has another identity."""
    if identity_of(path) != identity:
        raise stale_tables_error([path])
    return read(path, columns)


def read_frame(
    paths: Iterable[str | Path],
    columns: Sequence[str] | None = None,
    categories: Sequence[str] = (),
) -> Any:
    """Read tables of one schema as one pandas DataFrame.

    Columns named in `categories` become categorical: small, and quick to group by.
    """
    parts = []
    for path in paths:
        with _opened(path) as file:
            parts.append(_whole_table(file, columns, categories))
    return pa.concat_tables(parts).unify_dictionaries().to_pandas(use_threads=False)


def read_rows(path: str | Path, replicates: Sequence[int]) -> pa.Table:
    """Return the rows of these replicates, for `write`."""
    with _opened(path) as file:
        table = _whole_table(file)
    return table.filter(pa.array(np.isin(table["replicate"].to_numpy(), replicates)))


def read_row_groups(path: str | Path) -> Iterator[dict[str, np.ndarray]]:
    """Yield the columns of what each call of `appending` wrote."""
    with _opened(path) as file:
        opened = pq.ParquetFile(file)
        for place in range(opened.num_row_groups):
            group = opened.read_row_group(place, use_threads=False)
            yield _arrays(group)


def read_identity(path: str | Path) -> str:
    """Return the identity in a table's footer."""
    return _metadata(path)[b"identity"].decode()


def identity_of(path: str | Path) -> str | None:
    """Return the identity in a table's footer; None if there is no table."""
    try:
        return read_identity(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def read_replicates(path: str | Path) -> str:
    """Return the replicates of a batch's table, from its footer."""
    return _metadata(path).get(b"replicates", b"").decode()


def read_seconds(path: str | Path) -> dict[str, float]:
    """Return what a table's job cost in seconds, by step, from its footer."""
    return json.loads(_metadata(path)[b"seconds"])


def are_current(paths: Iterable[str | Path], identity: str, replicates: str = "") -> bool:
    """Whether all these tables exist and have this identity and these replicates.

    Raises
    ------
    StaleTableError
        If one of them is damaged.
    """
    try:
        return all(
            (read_identity(path), read_replicates(path)) == (identity, replicates) for path in paths
        )
    except (FileNotFoundError, NotADirectoryError):
        return False
