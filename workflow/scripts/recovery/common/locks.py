"""Locks on open files, by `flock`, which Linux and macOS have.

The lock belongs to the open file: a forked child, and a program that is handed the file, hold it
too, and it ends with the last of them, however they end. A file opened only for reading can be
locked. filelock offers neither.
"""

from __future__ import annotations

import fcntl
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
