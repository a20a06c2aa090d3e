"""Raise a study's replicates to the number that its `precision` needs: `make enough`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from recovery import tables
from recovery.common.errors import StudyError
from recovery.run.study_files import read_study
from recovery.score.precision import most_needed
from recovery.study.keys import Study
from recovery.study.settings import Precision
from recovery.study.yaml_edits import with_integer
from recovery.study.yaml_file import parse_yaml, read_yaml


def raise_replicates(file: Path, changes: Sequence[str] = ()) -> str:
    """Raise `replicates` in a study file if its results need more; return what was done.

    Parameters
    ----------
    file : Path
        The study file.
    changes : sequence of str
        `KEY=VALUE` of the option `--config`.

    Raises
    ------
    StudyError, StaleTableError
        If the study names no precision, has no current results, or cannot be edited.
    """
    study = read_study(file, changes)
    if any(change.startswith("replicates=") for change in changes):
        raise StudyError(
            "--config: replicates: must not be given; this command increases them in the study file"
        )
    if study.precision is None:
        raise StudyError(f"{file}: precision: missing, must name the Monte Carlo errors to reach")
    needed = replicates_needed(file, study, study.precision)
    if needed <= study.replicates:
        return f"{file}: {study.replicates:,} replicates are enough."
    write_replicates(file, needed)
    return f"{file}: replicates increased from {study.replicates:,} to {needed:,}."


def replicates_needed(file: Path, study: Study, precision: Precision) -> int:
    """Return the number of replicates that a study's results say it needs.

    Raises
    ------
    StudyError, StaleTableError
        If there are no such results, or they are from an earlier version of the study file.
    """
    table = Path("results", study.name, "summary", "precision.parquet")
    if not table.exists():
        raise StudyError(
            f"{table}: does not exist yet; run the study first: make study STUDY={file}"
        )
    rows = tables.read_frame([table])
    if not _is_current(rows, study, precision):
        raise StudyError(
            f"{table}: was made from an earlier version of the study file; run the study first: "
            f"make study STUDY={file}"
        )
    needed = None if rows.empty else most_needed(rows)
    if needed is None:
        raise StudyError(
            f"{table}: does not say how many replicates are needed; raise them in {file}"
        )
    return needed


def _is_current(rows: pd.DataFrame, study: Study, precision: Precision) -> bool:
    """Whether a table of precision is for the targets and replicates of this study."""
    targets = dict(zip(rows["measure"], rows["wanted"], strict=True))
    same_targets = targets == precision.model_dump(exclude_none=True)
    return same_targets and bool((rows["n_planned"] == study.replicates).all())


def write_replicates(file: Path, replicates: int) -> None:
    """Change `replicates` in a study file, and nothing else in its text.

    Raises
    ------
    StudyError
        If the file cannot be edited so that only this value changes, or cannot be written.
    """
    before = read_yaml(file)
    with file.open(encoding="utf-8", newline="") as opened:  # keeps the ends of lines
        text = opened.read()
    edited = with_integer(text, "replicates", replicates)
    if edited is None or _content(edited, file) != {**before, "replicates": replicates}:
        raise StudyError(f"{file}: replicates: cannot be edited here; set it to {replicates}")
    try:
        with file.open("w", encoding="utf-8", newline="") as opened:
            opened.write(edited)
    except OSError as error:
        raise StudyError(f"{file}: cannot be written: {error.strerror}") from None


def _content(text: str, file: Path) -> Any:
    """What a study file with this text would hold; None if it would be refused."""
    try:
        return parse_yaml(text, str(file))
    except StudyError:
        return None
