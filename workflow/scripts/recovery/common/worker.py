"""A child process that answers calls, and is replaced when it dies or takes too long."""

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
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

import psutil

from recovery.common import temporary_folder

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
START_METHOD = "RECOVERY_START_METHOD"
START_SECONDS = 120  # for a new Python to import what it answers with
LONGEST = 2000  # characters of an error
GLANCE = 0.5  # seconds between two looks at whether a process still lives
_fork = multiprocessing.get_context("fork")
_BEGIN = """import sys
sys.path.insert(0, sys.argv[2])
from recovery.common.worker import serve_fresh
serve_fresh(int(sys.argv[1]), sys.argv[3])"""


class ChildLostError(Exception):
    """The child died or took too long and was killed; the message says which."""


class Child:
    """A process that answers calls one after another.

    If the process dies or hangs, only that call is lost: the next starts a new process.
    Temporary files of the process go to a folder that is removed with it.

    Parameters
    ----------
    answer : callable
        What the child does with each argument. An exception that it raises is raised
        again by `call`. It must pickle if the child is not forked.
    seconds : float
        The longest that a call may take.
    of : str
        What the process does, for messages.
    """

    def __init__(self, answer: Callable[[Any], Any], seconds: float, of: str = "fit"):
        self._answer = answer
        self._seconds = seconds
        self._of = of
        self._running: _Running | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def call(self, argument: Any, seconds: float | None = None) -> Any:
        """Return the child's answer; ChildLostError if it dies or takes more than `seconds`."""
        if self._running is None:
            self._running = self._start()
        return self._exchange(
            self._running, argument, self._seconds if seconds is None else seconds
        )

    def _exchange(self, running: _Running, message: Any, seconds: float) -> Any:
        """Send a message and return the answer to it, or raise its error."""
        try:
            running.pipe.send(message)
            if not running.answers_within(seconds):
                self._end()
                raise ChildLostError(f"time limit: took more than {seconds:g} seconds")
            answer = running.pipe.recv_bytes()
        except (EOFError, OSError):
            code = running.exit_code()
            self._end()
            raise ChildLostError(f"the process of the {self._of} died: {cause(code)}") from None
        return self._read(answer)

    def _read(self, answer: bytes) -> Any:
        """Return the answer or raise its error; end a child that sent something else."""
        try:
            succeeded, value = pickle.loads(answer)
        except Exception as error:
            self._end()
            raise ChildLostError(f"its answer cannot be read: {in_words(error)}") from None
        if not succeeded:
            raise value
        return value

    def _start(self) -> _Running:
        """Start the process; OSError if the machine cannot start one."""
        return _forked(self._answer) if start_method() == "fork" else self._start_python({})

    def _start_python(self, environment: Mapping[str, str]) -> _Running:
        """Start a new Python and send it `answer`, which must pickle."""
        answer = pickle.dumps(self._answer)
        running = self._running = _new_python(environment)
        try:
            self._exchange(running, (sys.path, answer), START_SECONDS)
        except BaseException:
            self._end()
            raise
        return running

    def _end(self) -> None:
        """Kill the child, if there is one, and every process that it started."""
        if self._running is not None:
            self._running.end()
            self._running = None


class FreshChild(Child):
    """A child that is a new Python: it gets the environment and `answer`, and no other state.

    Parameters
    ----------
    answer, seconds, of
        As for a Child; `answer` must pickle.
    environment : mapping of str to str
        Environment variables that differ from this process's.
    """

    def __init__(
        self, answer: Callable[[Any], Any], seconds: float, of: str, environment: Mapping[str, str]
    ):
        super().__init__(answer, seconds, of)
        self._environment = environment

    def _start(self) -> _Running:
        return self._start_python(self._environment)


@contextlib.contextmanager
def in_child(answer: Callable[[Any], Any], seconds: float | None, of: str) -> Iterator[Callable]:
    """Yield a function that calls `answer`: in a child, or, without a limit, in this process."""
    if seconds is None:
        yield answer
        return
    with Child(answer, seconds, of) as child:
        yield child.call


def start_method() -> str:
    """Return how children start: "fork" on Linux, elsewhere "spawn", a new Python.

    The environment variable RECOVERY_START_METHOD overrides it.
    """
    return os.environ.get(START_METHOD) or ("fork" if sys.platform == "linux" else "spawn")


@dataclass(frozen=True)
class _Running:
    """A child process, the pipe to it, and what is cleared up when it has ended."""

    process: multiprocessing.context.ForkProcess | _Python
    pipe: Connection
    opened: contextlib.ExitStack

    def answers_within(self, seconds: float) -> bool:
        """Whether the child answers in time; EOFError if it died.

        The end of its pipe does not tell its death: a process that it started may hold the
        pipe open.
        """
        end = time.monotonic() + seconds
        while not self.pipe.poll(max(0.0, min(GLANCE, end - time.monotonic()))):
            if not self.process.is_alive() and not self.pipe.poll():
                raise EOFError
            if time.monotonic() >= end:
                return False
        return True

    def exit_code(self) -> int | None:
        """Return the exit code of a child that is about to end."""
        self.process.join(5)
        return self.process.exitcode

    def end(self) -> None:
        """Kill the child, its process group, and what it started in other groups."""
        if self.process.pid is not None:
            started = _descendants(self.process.pid)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            _kill(started)
        self.process.kill()
        self.process.join()
        self.pipe.close()
        self.opened.close()


