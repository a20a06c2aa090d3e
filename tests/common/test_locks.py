"""A lock is held by one process and by those that inherit its file."""

import os
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


def test_only_one_process_is_alone_and_the_file_goes(tmp_path):
    path = tmp_path / "parts" / "lock"
    with locks.alone(path), path.open() as other, pytest.raises(BlockingIOError):
        locks.acquire(other, wait=False)
    assert not path.exists()


def test_a_lock_file_that_another_user_left_is_used(tmp_path, monkeypatch):
    """Its user was killed; the folder may be written to, the file not."""
    path = tmp_path / "lock"
    path.touch()
    opened = os.open

    def refuse_writing(file, flags, *mode):
        if file == path and flags & os.O_RDWR:
            raise PermissionError(13, "Permission denied", str(file))
        return opened(file, flags, *mode)

    monkeypatch.setattr(os, "open", refuse_writing)
    with locks.alone(path):
        assert path.exists()
    assert not path.exists()


def test_a_file_system_without_locks_is_no_error(tmp_path, monkeypatch):
    def no_locks(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", no_locks)
    with locks.alone(tmp_path / "lock"):
        pass
