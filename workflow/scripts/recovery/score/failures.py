"""Cells in which all fits failed: the report begins with them, and the terminal ends with them."""

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
MOST_CELLS = 5  # cells that a message names for one error


def first_line(error: str) -> str:
    """Return the first line of an error, shortened."""
    return error.partition("\n")[0][:LONGEST_REASON]


def failed_cells(family: Family, convergence: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the cells in which all fits failed, one row per first line of their errors.

    Returns
    -------
    list of dict
        error, n_cells, n_fits, and `cells`: the labels of at most `MOST_CELLS` cells.
    """
    final = convergence[convergence["attempt"] == "final"]
    failed = final[final["n_ok"] == 0]
    rows = []
    for error, cells in failed.groupby(failed["error"].map(first_line), sort=False):
        rows.append(
            {
                "error": error,
                "n_cells": len(cells),
                "n_fits": int(cells["n_failed"].sum()),
                "cells": [_label(family, cell) for cell in cells.head(MOST_CELLS).itertuples()],
            }
        )
    return sorted(rows, key=lambda row: -row["n_cells"])


def _label(family: Family, cell: Any) -> str:
    prior = "" if cell.prior == NO_PRIOR else f" under {cell.prior}"
    return f"{method(family, cell.model).label}{prior} in {cell.scenario}"


def verification_failures(verification: pd.DataFrame) -> dict[str, Any] | None:
    """Return how many fits of the verifying engine failed, and the first error.

    None if no fit of the verifying engine failed.
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
    """Return lines on the outcomes of a study's fits, and whether any fit gave estimates."""
    family = design.family
    convergence, verification = (
        tables.read_frame([design.summary_file(name)]) for name in ("convergence", "verification")
    )
    fitted = design.without_shared(convergence)
    final = fitted[fitted["attempt"] == "final"]
    n_ok, n_planned = int(final["n_ok"].sum()), int(final["n_planned"].sum())
    lines = list(_lines(design, family, convergence, verification))
    if n_ok:
        lines.insert(0, f"{n_ok:,} of {n_planned:,} fits gave estimates.")
    else:
        lines.insert(0, f"All {n_planned:,} fits failed; none gave estimates.")
    return [f"{design.study.name}: {line}" for line in lines], n_ok > 0


def outcome_or_error(design: Design) -> list[str]:
    """Return the lines of `outcome`; raise StudyError with them if no fit gave estimates."""
    lines, any_estimates = outcome(design)
    if not any_estimates:
        raise StudyError("\n".join(lines))
    return lines


def _lines(
    design: Design, family: Family, convergence: pd.DataFrame, verification: pd.DataFrame
) -> Iterator[str]:
    for row in failed_cells(family, design.without_shared(convergence)):
        labels = "; ".join(row["cells"]) + ("; ..." if row["n_cells"] > MOST_CELLS else "")
        n_cells = "1 cell" if row["n_cells"] == 1 else f"{row['n_cells']:,} cells"
        yield f"all fits failed in {n_cells} ({labels}): {row['error']}"
    if design.study.verify and (failures := verification_failures(verification)):
        n_failed = f"{failures['n_failed']:,} of {failures['n']:,} fits"
        yield f"{n_failed} with {design.study.verify.engine} failed: {failures['error']}"
