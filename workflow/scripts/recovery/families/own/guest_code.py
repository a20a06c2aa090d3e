"""A researcher's code in a process of ours: what it changes there is put back.

It runs in a child first, so that what it does not survive is a message.
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

LOAD_SECONDS = 60  # in which a file is loaded, or a study's part of it read
_SYS_NAMES = ("stdin", "stdout", "stderr", "excepthook")


def try_in_child(act: Callable[[], Any], place: str) -> Any:
    """Do in a child what is to be done here next; StudyError if that would not end well.

    Return what `act` returns.

    Parameters
    ----------
    act : callable
        What runs a researcher's code. A StudyError that it raises is raised again.
    place : str
        The file, and what of it runs, for messages.
    """
    with Child(partial(_call_and_list_leftovers, act), LOAD_SECONDS, "file") as child:
        try:
            returned, left = child.call(None)
        except StudyError:
            raise
        except ChildLostError as lost:
            raise StudyError(f"{place}: {lost}") from None
        except Exception as error:
            raise StudyError(f"{place}: raised {in_words(error)}") from None
    if left:
        raise StudyError(f"{place}: leaves {left} running, must stop them before it returns")
    return returned


def _call_and_list_leftovers(act: Callable[[], Any], _: None) -> tuple[Any, str]:
    """Act, and say what is still running then: no process of ours could end with it."""
    before = threading.enumerate()
    returned = act()
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
    """Let a researcher's code run, and put back what it changed of this process."""
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
    """Set signals' handlers as they were, and no alarm."""
    if threading.current_thread() is not threading.main_thread():
        return  # where none can be set, by a researcher's code neither
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in handlers.items():
        if handler is not None and signal.getsignal(number) is not handler:
            signal.signal(number, handler)


@contextlib.contextmanager
def restored_after_loading(module: ModuleType) -> Iterator[None]:
    """Put back what a file changes when it is loaded; what it wants done at the end is not.

    The state of `random` and `numpy.random` is put back too: nothing may rest on a seed of theirs.
    """
    register, states = atexit.register, (random.getstate(), np.random.get_state())  # noqa: NPY002

    def kept_from_it(function: Callable, *arguments: Any, **named: Any) -> Callable:
        theirs = getattr(function, "__module__", None) == module.__name__
        return function if theirs else register(function, *arguments, **named)

    atexit.register = kept_from_it  # type: ignore[assignment] # for as long as the file loads
    try:
        with restored_process():
            yield
    finally:
        atexit.register = register
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002


@contextlib.contextmanager
def same_directory(refusal: Callable[[str], Exception]) -> Iterator[None]:
    """Hold code to the working directory; what `refusal` makes of words is raised if it left."""
    here = Path.cwd()
    try:
        yield
    finally:
        left = _has_left(here)
        if left:
            os.chdir(here)
    if left:
        raise refusal("changes the working directory, must not change it")


def _has_left(here: Path) -> bool:
    try:
        return Path.cwd() != here
    except FileNotFoundError:  # it was removed
        return True
