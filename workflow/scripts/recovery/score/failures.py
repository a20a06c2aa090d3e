"""What failed altogether, which is said first: on the page, and at the end of a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from recovery import tables
from recovery.common.errors import StudyError
from recovery.families.family import Family
from recovery.plan.design import Design
from recovery.score.verification import ALL_FAILED
from recovery.study.methods import NO_PRIOR, method

LONGEST_REASON = 200
MOST_CELLS = 5  # named for one reason


def first_line(error: str) -> str:
    """Return the reason that stands first in an error."""
    return error.partition("\n")[0][:LONGEST_REASON]


def failed_cells(family: Family, convergence: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the cells in which every fit failed: a row a first reason.

    Returns
    -------
    list of dict
        error, n_cells, n_fits, and `cells`, some of them in words.
    """
    final = convergence[convergence["attempt"] == "final"]
    lost = final[final["n_ok"] == 0]
    rows = []
    for error, mine in lost.groupby(lost["error"].map(first_line), sort=False):
        rows.append(
            {
                "error": error,
                "n_cells": len(mine),
                "n_fits": int(mine["n_failed"].sum()),
                "cells": [_cell_label(family, cell) for cell in mine.head(MOST_CELLS).itertuples()],
            }
        )
    return sorted(rows, key=lambda row: -row["n_cells"])


def _cell_label(family: Family, cell: Any) -> str:
    prior = "" if cell.prior == NO_PRIOR else f" under {cell.prior}"
    return f"{method(family, cell.model).label}{prior} in {cell.scenario}"


def verification_failures(verification: pd.DataFrame) -> dict[str, Any] | None:
    """Return how many of its fits the verifying engine failed to make, and its first reason.

    None where it made them all.
    """
    by_model = verification.groupby("model", sort=False).first()
    failed = by_model[by_model["n_failed"] > 0]
    if failed.empty:
        return None
    return {
        "n": int(by_model["n_verified"].sum()),
        "n_failed": int(failed["n_failed"].sum()),
        "error": first_line(failed["error"].iloc[0]),
        "models": list(by_model.index[by_model["verdict"] == ALL_FAILED]),
    }


def outcome(design: Design) -> tuple[list[str], bool]:
    """Return how all fits of a study went, a line each thing, and whether any gave estimates."""
    family, found = design.family, {}
    for name in ("convergence", "verification"):
        found[name] = tables.read_frame([design.summary_file(name)])
    convergence = found["convergence"]
    final = convergence[convergence["attempt"] == "final"]
    n_ok, n_planned = int(final["n_ok"].sum()), int(final["n_planned"].sum())
    lines = list(_lines(design, family, convergence, found["verification"]))
    if n_ok:
        lines.insert(0, f"{n_ok:,} of {n_planned:,} fits gave estimates.")
    else:
        lines.insert(0, f"No fit gave estimates: all {n_planned:,} failed.")
    return [f"{design.study.name}: {line}" for line in lines], n_ok > 0


def outcome_or_error(design: Design) -> list[str]:
    """Return these lines; StudyError with them if no fit gave estimates."""
    lines, any_estimates = outcome(design)
    if not any_estimates:
        raise StudyError("\n".join(lines))
    return lines


def _lines(
    design: Design, family: Family, convergence: pd.DataFrame, verification: pd.DataFrame
) -> Iterator[str]:
    for row in failed_cells(family, convergence):
        cells = "; ".join(row["cells"]) + ("; ..." if row["n_cells"] > MOST_CELLS else "")
        said = "1 cell" if row["n_cells"] == 1 else f"{row['n_cells']:,} cells"
        yield f"every fit failed in {said} ({cells}): {row['error']}"
    if design.study.verify and (found := verification_failures(verification)):
        made = f"{found['n_failed']:,} of the {found['n']:,} fits that it made too"
        yield f"{design.study.verify.engine} failed in {made}: {found['error']}"
