"""One child process that answers a job's calls, and is replaced when it dies or overruns."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from recovery.common import temporary_folder

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
START_SECONDS = 120  # in which a fresh process has imported what it answers with
LONGEST = 2000  # characters of an error
GLANCE = 0.5  # seconds after which is looked whether a silent child still lives
_fork = multiprocessing.get_context("fork")
_BEGIN = """import sys
sys.path.insert(0, sys.argv[2])
from recovery.common.worker import serve_fresh
serve_fresh(int(sys.argv[1]), sys.argv[3])"""


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
    of : str
        What the process does, for messages.
    """

    def __init__(self, answer: Callable[[Any], Any], seconds: float, of: str = "fit"):
        self._answer = answer
        self._seconds = seconds
        self._of = of
        self._process = None

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_) -> None:
        if self._process is not None:
            self._end()

    def call(self, argument: Any, seconds: float | None = None) -> Any:
        """Return the child's answer; ChildLostError if there is none, within its own time."""
        if self._process is None:
            self._start()
        return self._answer_to(argument, self._seconds if seconds is None else seconds)

    def _answer_to(self, message: Any, seconds: float) -> Any:
        try:
            self._pipe.send(message)
            if not self._hears(seconds):
                self._end()
                raise ChildLostError(f"time limit: took more than {seconds:g} seconds")
            answered, value = self._received()
        except (EOFError, OSError):
            raise self._lost() from None
        if not answered:
            raise value
        return value

    def _received(self) -> tuple[bool, Any]:
        """What came through the pipe; a child whose answer is none is ended."""
        found = self._pipe.recv_bytes()
        try:
            answered, value = pickle.loads(found)
        except Exception as error:
            self._end()
            raise ChildLostError(f"its answer cannot be read: {in_words(error)}") from None
        return answered, value

    def _hears(self, seconds: float) -> bool:
        """Whether the child answers in time.

        The end of its pipe does not tell its death: what it started may hold the pipe open.
        """
        end = time.monotonic() + seconds
        while not self._pipe.poll(max(0.0, min(GLANCE, end - time.monotonic()))):
            if self._ended() and not self._pipe.poll():
                raise EOFError
            if time.monotonic() >= end:
                return False
        return True

    def _ended(self) -> bool:
        return not self._process.is_alive()

    def _lost(self) -> ChildLostError:
        """Return what is said of a child that is gone."""
        self._process.join(5)
        code = self._process.exitcode
        self._end()
        return ChildLostError(f"the process of the {self._of} died: {cause(code)}")

    def _start(self) -> None:
        """Start the process; OSError where the machine has no room for it."""
        with contextlib.ExitStack() as opened:
            folder = opened.enter_context(temporary_folder.folder())
            self._pipe, theirs = _fork.Pipe()
            arguments = (self._answer, theirs, self._pipe, folder)
            process = _fork.Process(target=_serve, args=arguments)
            process.start()
            theirs.close()
            self._process, self._opened = process, opened.pop_all()

    def _end(self) -> None:
        """Kill the child and whatever it started."""
        _kill_all(self._process.pid)
        self._process.kill()
        self._process.join()
        self._pipe.close()
        self._opened.close()
        self._process = None


@contextlib.contextmanager
def guarded(answer: Callable[[Any], Any], seconds: float | None, of: str) -> Iterator[Callable]:
    """Yield what calls `answer`: in a child, or here and without a limit where there is none."""
    if seconds is None:
        yield answer
        return
    with Child(answer, seconds, of) as child:
        yield child.call


class FreshChild(Child):
    """A child that is a new Python, which has nothing of this process but what it is sent.

    Parameters
    ----------
    answer, seconds, of
        As for a Child; `answer` must be one that can be pickled.
    environment : mapping of str to str
        What is other in its environment than in this one's.
    """

    def __init__(
        self, answer: Callable[[Any], Any], seconds: float, of: str, environment: Mapping[str, str]
    ):
        super().__init__(answer, seconds, of)
        self._environment = environment

    def _start(self) -> None:
        with contextlib.ExitStack() as opened:
            folder = opened.enter_context(temporary_folder.folder())
            self._pipe, theirs = multiprocessing.Pipe()
            number, library = theirs.fileno(), str(Path(__file__).parents[2])
            self._process = _Python(
                [sys.executable, "-P", "-c", _BEGIN, str(number), library, str(folder)],
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                pass_fds=[number],
            )
            theirs.close()
            self._opened = opened.pop_all()
        self._answer_to(self._answer, START_SECONDS)


class _Python(subprocess.Popen):
    """A process that was started, as multiprocessing has its own."""

    @property
    def exitcode(self) -> int | None:
        return self.returncode

    def is_alive(self) -> bool:
        return self.poll() is None

    def join(self, seconds: float | None = None) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(seconds)


def _kill_all(pid: int) -> None:
    """Kill a child's process group, and what it started in groups of their own."""
    started = []
    with contextlib.suppress(psutil.Error):
        started = psutil.Process(pid).children(recursive=True)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    for each in started:
        with contextlib.suppress(psutil.Error):
            each.kill()


def cause(exit_code: int | None) -> str:
    """Return what ended a process, in words."""
    if exit_code is None or exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return signal.Signals(-exit_code).name
    except ValueError:  # one of those for real time, which have no names
        return f"signal {-exit_code}"


def _serve(
    answer: Callable[[Any], Any], pipe: Connection, parents_end: Connection, folder: Path
) -> None:
    """Answer until the parent is gone. Its own process group, so that all of it can be ended."""
    parents_end.close()
    _begin_to_serve(multiprocessing.parent_process().pid, folder)
    _answer_all(answer, pipe)


def serve_fresh(number: int, folder: str) -> None:
    """Answer, in a new Python, what comes through the pipe of this number: first, with what."""
    _begin_to_serve(os.getppid(), Path(folder))
    pipe = Connection(number)
    answer = pipe.recv()
    pipe.send((True, None))
    _answer_all(answer, pipe)


def _begin_to_serve(parent: int, folder: Path) -> None:
    """Set a child apart from its parent, which it must not harm by what it says or uses."""
    os.setpgid(0, 0)
    die_with(parent)
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # what it leaves behind stays its own
    with contextlib.suppress(OSError):  # it goes first where memory runs out
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115


def _answer_all(answer: Callable[[Any], Any], pipe: Connection) -> None:
    while True:
        try:
            argument = pipe.recv()
        except EOFError:
            os._exit(0)  # whatever threads were left running
        try:
            pipe.send((True, answer(argument)))
        except BaseException as error:
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


def _sendable(error: BaseException) -> Exception:
    """The error, or its words where it does not come through a pipe or would end the parent."""
    try:
        if isinstance(error, Exception):
            pickle.loads(pickle.dumps(error))
            return error
    except Exception:
        pass
    return RuntimeError(in_words(error))


def in_words(error: BaseException) -> str:
    """Return the kind of an error and what it says, where it says anything, cut where long."""
    try:
        return f"{type(error).__name__}: {error}"[:LONGEST]
    except Exception:
        return type(error).__name__
