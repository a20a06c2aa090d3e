"""Check a study, lock its results and start Snakemake: `make study`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from recovery.run import machine, results_lock
from recovery.run.study_files import read_study
from recovery.study.keys import Study


def checked_study(file: str, changes: Sequence[str]) -> Study:
    """Return the study that will be run, with the changes of the command line.

    Raises
    ------
    StudyError
        If the study file or the machine does not allow a run.
    """
    machine.must_allow_files()
    study = read_study(file, changes)
    results_lock.refuse_foreign(study, file)
    return study


def command(
    file: str, changes: Sequence[str], options: Sequence[str], progress_bars: bool
) -> list[str]:
    """Return the command that starts Snakemake.

    Parameters
    ----------
    file : str
        The study file.
    changes : sequence of str
        `KEY=VALUE` of the option `--config`.
    options : sequence of str
        Options and targets for Snakemake. They come first: after `--configfile` or `--config`,
        Snakemake would read a target as one more of its values.
    """
    words = [sys.executable, "-m", "snakemake", *options, "--configfile", file]
    if changes:
        words += ["--config", *changes]
    return [*words, "--logger", "rich"] if progress_bars else words


def start(file: str, changes: Sequence[str], options: Sequence[str]) -> NoReturn:
    """Lock a study's results and let Snakemake replace this process.

    A killed run leaves Snakemake's own locks; they are removed, and Snakemake resumes.

    Raises
    ------
    StudyError
        If the study cannot be run.
    """
    study = checked_study(file, changes)
    lock = results_lock.hold(study)
    results_lock.remove_stale_locks(study)
    # Snakemake takes over this process, and with it the lock and signals.
    os.set_inheritable(lock, True)
    os.environ[results_lock.HOLDER] = results_lock.holder(study)
    os.execv(sys.executable, command(file, changes, options, sys.stderr.isatty()))
