"""Run calibration studies and collect the verdicts on their programs: `make calibrate`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from recovery import tables
from recovery.common.user_files import shipped
from recovery.score import calibration
from recovery.study.yaml_file import read_yaml

SHOWN = ["scenario", "model", "quantity", "n_ranked", "p_value", "p_corrected", "verdict"]


def run_study(file: str) -> bool:
    """Run a study up to its table of calibration; return whether it ended without an error."""
    table = str(_table(read_yaml(file)["name"]))
    command = [sys.executable, str(shipped("workflow/run.py")), file, table]
    return subprocess.run(command, check=False).returncode == 0


def all_calibrated(
    files: list[str], say: Callable[[str], None], run: Callable[[str], bool] = run_study
) -> bool:
    """Run calibration studies one after another, up to the first that cannot be run.

    Parameters
    ----------
    files : list of str
        The study files.
    say : callable
        Given, for every study, the table of its least calibrated quantities.
    run : callable
        Runs a study file; returns whether its results are complete.

    Returns
    -------
    bool
        Whether every study ran, and every program is calibrated wherever calibration applies.
    """
    good = True
    for file in files:
        if not run(file):
            return False
        rows = applicable(read_yaml(file)["name"])
        say(least_calibrated(rows).to_string(index=False))
        good &= set(rows["verdict"]) == {calibration.CALIBRATED}
    return good


def _table(study: str) -> Path:
    """The table of calibration of a study."""
    return Path("results", study, "summary", "calibration.parquet")


def applicable(study: str) -> pd.DataFrame:
    """Return the rows of a study's table of calibration to which calibration applies."""
    rows = tables.read_frame([_table(study)])
    return rows[rows["verdict"] != calibration.NOT_APPLICABLE]


def least_calibrated(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the row with the smallest p-value of every scenario and model."""
    ordered = rows.sort_values("p_value", kind="stable")
    return ordered.groupby(["scenario", "model"]).head(1)[SHOWN]
