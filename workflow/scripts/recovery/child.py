"""One child process that answers a job's calls, and is replaced when it dies or overruns."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import pickle
import signal
import tempfile
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from recovery import scratch

PR_SET_PDEATHSIG = 1
_fork = multiprocessing.get_context("fork")


class ChildLostError(Exception):
    """The child died, or was ended because it overran; the message says which."""


class Child:
    """A process that answers calls one after another.

    The call after a loss starts a new process, so what kills or hangs a call costs
    that call alone. All that is temporary goes to a folder of the process's own, which is
    removed with it.

    Parameters
    ----------
    answer : callable
        What the child does with each argument. An exception that it raises is raised
        again by `call`.
    seconds : float
        The longest that a call may take.
    """

    def __init__(self, answer: Callable[[Any], Any], seconds: float):
        self._answer = answer
        self._seconds = seconds
        self._process = None

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_) -> None:
        if self._process is not None:
            self._end()

    def call(self, argument: Any) -> Any:
        """Return the child's answer; ChildLostError if there is none."""
        if self._process is None:
            self._start()
        try:
            self._pipe.send(argument)
            if not self._pipe.poll(self._seconds):
                self._end()
                raise ChildLostError(f"time limit: took more than {self._seconds:g} seconds")
            answered, value = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join(5)
            code = self._process.exitcode
            self._end()
            raise ChildLostError(f"the process of the fit died: {_cause(code)}") from None
        if not answered:
            raise value
        return value

    def _start(self) -> None:
        """Start the process; OSError where the machine has no room for it."""
        with contextlib.ExitStack() as opened:
            folder = opened.enter_context(scratch.folder())
            self._pipe, theirs = _fork.Pipe()
            arguments = (self._answer, theirs, self._pipe, folder)
            process = _fork.Process(target=_serve, args=arguments)
            process.start()
            theirs.close()
            self._process, self._opened = process, opened.pop_all()

    def _end(self) -> None:
        """Kill the child and whatever it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.join()
        self._pipe.close()
        self._opened.close()
        self._process = None


def _cause(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return signal.Signals(-exit_code).name
    return f"exit code {exit_code}"


def _serve(
    answer: Callable[[Any], Any], pipe: Connection, parents_end: Connection, folder: Path
) -> None:
    """Answer until the parent is gone. Its own process group, so that all of it can be ended."""
    os.setpgid(0, 0)
    die_with(multiprocessing.parent_process().pid)
    parents_end.close()
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    while True:
        try:
            argument = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send((True, answer(argument)))
        except Exception as error:
            pipe.send((False, _sendable(error)))


def die_with(parent: int) -> None:
    """Have Linux end this process when its parent is killed, in the midst of a fit too.

    Parameters
    ----------
    parent : int
        The process that started this one; where it is gone already, so is this one.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def _sendable(error: Exception) -> Exception:
    """The error, or its words where it does not come through a pipe."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
