"""Score a table of estimates made elsewhere: python -m recovery.score FILE.

FILE is Parquet or CSV, a row a replicate and parameter, with the columns scenario, model,
prior, replicate, parameter, truth, mean, sd, and for every interval level the columns of its
bounds: q2_5 and q97_5 for 0.95. The scores are printed as CSV.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd

from recovery import measures, tables

NEEDED = (*measures.CELL, "replicate", "parameter", "truth", "mean", "sd")
NUMBERS = ("truth", "mean", "sd")


def score(path: str | Path, levels: list[float]) -> pd.DataFrame:
    """Return the performance of a table of estimates.

    Raises
    ------
    ValueError
        When columns are missing, or hold what they cannot.
    """
    table = _read(Path(path))
    intervals = {level: tables.interval_columns(level) for level in levels}
    bounds = [name for pair in intervals.values() for name in pair]
    if missing := [name for name in (*NEEDED, *bounds) if name not in table]:
        raise ValueError(f"{path}: lacks the columns {', '.join(missing)}")
    for name in (*NUMBERS, *bounds):
        if not pd.api.types.is_numeric_dtype(table[name]) or table[name].isna().any():
            raise ValueError(f"{path}: column {name} must hold a number in every row")
    if table.duplicated([*measures.CELL, "replicate", "parameter"]).any():
        raise ValueError(f"{path}: has two rows for one cell, replicate and parameter")
    return measures.performance_of_table(table, intervals)


def _read(path: Path) -> pd.DataFrame:
    try:
        if path.suffix == ".csv":
            return pd.read_csv(path)
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from None


def main() -> None:
    """Print the scores as CSV; exit with a message where the file is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--levels", type=float, nargs="+", default=[0.95])
    asked = parser.parse_args()
    try:
        score(asked.file, asked.levels).to_csv(sys.stdout, index=False)
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
