"""Runs a researcher's code in this process and restores what the code changes in it.

The code runs in a child process first, so that an exit, a crash or a hang becomes a message.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from recovery.common.errors import StudyError
from recovery.common.worker import Child, ChildLostError, in_words

LOAD_SECONDS = 60  # to load a file, or to check a study's values with its classes
_SYS_NAMES = ("stdin", "stdout", "stderr", "excepthook")


def try_in_child(action: Callable[[], Any], place: str) -> Any:
    """Call a function in a child process and return its result; StudyError if it fails.

    Parameters
    ----------
    action : callable
        Runs a researcher's code. A StudyError that it raises is raised again.
    place : str
        The file and the part of it that runs, for messages.
    """
    with Child(partial(_call_and_list_leftovers, action), LOAD_SECONDS, "file") as child:
        try:
            returned, leftovers = child.call(None)
        except StudyError:
            raise
        except ChildLostError as lost:
            raise StudyError(f"{place}: {lost}") from None
        except Exception as error:
            raise StudyError(f"{place}: raised {in_words(error)}") from None
    if leftovers:
        raise StudyError(f"{place}: leaves {leftovers} running, must stop them before it returns")
    return returned


def _call_and_list_leftovers(action: Callable[[], Any], _: None) -> tuple[Any, str]:
    """Return the result of a function, and what it leaves running, which blocks our exit."""
    before = threading.enumerate()
    returned = action()
    return returned, _leftovers(before)


def _leftovers(before: list[threading.Thread]) -> str:
    if threads := [each.name for each in threading.enumerate() if each not in before]:
        return f"threads ({', '.join(threads)})"
    with contextlib.suppress(ChildProcessError):
        while True:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                return "processes"
    return ""


@contextlib.contextmanager
def restored_process() -> Iterator[None]:
    """Restore what a researcher's code changes in this process."""
    streams = {name: getattr(sys, name) for name in _SYS_NAMES}
    path, modules, environment = list(sys.path), dict(sys.modules), dict(os.environ)
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    limit, mask = sys.getrecursionlimit(), os.umask(0o022)
    os.umask(mask)
    try:
        with warnings.catch_warnings(), np.errstate():
            yield
    finally:
        for name, stream in streams.items():
            setattr(sys, name, stream)
        sys.path[:] = path
        for name, module in modules.items():
            if sys.modules.get(name) is not module:
                sys.modules[name] = module
        if os.environ != environment:
            os.environ.clear()
            os.environ.update(environment)
        sys.setrecursionlimit(limit)
        os.umask(mask)
        _restore_handlers(handlers)


def _restore_handlers(handlers: dict) -> None:
    """Restore signal handlers and cancel alarms."""
    if threading.current_thread() is not threading.main_thread():
        return  # Python sets handlers in the main thread only
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in handlers.items():
        if handler is not None and signal.getsignal(number) is not handler:
            signal.signal(number, handler)


@contextlib.contextmanager
def restored_after_loading(module: ModuleType) -> Iterator[None]:
    """Restore what a file changes while it is loaded, and ignore its exit handlers.

    The state of `random` and `numpy.random` is restored too, so that no later result depends on
    a seed that the file sets.
    """
    register, states = atexit.register, (random.getstate(), np.random.get_state())  # noqa: NPY002

    def register_except_own(function: Callable, *arguments: Any, **named: Any) -> Callable:
        is_own = getattr(function, "__module__", None) == module.__name__
        return function if is_own else register(function, *arguments, **named)

    atexit.register = register_except_own  # type: ignore[assignment] # while the file loads
    try:
        with restored_process():
            yield
    finally:
        atexit.register = register
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002


@contextlib.contextmanager
def same_directory(error: Callable[[str], Exception]) -> Iterator[None]:
    """Restore the working directory; raise `error(message)` if the code has changed it."""
    directory = Path.cwd()
    try:
        yield
    finally:
        changed = _has_changed(directory)
        if changed:
            os.chdir(directory)
    if changed:
        raise error("changes the working directory, must not change it")


def _has_changed(directory: Path) -> bool:
    try:
        return Path.cwd() != directory
    except FileNotFoundError:  # it was removed
        return True
