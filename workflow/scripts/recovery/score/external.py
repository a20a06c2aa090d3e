"""Estimates made elsewhere, read from Parquet, CSV or TSV, and scored as the workflow's own are."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recovery import tables
from recovery.common.errors import listed, shown
from recovery.common.types import distinct_levels
from recovery.common.user_files import require_regular
from recovery.common.worker import in_words
from recovery.score import measures
from recovery.study.methods import NO_PRIOR

KEYS = ["scenario", "model", "prior", "replicate", "parameter"]
NUMBERS = ["truth", "mean", "sd"]
OPTIONAL = ["mcse_mean"]  # which need not be there
MISSING = ("", "na", "n/a", "<na>", "nan", "null", "none", "missing", ".")
MOST_BYTES = 2_000_000_000  # bytes
LEVELS = (0.95,)
Intervals = dict[float, tuple[str, str]]


def score(
    files: str | Path | Sequence[str | Path],
    levels: Sequence[float] = LEVELS,
    positive: Sequence[str] = (),
    replicates: int | None = None,
) -> pd.DataFrame:
    """Return the performance of every cell and parameter of a table of estimates.

    Parameters
    ----------
    files : path or sequence of path
        Parts of one table.
    levels : sequence of float
        Of the intervals.
    positive : sequence of str
        Parameters that cannot be negative: they have no rejection rate.
    replicates : int, optional
        Replicates planned in every scenario; by default those that the table has of it.

    Raises
    ------
    ValueError
        When columns are missing, or hold what they cannot.
    """
    parts = []
    for scenario, cells, planned in _scenarios(files, levels, positive):
        if replicates is not None and replicates < planned:
            raise ValueError(
                f"replicates: got {replicates}, but scenario {shown(scenario)} has {planned}"
            )
        with np.errstate(all="ignore"):  # what overflows is no number
            found = measures.performance(cells, replicates or planned)
        parts.append(found.assign(scenario=scenario))
    return _joined(parts)


def compare(
    files: str | Path | Sequence[str | Path],
    levels: Sequence[float] = LEVELS,
    positive: Sequence[str] = (),
    reference: str | None = None,
) -> pd.DataFrame:
    """Return the paired differences between models, and between the priors of a model.

    Models are compared under one prior; a model that has one alone, which no other has, with
    every other model under each of its priors (`given`).

    Parameters
    ----------
    reference : str, optional
        Only differences of other models from this one, which is the `second`.

    Raises
    ------
    ValueError
        As of `score`, where no scenario has the reference, and where there is nothing to compare.
    """
    parts: list[pd.DataFrame] = []
    names: dict[str, None] = {}
    for scenario, cells, _ in _scenarios(files, levels, positive):
        names |= {model: None for model, _ in cells}
        cells = _without_own_priors(cells)
        last = sorted(cells, key=lambda cell: cell[0] == reference)
        with np.errstate(all="ignore"):
            found = measures.comparison({cell: cells[cell] for cell in last})
        if reference is not None:
            found = found[(found["compared"] == "model") & (found["second"] == reference)]
        parts.append(found.assign(scenario=scenario))
    if reference is not None and reference not in names:
        raise ValueError(f"reference: got {shown(reference)}, must be one of {listed(names)}")
    if all(part.empty for part in parts):
        what = "two models under one prior, or two priors of a model"
        what = what if reference is None else f"another model under a prior of {shown(reference)}"
        raise ValueError(f"nothing to compare: no scenario has {what}")
    return _joined(parts)


def _without_own_priors(cells: measures.Cells) -> measures.Cells:
    """Call none the prior of a model that has no other, where no other model has it."""
    models = Counter(model for model, _ in cells)
    priors = Counter(prior for _, prior in cells)
    return {
        (model, NO_PRIOR if models[model] == priors[prior] == 1 else prior): fits
        for (model, prior), fits in cells.items()
    }


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """All scenarios, over all replicates: which of them converged is not known."""
    whole = pd.concat(parts, ignore_index=True).replace([np.inf, -np.inf], np.nan)
    whole = whole[whole["subset"] == "all"].reset_index(drop=True)
    return whole[["scenario", *whole.columns.drop("scenario")]]


def _scenarios(
    files: str | Path | Sequence[str | Path], levels: Sequence[float], positive: Sequence[str]
) -> Iterator[tuple[str, measures.Cells, int]]:
    """Yield every scenario, its cells, and how many replicates it has."""
    if wrong := [level for level in levels if not 0 < level < 1]:
        raise ValueError(f"levels: got {wrong[0]:g}, must be between 0 and 1")
    try:
        intervals = {
            level: tables.interval_columns(level) for level in distinct_levels(tuple(levels))
        }
    except ValueError as error:
        raise ValueError(f"levels: {error}") from None
    files = [files] if isinstance(files, str | Path) else files
    table = read(files, intervals)
    names = table["parameter"].unique()
    if unknown := [name for name in positive if name not in names]:
        raise ValueError(f"positive: got {shown(unknown[0])}, must be one of {listed(names)}")
    for scenario, rows in table.groupby("scenario", sort=False):
        cells = {}
        for cell, mine in rows.groupby(["model", "prior"], sort=False):
            estimates = {
                name: measures.from_table(
                    part[part["mean"].notna()], intervals, positive=name in positive
                )
                for name, part in mine.groupby("parameter", sort=False)
            }
            cells[cell] = measures.Fits(estimates, np.unique(mine["replicate"]))
        yield scenario, cells, rows["replicate"].nunique()


def read(files: Sequence[str | Path], intervals: Intervals) -> pd.DataFrame:
    """Return the rows of several files: keys as they are written, and numbers.

    A row without an estimate (`mean`), and one without a standard error or a bound (`sd`), has
    NaN for all that rests on it.

    Parameters
    ----------
    intervals : mapping
        Level -> the columns of its lower and upper bound.

    Raises
    ------
    ValueError
        When a file cannot be read, lacks columns or holds what they cannot.
    """
    bounds = [name for pair in intervals.values() for name in pair]
    parts = [_read_file(file, bounds) for file in files]
    table = pd.concat(parts, ignore_index=True)
    if (twice := table.duplicated(KEYS)).any():
        row = ", ".join(table.loc[twice, KEYS].iloc[0])
        named = listed(map(str, files))
        raise ValueError(f"{named}: two rows for one cell, replicate and parameter: {row}")
    of_errors = ["sd", *bounds]
    table.loc[table[["mean", *of_errors]].isna().any(axis="columns"), of_errors] = np.nan
    return table.assign(replicate=pd.factorize(table["replicate"], sort=True)[0])


def _read_file(path: str | Path, bounds: Sequence[str]) -> pd.DataFrame:
    """One file, checked."""
    wanted = [*KEYS, *NUMBERS, *bounds]
    try:
        require_regular(path, MOST_BYTES)
        table = _table(Path(path).read_bytes(), [*wanted, *OPTIONAL])
        if missing := [name for name in wanted if name not in table]:
            raise ValueError(f"lacks the columns {', '.join(missing)}")
        if table.empty:
            raise ValueError("has no rows, must have at least one")
        keys = {name: _texts(table[name]) for name in KEYS}
        numbers = {name: _numbers(table[name]) for name in table if name not in KEYS}
        found = pd.DataFrame(keys | numbers)
        _check(found, bounds)
        return found
    except UnicodeDecodeError:
        raise ValueError(f"{path}: cannot be read: is neither Parquet nor text in UTF-8") from None
    except (OSError, ValueError, EOFError, csv.Error, zlib.error) as error:
        raise ValueError(f"{path}: {error}") from None


def _table(content: bytes, wanted: Sequence[str]) -> pd.DataFrame:
    """The wanted columns of a file by what it holds, whatever it is called."""
    if content.startswith(b"\x1f\x8b"):
        return _table(gzip.decompress(content), wanted)
    if content.startswith(b"PAR1"):
        tables.refuse_damaged(content)
        whole = _read_parquet(content)
        whole = whole.reset_index(drop=not set(whole.index.names) & set(wanted))
        return whole[[name for name in dict.fromkeys(wanted) if name in whole]]
    return _read_text(content.decode("utf-8-sig"), wanted)


def _read_parquet(content: bytes) -> pd.DataFrame:
    try:
        return pd.read_parquet(io.BytesIO(content))
    except Exception as error:  # what is damaged can be anything
        raise ValueError(f"cannot be read as Parquet: {in_words(error)}") from None


def _read_text(text: str, wanted: Sequence[str]) -> pd.DataFrame:
    """Every cell as it is written; separated by what makes the most of the header."""
    headers: dict[str, list[str]] = {mark: next(_cells(text, mark), []) for mark in (",", "\t")}
    mark = max(headers, key=lambda each: len(set(headers[each]) & set(wanted)))
    header = headers[mark]
    if twice := [name for name in wanted if header.count(name) > 1]:
        raise ValueError(f"column {twice[0]!r} stands in it more than once")
    lines = _cells(text, mark)
    for row in lines:
        if row and len(row) != len(header):
            raise ValueError(
                f"line {lines.line_num} has {len(row)} cells and the header {len(header)}; all "
                "lines must have as many (in R, row.names = FALSE)"
            )
    names = [name for name in dict.fromkeys(wanted) if name in header]
    file = io.StringIO(text if header else ",")
    return pd.read_csv(file, sep=mark, usecols=names, dtype=str, keep_default_na=False)


def _cells(text: str, mark: str) -> Any:
    return csv.reader(io.StringIO(text, newline=""), delimiter=mark)


def _texts(column: pd.Series) -> pd.Series:
    """A key to the letter: `001` and `NA` are names."""
    empty = column.isna() | (column.astype(str) == "")
    if empty.any():
        row = int(np.argmax(empty)) + 1
        raise ValueError(f"column {column.name} must have a value in every row; row {row} has none")
    if pd.api.types.is_float_dtype(column) and (column % 1 == 0).all():
        column = column.astype("int64")  # as others write it, whose columns have no nulls
    return column.astype(str)


def _numbers(column: pd.Series) -> np.ndarray:
    """Numbers, NaN where a cell is empty or says that there is none."""
    if pd.api.types.is_bool_dtype(column):
        raise ValueError(f"column {column.name} must hold a finite number or NA, not true or false")
    if not pd.api.types.is_numeric_dtype(column):
        texts = column.astype(object).where(column.notna(), "")
        column = texts.where(~texts.astype(str).str.strip().str.lower().isin(MISSING), np.nan)
    found = pd.to_numeric(column, errors="coerce")
    if (wrong := found.isna() & column.notna()).any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"column {column.name} must hold a finite number or NA in every row; row {row + 1} has "
            f"{shown(column.iloc[row])}"
        )
    return found.to_numpy(dtype=float, na_value=np.nan)


def _check(table: pd.DataFrame, bounds: Sequence[str]) -> None:
    """Raise ValueError for numbers that cannot be; bounds may be infinite, and there is NA."""
    there = table["mean"].notna()
    if not np.isfinite(table.loc[there, "truth"]).all():
        raise ValueError("column truth must hold a finite number in every row with an estimate")
    for name in ("mean", "sd"):
        if np.isinf(table[name]).any():
            raise ValueError(f"column {name} must hold a finite number or NA in every row")
    if (table["sd"] < 0).any():
        raise ValueError("column sd must not be negative")
    for low, high in zip(bounds[::2], bounds[1::2], strict=True):
        if (table[low] > table[high]).any():
            raise ValueError(f"column {low} must not be above {high}")