def _forked(answer: Callable[[Any], Any]) -> _Running:
    """Fork a child that has all that this process has."""
    with contextlib.ExitStack() as opened:
        folder = opened.enter_context(temporary_folder.folder())
        pipe, childs_end = _fork.Pipe()
        arguments = (answer, childs_end, pipe, folder, os.getpid())
        process = _fork.Process(target=_serve, args=arguments)
        process.start()
        childs_end.close()
        return _Running(process, pipe, opened.pop_all())


def _new_python(environment: Mapping[str, str]) -> _Running:
    """Start a new Python that waits for the function to answer with."""
    with contextlib.ExitStack() as opened:
        folder = opened.enter_context(temporary_folder.folder())
        pipe, childs_end = multiprocessing.Pipe()
        number, library = childs_end.fileno(), str(Path(__file__).parents[2])
        process = _Python(
            [sys.executable, "-P", "-c", _BEGIN, str(number), library, str(folder)],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            pass_fds=[number],
        )
        childs_end.close()
        return _Running(process, pipe, opened.pop_all())


class _Python(subprocess.Popen):
    """A Popen with the methods of multiprocessing's processes."""

    @property
    def exitcode(self) -> int | None:
        return self.returncode

    def is_alive(self) -> bool:
        return self.poll() is None

    def join(self, seconds: float | None = None) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(seconds)


def _descendants(pid: int) -> list[psutil.Process]:
    """The processes that a process started, and those that they started."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def _kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()


def cause(exit_code: int | None) -> str:
    """Return in words what ended a process."""
    if exit_code is None or exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return signal.Signals(-exit_code).name
    except ValueError:  # real-time signals have no names
        return f"signal {-exit_code}"


def _serve(
    answer: Callable[[Any], Any],
    pipe: Connection,
    parents_end: Connection,
    folder: Path,
    parent: int,
) -> None:
    """Answer until the parent is gone."""
    parents_end.close()
    _begin_to_serve(parent, folder)
    _answer_all(answer, pipe)


def serve_fresh(number: int, folder: str) -> None:
    """Answer, in a new Python, what comes through the pipe with this number.

    The first message has the paths to import from and the pickled function to answer with.
    """
    _begin_to_serve(os.getppid(), Path(folder))
    pipe = Connection(number)
    sys.path, pickled = pipe.recv()
    try:
        answer = pickle.loads(pickled)
    except BaseException as error:
        pipe.send((False, _sendable(error)))
        return
    pipe.send((True, None))
    _answer_all(answer, pipe)


def _begin_to_serve(parent: int, folder: Path) -> None:
    """Set a child apart from its parent: its process group, temporary folder and output."""
    os.setpgid(0, 0)
    die_with(parent)
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # it inherits its orphans
        with contextlib.suppress(OSError):  # it is killed first if memory runs out
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
            os._exit(0)  # also ends threads that still run
        try:
            pipe.send((True, answer(argument)))
        except BaseException as error:
            pipe.send((False, _sendable(error)))


def die_with(parent: int) -> None:
    """Have this process end when its parent is killed.

    Linux ends it at once. Elsewhere a thread does, with all that this process started, once
    no other code keeps Python from running it.

    Parameters
    ----------
    parent : int
        The process that started this one. If it is gone already, this process ends now.
    """
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def before_program() -> Callable[[], None] | None:
    """Return the `preexec_fn` with which a program ends when this process is killed.

    None where only Linux could do so: a thread does not outlive the start of a program.
    """
    return partial(die_with, os.getpid()) if sys.platform == "linux" else None


def _watch(parent: int) -> None:
    """End this process, and what it started, once another process is its parent."""
    while os.getppid() == parent:
        time.sleep(GLANCE)
    _kill(_descendants(os.getpid()))
    os.kill(os.getpid(), signal.SIGKILL)


def _sendable(error: BaseException) -> Exception:
    """The error; if it does not pickle, or would end the parent, a RuntimeError with its words."""
    try:
        if isinstance(error, Exception):
            pickle.loads(pickle.dumps(error))
            return error
    except Exception:
        pass
    return RuntimeError(in_words(error))


def in_words(error: BaseException) -> str:
    """Return an error's type and message, shortened if it is long."""
    try:
        return f"{type(error).__name__}: {error}"[:LONGEST]
    except Exception:
        return type(error).__name__
