"""A lock is held by one process and by those that inherit its file."""

import subprocess
import sys

import pytest

from recovery.common import locks


def test_a_second_opening_of_the_file_cannot_lock_it(tmp_path):
    path = tmp_path / ".lock"
    with path.open("w") as held, path.open() as other:
        locks.acquire(held)
        with pytest.raises(BlockingIOError):
            locks.acquire(other, wait=False)


def test_a_lock_ends_when_its_file_is_closed(tmp_path):
    path = tmp_path / ".lock"
    with path.open("w") as held:
        locks.acquire(held)
    with path.open() as other:
        locks.acquire(other, wait=False)


def test_a_program_that_is_handed_the_file_holds_the_lock(tmp_path):
    path = tmp_path / ".lock"
    with path.open("w") as held:
        locks.acquire(held)
        command = [sys.executable, "-c", "input()"]
        program = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[held.fileno()])
    with path.open() as other:
        with pytest.raises(BlockingIOError):
            locks.acquire(other, wait=False)
        program.communicate(b"\n")
        locks.acquire(other, wait=False)
