"""Temporary folders that are removed even if the process that made them is killed."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from recovery.common import locks

PREFIX = "recovery-"
_LOCK = ".lock"
_TRIALS, _PAUSE = 50, 0.02  # attempts to remove a folder, and seconds between them


@contextlib.contextmanager
def folder(root: str | Path | None = None) -> Iterator[Path]:
    """Make a temporary folder; it is removed when the block ends.

    The process that makes it, and every process that it forks, holds a lock on a file beside it.
    Folders that killed processes left behind are removed when the next folder is made there.

    Parameters
    ----------
    root : path, optional
        The folder to make it in; by default Python's folder for temporary files.
    """
    root = Path(root or tempfile.gettempdir())
    _remove_abandoned(root)
    lock, name = _locked(root)
    made = Path(name.removesuffix(_LOCK))
    try:
        made.mkdir(mode=0o700)
        yield made
    finally:
        _remove(made)
        Path(name).unlink(missing_ok=True)
        os.close(lock)


def _locked(root: Path) -> tuple[int, str]:
    """Make and lock a new file; make another if a process removed it before it was locked."""
    while True:
        lock, name = tempfile.mkstemp(prefix=PREFIX, suffix=_LOCK, dir=root)
        with contextlib.suppress(OSError):  # a file system without locks
            locks.acquire(lock)
        if os.fstat(lock).st_nlink:
            return lock, name
        os.close(lock)


def root_for_make() -> Path:
    """Return a folder for temporary files whose path Make can read: no space, no special sign.

    Raises
    ------
    OSError
        If there is none.
    """
    for root in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        if re.fullmatch(r"[\w./+-]+", root, re.ASCII) and os.access(root, os.W_OK | os.X_OK):
            return Path(root)
    raise OSError(
        f"TMPDIR: got {tempfile.gettempdir()!r}, must be a writable folder whose path has only "
        "letters, digits and `._+-/`: CmdStan's Makefile reads no other"
    )


def _remove_abandoned(root: Path) -> None:
    """Remove the folders whose lock no process holds."""
    for lock in root.glob(f"{PREFIX}*{_LOCK}"):
        # Fails if the lock is held, belongs to another user, or was removed meanwhile.
        with contextlib.suppress(OSError), lock.open("r+") as held:
            locks.acquire(held, wait=False)
            _remove(Path(str(lock).removesuffix(_LOCK)))
            lock.unlink()


def _remove(made: Path) -> None:
    """Remove a folder; try again, since a process that was just killed may still write there."""
    for _ in range(_TRIALS):
        shutil.rmtree(made, ignore_errors=True)
        if not made.exists():
            return
        time.sleep(_PAUSE)
