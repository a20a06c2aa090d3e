"""A job's log, its errors in words, and the processor time that it used."""

from __future__ import annotations

import errno
import os
import sys
import time
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TextIO

from recovery.common import checkout, os_resources
from recovery.common.worker import die_with

_OF_THE_MACHINE = {
    errno.ENOSPC: "the disk is full; make room",
    errno.EDQUOT: "the disk's quota is used up; make room",
    errno.EFBIG: "a file may not become so large here; raise the limit",
    errno.EEXIST: "a file is where its folder should be; move that away",
    errno.ENOTDIR: "a file is where its folder should be; move that away",
    errno.EISDIR: "a folder is in its place; move that away",
    errno.EROFS: "the file system is read-only; make it writable",
    errno.EACCES: "its folder may not be written to; allow it",
    errno.EPERM: "its folder may not be written to; allow it",
}


def begin(log: str | Path) -> None:
    """Begin a job: its output goes to its log, and it ends when Snakemake is killed.

    The library must be the one of the workflow that runs the job. Call this before slow
    imports, so that their errors are logged too. Errors that the user can correct are logged
    as one message, without a traceback.
    """
    die_with(os.getppid())
    sys.excepthook = partial(_tell, sys.stderr)
    sys.stderr = Path(log).open("w", buffering=1, encoding="utf-8")  # noqa: SIM115
    checkout.require_this_library(os.environ["RECOVERY_SCRIPTS"])


def in_words(error: BaseException) -> str | None:
    """Return what went wrong and what to do; None for an error that needs its traceback."""
    from recovery.common.errors import UserError  # pydantic takes long to import

    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE and error.filename:
        return (
            f"{error.filename}: cannot be written: {_OF_THE_MACHINE[error.errno]}, "
            "then run the same command again."
        )
    return None


def processor_seconds() -> float:
    """Return the processor seconds of this process and of its children that have ended."""
    return time.process_time() + os_resources.children_seconds()


def _tell(
    terminal: TextIO,
    kind: type[BaseException],
    error: BaseException,
    traceback: TracebackType | None,
) -> None:
    """Write an error to the log, or to the terminal if the log cannot be written."""
    words = in_words(error)
    if words is None:
        sys.__excepthook__(kind, error, traceback)
        return
    try:
        print(words, file=sys.stderr)
    except OSError:
        print(words, file=terminal)
