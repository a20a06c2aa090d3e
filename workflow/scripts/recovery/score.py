"""Score estimates made elsewhere: python -m recovery.score FILE ...

A FILE is Parquet, CSV or TSV, compressed by gzip or not, a row a replicate and parameter, with
the columns scenario, model, prior, replicate, parameter, truth, mean, sd, and for every interval
level the columns of its bounds: q2_5 and q97_5 for 0.95. Several files are one table. A mean that
is NA is a failure. The scores, or with --comparisons or --reference the paired differences
between models and priors, are printed as CSV.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from recovery import estimates_file, measures, tables
from recovery.estimators import NO_PRIOR
from recovery.faults import bounded, listed, shown
from recovery.fields import apart

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
    return _whole(parts)


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
    parts, names = [], {}
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
    return _whole(parts)


def _without_own_priors(cells: measures.Cells) -> measures.Cells:
    """Call none the prior of a model that has no other, where no other model has it."""
    models, priors = (Counter(names) for names in zip(*cells, strict=True))
    return {
        (model, NO_PRIOR if models[model] == priors[prior] == 1 else prior): fits
        for (model, prior), fits in cells.items()
    }


def _whole(parts: list[pd.DataFrame]) -> pd.DataFrame:
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
        intervals = {level: tables.interval_columns(level) for level in apart(tuple(levels))}
    except ValueError as error:
        raise ValueError(f"levels: {error}") from None
    files = [files] if isinstance(files, str | Path) else files
    table = estimates_file.read(files, intervals)
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the scores as CSV; exit with a message where a file is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--levels", type=float, nargs="+", default=LEVELS)
    parser.add_argument("--positive", nargs="+", default=[], help="parameters above 0")
    parser.add_argument("--replicates", type=int, help="replicates planned in every scenario")
    parser.add_argument(
        "--comparisons", action="store_true", help="print differences between models and priors"
    )
    parser.add_argument("--reference", metavar="MODEL", help="print differences from this model")
    asked = parser.parse_args(arguments)
    of_table = (asked.files, asked.levels, asked.positive)
    try:
        if asked.comparisons or asked.reference is not None:
            found = compare(*of_table, asked.reference)
        else:
            found = score(*of_table, asked.replicates)
    except ValueError as error:
        sys.exit(bounded(str(error)))
    try:
        found.to_csv(sys.stdout, index=False)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has enough, as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
