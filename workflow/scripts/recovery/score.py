"""Score a table of estimates made elsewhere: python -m recovery.score FILE.

FILE is Parquet or CSV, a row a replicate and parameter, with the columns scenario, model,
prior, replicate, parameter, truth, mean, sd, and for every interval level the columns of its
bounds: q2_5 and q97_5 for 0.95. The scores are printed as CSV.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from recovery import measures, tables

NEEDED = (*measures.CELL, "replicate", "parameter", "truth", "mean", "sd")
NO_NUMBER = {name: ["", "NA", "NaN", "nan"] for name in ("truth", "mean", "sd")}
NUMBERS = ("truth", "mean", "sd")


def score(path: str | Path, levels: list[float], positive: Sequence[str] = ()) -> pd.DataFrame:
    """Return the performance of a table of estimates.

    Parameters
    ----------
    positive : sequence of str
        Parameters that cannot be negative: they have no rejection rate.

    Raises
    ------
    ValueError
        When columns are missing, or hold what they cannot.
    """
    if wrong := [level for level in levels if not 0 < level < 1]:
        raise ValueError(f"levels: got {wrong[0]:g}, must be between 0 and 1")
    table = _read(Path(path))
    intervals = {level: tables.interval_columns(level) for level in levels}
    bounds = [name for pair in intervals.values() for name in pair]
    if missing := [name for name in (*NEEDED, *bounds) if name not in table]:
        raise ValueError(f"{path}: lacks the columns {', '.join(missing)}")
    for name in (*NUMBERS, *bounds):
        numeric = pd.api.types.is_numeric_dtype(table[name])
        if not numeric or not np.isfinite(table[name]).all():
            raise ValueError(f"{path}: column {name} must hold a finite number in every row")
    _check_rows(path, table, intervals)
    return measures.performance_of_table(table, intervals, positive)


def _check_rows(path: str | Path, table: pd.DataFrame, intervals: dict) -> None:
    """Refuse rows that cannot be: without a key, twice, or with impossible numbers."""
    keys = [*measures.CELL, "replicate", "parameter"]
    if missing := [name for name in keys if table[name].isna().any() or (table[name] == "").any()]:
        raise ValueError(f"{path}: column {missing[0]} must have a value in every row")
    if table.duplicated(keys).any():
        raise ValueError(f"{path}: has two rows for one cell, replicate and parameter")
    if (table["sd"] < 0).any():
        raise ValueError(f"{path}: column sd must not be negative")
    for low, high in intervals.values():
        if (table[low] > table[high]).any():
            raise ValueError(f"{path}: column {low} must not be above {high}")


def _read(path: Path) -> pd.DataFrame:
    try:
        if path.suffix == ".csv":
            keys = dict.fromkeys([*measures.CELL, "parameter"], str)
            table = pd.read_csv(path, keep_default_na=False, na_values=NO_NUMBER, dtype=keys)
        else:
            table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from None
    if table.empty:
        raise ValueError(f"{path}: has no rows, must have at least one")
    return table


def main() -> None:
    """Print the scores as CSV; exit with a message where the file is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--levels", type=float, nargs="+", default=[0.95])
    parser.add_argument("--positive", nargs="+", default=[], help="parameters above 0")
    asked = parser.parse_args()
    try:
        found = score(asked.file, asked.levels, asked.positive)
        found.to_csv(sys.stdout, index=False)
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
