"""Read a study file as a command is given it: with the changes of the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from recovery import families
from recovery.common.user_files import refuse_outside
from recovery.study import overrides
from recovery.study.keys import Study
from recovery.study.parse import parse
from recovery.study.yaml_file import read_yaml


def read_study(file: str | Path, changes: Sequence[str] = ()) -> Study:
    """Return the study of a file, with changes.

    Parameters
    ----------
    file : path
        The study file.
    changes : sequence of str
        `KEY=VALUE` of the option `--config`.

    Raises
    ------
    StudyError
        If the file cannot be read, or the study has faults.
    """
    raw = overrides.apply_changes(read_yaml(file), changes)
    refuse_outside(raw, str(file))
    return parse(raw, families.find, str(file))
