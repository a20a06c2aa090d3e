"""Read estimates made elsewhere from Parquet, CSV or TSV, and score them as the workflow does."""

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
OPTIONAL = ["mcse_mean", "median"]  # columns that a table need not have
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
        Levels of the intervals.
    positive : sequence of str
        Parameters that cannot be negative; they have no rejection rate.
    replicates : int, optional
        Number of planned replicates in every scenario; by default the number in the table.

    Raises
    ------
    ValueError
        When columns are missing, or have invalid values.
    """
    parts = []
    for scenario, cells, planned in _scenarios(files, levels, positive):
        if replicates is not None and replicates < planned:
            raise ValueError(
                f"replicates: got {replicates}, but scenario {shown(scenario)} has {planned}"
            )
        with np.errstate(all="ignore"):  # values that overflow become NaN
            performance = measures.performance(cells, replicates or planned)
        parts.append(performance.assign(scenario=scenario))
    return _all_scenarios(parts)


def compare(
    files: str | Path | Sequence[str | Path],
    levels: Sequence[float] = LEVELS,
    positive: Sequence[str] = (),
    reference: str | None = None,
) -> pd.DataFrame:
    """Return the paired differences between models, and between the priors of a model.

    Models are compared under the same prior. A model with a single prior that no other model has
    is compared with every other model under each prior of the other model (`given`).

    Parameters
    ----------
    reference : str, optional
        Return only the differences between other models and this one, which is the `second`.

    Raises
    ------
    ValueError
        As for `score`; when no scenario has the reference, or no two cells can be compared.
    """
    parts: list[pd.DataFrame] = []
    names: dict[str, None] = {}
    for scenario, cells, _ in _scenarios(files, levels, positive):
        names |= {model: None for model, _ in cells}
        cells = _without_unshared_priors(cells)
        reference_last = sorted(cells, key=lambda cell: cell[0] == reference)
        with np.errstate(all="ignore"):
            table = measures.comparison({cell: cells[cell] for cell in reference_last})
        if reference is not None:
            table = table[(table["compared"] == "model") & (table["second"] == reference)]
        parts.append(table.assign(scenario=scenario))
    if reference is not None and reference not in names:
        raise ValueError(f"reference: got {shown(reference)}, must be one of {listed(names)}")
    if all(part.empty for part in parts):
        pair = "two models under one prior, or two priors of a model"
        pair = pair if reference is None else f"another model under a prior of {shown(reference)}"
        raise ValueError(f"nothing to compare: no scenario has {pair}")
    return _all_scenarios(parts)


def _without_unshared_priors(cells: measures.Cells) -> measures.Cells:
    """The cells, with "no prior" for a model with a single prior that no other model has."""
    models = Counter(model for model, _ in cells)
    priors = Counter(prior for _, prior in cells)
    return {
        (model, NO_PRIOR if models[model] == priors[prior] == 1 else prior): fits
        for (model, prior), fits in cells.items()
    }


def _all_scenarios(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """One table of all scenarios; subset `all` only, as it is unknown which fits converged."""
    whole = pd.concat(parts, ignore_index=True).replace([np.inf, -np.inf], np.nan)
    whole = whole[whole["subset"] == "all"].reset_index(drop=True)
    return whole[["scenario", *whole.columns.drop("scenario")]]


def _scenarios(
    files: str | Path | Sequence[str | Path], levels: Sequence[float], positive: Sequence[str]
) -> Iterator[tuple[str, measures.Cells, int]]:
    """Yield every scenario, its cells, and its number of replicates."""
    if invalid := [level for level in levels if not 0 < level < 1]:
        raise ValueError(f"levels: got {invalid[0]:g}, must be between 0 and 1")
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
        for cell, cell_rows in rows.groupby(["model", "prior"], sort=False):
            estimates = {
                name: measures.from_table(
                    part[part["mean"].notna()],
                    intervals,
                    scale="log" if name in positive else "",
                    one_sided=name in positive,
                )
                for name, part in cell_rows.groupby("parameter", sort=False)
            }
            cells[cell] = measures.Fits(estimates, np.unique(cell_rows["replicate"]))
        yield scenario, cells, rows["replicate"].nunique()


def read(files: Sequence[str | Path], intervals: Intervals) -> pd.DataFrame:
    """Return the rows of several files, with keys as text and all other columns as numbers.

    `sd` and the bounds are NaN in a row that lacks the estimate (`mean`), `sd` or a bound.

    Parameters
    ----------
    intervals : mapping
        Level -> the columns of its lower and upper bound.

    Raises
    ------
    ValueError
        When a file cannot be read, lacks columns or has invalid values.
    """
    bounds = [name for pair in intervals.values() for name in pair]
    parts = [_read_file(file, bounds) for file in files]
    table = pd.concat(parts, ignore_index=True)
    if (duplicated := table.duplicated(KEYS)).any():
        row = ", ".join(table.loc[duplicated, KEYS].iloc[0])
        names = listed(map(str, files))
        raise ValueError(f"{names}: two rows for one cell, replicate and parameter: {row}")
    uncertainty = ["sd", *bounds]
    table.loc[table[["mean", *uncertainty]].isna().any(axis="columns"), uncertainty] = np.nan
    return table.assign(replicate=pd.factorize(table["replicate"], sort=True)[0])


def _read_file(path: str | Path, bounds: Sequence[str]) -> pd.DataFrame:
    """The checked rows of one file."""
    required = [*KEYS, *NUMBERS, *bounds]
    try:
        require_regular(path, MOST_BYTES)
        table = _table(Path(path).read_bytes(), [*required, *OPTIONAL])
        if missing := [name for name in required if name not in table]:
            raise ValueError(f"lacks the columns {', '.join(missing)}")
        if table.empty:
            raise ValueError("has no rows, must have at least one")
        keys = {name: _texts(table[name]) for name in KEYS}
        numbers = {name: _numbers(table[name]) for name in table if name not in KEYS}
        checked = pd.DataFrame(keys | numbers)
        _check(checked, bounds)
        return checked
    except UnicodeDecodeError:
        raise ValueError(f"{path}: cannot be read: is neither Parquet nor text in UTF-8") from None
    except (OSError, ValueError, EOFError, csv.Error, zlib.error) as error:
        raise ValueError(f"{path}: {error}") from None


def _table(content: bytes, columns: Sequence[str]) -> pd.DataFrame:
    """These columns of a file; its content, not its name, shows the format."""
    if content.startswith(b"\x1f\x8b"):
        return _table(gzip.decompress(content), columns)
    if content.startswith(b"PAR1"):
        tables.refuse_damaged(content)
        whole = _read_parquet(content)
        whole = whole.reset_index(drop=not set(whole.index.names) & set(columns))
        return whole[[name for name in dict.fromkeys(columns) if name in whole]]
    return _read_text(content.decode("utf-8-sig"), columns)


def _read_parquet(content: bytes) -> pd.DataFrame:
    try:
        return pd.read_parquet(io.BytesIO(content))
    except Exception as error:  # a damaged file can raise any exception
        raise ValueError(f"cannot be read as Parquet: {in_words(error)}") from None


def _read_text(text: str, columns: Sequence[str]) -> pd.DataFrame:
    """All values as text; the separator is the one that finds most columns in the header."""
    headers: dict[str, list[str]] = {mark: next(_rows(text, mark), []) for mark in (",", "\t")}
    separator = max(headers, key=lambda mark: len(set(headers[mark]) & set(columns)))
    header = headers[separator]
    if duplicated := [name for name in columns if header.count(name) > 1]:
        raise ValueError(f"has column {duplicated[0]!r} more than once")
    lines = _rows(text, separator)
    for row in lines:
        if row and len(row) != len(header):
            raise ValueError(
                f"line {lines.line_num} has {len(row)} values and the header {len(header)}; all "
                "lines must have the same number (in R, use row.names = FALSE)"
            )
    names = [name for name in dict.fromkeys(columns) if name in header]
    file = io.StringIO(text if header else ",")
    return pd.read_csv(file, sep=separator, usecols=names, dtype=str, keep_default_na=False)


def _rows(text: str, separator: str) -> Any:
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator)


def _texts(column: pd.Series) -> pd.Series:
    """A key column as text: `001` and `NA` are names."""
    empty = column.isna() | (column.astype(str) == "")
    if empty.any():
        row = int(np.argmax(empty)) + 1
        raise ValueError(f"column {column.name} must have a value in every row; row {row} has none")
    if pd.api.types.is_float_dtype(column) and (column % 1 == 0).all():
        column = column.astype("int64")  # so that 1.0 in one file is the key 1 of another
    return column.astype(str)


def _numbers(column: pd.Series) -> np.ndarray:
    """A column as numbers; NaN for an empty value and for every text in `MISSING`."""
    if pd.api.types.is_bool_dtype(column):
        raise ValueError(f"column {column.name} must hold a finite number or NA, not true or false")
    if not pd.api.types.is_numeric_dtype(column):
        texts = column.astype(object).where(column.notna(), "")
        column = texts.where(~texts.astype(str).str.strip().str.lower().isin(MISSING), np.nan)
    numbers = pd.to_numeric(column, errors="coerce")
    if (invalid := numbers.isna() & column.notna()).any():
        row = int(np.argmax(invalid))
        raise ValueError(
            f"column {column.name} must hold a finite number or NA in every row; row {row + 1} has "
            f"{shown(column.iloc[row])}"
        )
    return numbers.to_numpy(dtype=float, na_value=np.nan)


def _check(table: pd.DataFrame, bounds: Sequence[str]) -> None:
    """Raise ValueError for impossible numbers; bounds may be infinite or NA."""
    estimated = table["mean"].notna()
    if not np.isfinite(table.loc[estimated, "truth"]).all():
        raise ValueError("column truth must hold a finite number in every row with an estimate")
    for name in ("mean", "sd"):
        if np.isinf(table[name]).any():
            raise ValueError(f"column {name} must hold a finite number or NA in every row")
    if (table["sd"] < 0).any():
        raise ValueError("column sd must not be negative")
    for low, high in zip(bounds[::2], bounds[1::2], strict=True):
        if (table[low] > table[high]).any():
            raise ValueError(f"column {low} must not be above {high}")
