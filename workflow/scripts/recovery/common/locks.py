"""Locks on open files, by `flock`, which Linux and macOS have.

The lock belongs to the open file: a forked child, and a program that is handed the file, hold it
too, and it ends with the last of them, however they end. A file opened only for reading can be
locked. filelock offers neither.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO


def acquire(file: int | IO, wait: bool = True) -> None:
    """Lock an open file, so that no other process can.

    Parameters
    ----------
    file : int or file object
    wait : bool
        Whether to wait until the file is free.

    Raises
    ------
    BlockingIOError
        When another process holds the lock and `wait` is false.
    OSError
        When the file system has no locks.
    """
    fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Wait until no other process is in this block with the same path.

    The path is that of a lock file, which exists only during the block. Nothing is locked on a file
    system without locks.
    """
    file = _only_lock(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(file)


def _only_lock(path: Path) -> int:
    """Lock a file of this name; not one that a process before has removed meanwhile."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = _opened(path)
        except FileNotFoundError:  # a process before has removed the file or its folder
            continue
        try:
            acquire(file, wait=False)
        except BlockingIOError:
            print(f"{path}: waits for another job", file=sys.stderr)
            acquire(file)
        except OSError:
            return file
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file), path.stat()):
                return file
        os.close(file)


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError:  # another user's, who was killed
        return os.open(path, os.O_RDONLY)
