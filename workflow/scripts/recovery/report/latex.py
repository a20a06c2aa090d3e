"""The page's tables for a paper, in LaTeX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from recovery.report.formats import number, percent
from recovery.tables import replace

TABLES = ("models", "cells", "comparison")
EMPTY = "% This study has nothing for this table.\n"  # a longtable needs a column


def write(
    files: Mapping[str, str | Path],
    glance: Sequence[Mapping[str, Any]],
    cells: Sequence[Mapping[str, Any]],
    factors: Sequence[Mapping[str, Any]],
    compared: Sequence[Mapping[str, Any]],
) -> None:
    """Write each table as a LaTeX longtable (packages booktabs and longtable).

    Parameters
    ----------
    files : mapping of str to path
        One for each of `TABLES`.
    glance, cells, factors, compared
        The rows that the page shows.
    """
    rows = {
        "models": [_model(row) for row in glance],
        "cells": [_cell(row, [factor["name"] for factor in factors]) for row in cells],
        "comparison": [_pair(row) for row in compared],
    }
    for name in TABLES:
        table = pd.DataFrame(rows[name])
        text = table.to_latex(index=False, escape=True, longtable=True) if rows[name] else EMPTY
        replace(files[name], lambda beside, text=text: beside.write_text(text, encoding="utf-8"))


def _model(row: Mapping[str, Any]) -> dict[str, str]:
    return {
        "Model": row["model"],
        "Prior": row["prior"],
        "Fits": f"{row['fits']:,}",
        "Failed": str(row["failed"]),
        "Converged": percent(row["converged"]),
        "Mean coverage": percent(row["coverage"]),
        "Seconds": number(row["seconds"]),
    }


def _cell(row: Mapping[str, Any], factors: Sequence[str]) -> dict[str, str]:
    measures = {
        label: f"{number(row[name]['value'], row[name]['mcse'])} "
        f"({number(row[name]['mcse'], row[name]['mcse'])})"
        for name, label in (("bias", "Bias (MCSE)"), ("rmse", "RMSE (MCSE)"))
    }
    coverage = row["coverage"]
    interval = f"{percent(coverage['lower'])} to {percent(coverage['upper'])}"
    return {
        **{name.capitalize(): str(row[name]) for name in factors},
        **measures,
        "Coverage (95 % interval)": f"{percent(coverage['value'])} ({interval})",
        "Fits": str(row["bias"]["n_replicates"]),
    }


def _pair(row: Mapping[str, Any]) -> dict[str, str]:
    found = {"First": row["first"], "Second": row["second"], "Given": row["given"]}
    for name, label in (("rmse", "RMSE"), ("coverage", "coverage")):
        its = row[name]
        found[f"Clear in {label}"] = f"{its['n_clear']} of {its['n']}" if its else "–"
        found[f"Clearest in {label} (MCSE)"] = (
            f"{number(its['value'], its['mcse'])} ({number(its['mcse'], its['mcse'])}; "
            f"{its['parameter']}, {its['scenario']})"
            if its
            else "–"
        )
    return found
