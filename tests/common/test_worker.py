"""A child process that dies or hangs loses one call, and the error says why."""

import ctypes
import faulthandler
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from conftest import ROOT

from recovery.common import worker
from recovery.common.worker import Child, ChildLostError, FreshChild

LONG = 60  # seconds; no test waits so long


def answer(argument):
    """Do what the argument says, in the child."""
    kind, *rest = argument
    if kind == "pid":
        return os.getpid()
    if kind == "raise":
        raise rest[0]
    if kind == "signal":
        os.kill(os.getpid(), rest[0])
    if kind == "read an invalid address":
        faulthandler.disable()  # pytest enables it
        ctypes.string_at(0)
    if kind == "exit":
        os._exit(rest[0])
    if kind == "hang":
        time.sleep(LONG)
    if kind == "hang with a child":
        started = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({LONG})"])
        Path(rest[0]).write_text(str(started.pid))
        time.sleep(LONG)
    if kind == "fork":
        os.fork() or time.sleep(LONG)
        os._exit(4)
    if kind == "garbage":
        return Garbage()
    if kind == "unsendable answer":
        return lambda: None
    if kind == "unsendable error":
        raise UnsendableError("the reason", 1)
    return rest


class Garbage:
    """Pickles, but does not unpickle."""

    def __reduce__(self):
        return int, ("garbage",)


class UnsendableError(Exception):
    """Pickles, but does not unpickle, since it has two arguments."""

    def __init__(self, message, code):
        super().__init__(message)
        self.code = code


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


def gone(pid: int) -> bool:
    """Whether a process ends within a few seconds."""
    for _ in range(200):
        if not alive(pid):
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(autouse=True, params=["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def start_method(request, monkeypatch):
    """Run every test with a forked child and with a new Python, as on macOS."""
    monkeypatch.setenv(worker.START_METHOD, request.param)
    return request.param


@pytest.fixture
def child():
    with Child(answer, 30) as child:
        yield child


@pytest.fixture
def hasty():
    """A child with a time limit of half a second for a call."""
    with Child(answer, 0.5) as child:
        yield child


def test_one_child_process_answers_all_calls(child):
    pids = {child.call(("pid",)) for _ in range(3)}
    assert len(pids) == 1
    assert os.getpid() not in pids


def test_an_error_in_the_child_is_raised_by_the_call(child):
    with pytest.raises(ZeroDivisionError, match="by nothing"):
        child.call(("raise", ZeroDivisionError("by nothing")))


def test_the_process_survives_an_error(child):
    before = child.call(("pid",))
    with pytest.raises(ValueError, match="wrong"):
        child.call(("raise", ValueError("wrong")))
    assert child.call(("pid",)) == before


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_message_names_the_signal_that_killed_the_child(child, number):
    with pytest.raises(ChildLostError) as lost:
        child.call(("signal", number))
    assert str(lost.value) == f"the process of the fit died: {number.name}"


def test_the_message_names_a_segmentation_fault(child):
    with pytest.raises(ChildLostError) as lost:
        child.call(("read an invalid address",))
    assert str(lost.value) == "the process of the fit died: SIGSEGV"


def test_the_message_has_the_exit_code(child):
    with pytest.raises(ChildLostError) as lost:
        child.call(("exit", 3))
    assert str(lost.value) == "the process of the fit died: exit code 3"


def test_the_message_of_an_overdue_call_has_the_time_limit(hasty):
    with pytest.raises(ChildLostError) as lost:
        hasty.call(("hang",))
    assert str(lost.value) == "time limit: took more than 0.5 seconds"


@pytest.mark.parametrize("loss", [("signal", signal.SIGKILL), ("hang",)])
def test_a_new_process_answers_the_call_after_a_loss(hasty, loss):
    before = hasty.call(("pid",))
    with pytest.raises(ChildLostError):
        hasty.call(loss)
    assert hasty.call(("pid",)) != before
    assert not alive(before)


def test_an_overdue_child_is_killed_with_the_processes_that_it_started(hasty, tmp_path):
    file = tmp_path / "pid"
    with pytest.raises(ChildLostError):
        hasty.call(("hang with a child", str(file)))
    assert gone(int(file.read_text()))


def test_the_child_ends_with_the_block():
    with Child(answer, 30) as child:
        pid = child.call(("pid",))
        assert alive(pid)
    assert not alive(pid)


def test_a_child_that_was_never_called_starts_no_process():
    with Child(answer, 30):
        assert not any(alive(process.pid) for process in psutil.Process().children())


def test_an_answer_that_does_not_pickle_is_an_error(child):
    with pytest.raises(Exception, match=r"pickle|local object"):
        child.call(("unsendable answer",))


def test_an_error_that_does_not_pickle_keeps_its_message(child):
    with pytest.raises(Exception, match="the reason"):
        child.call(("unsendable error",))


def test_a_death_is_noticed_though_a_grandchild_lives(child):
    with pytest.raises(ChildLostError) as lost:
        child.call(("fork",))
    assert str(lost.value) == "the process of the fit died: exit code 4"


def test_an_answer_that_cannot_be_read_is_a_loss(child):
    before = child.call(("pid",))
    with pytest.raises(ChildLostError, match="its answer cannot be read: ValueError: invalid lit"):
        child.call(("garbage",))
    assert child.call(("pid",)) != before


@pytest.mark.parametrize("error", [SystemExit(0), KeyboardInterrupt(), GeneratorExit()])
def test_an_exception_that_would_end_a_process_is_an_error_of_the_call(child, error):
    before = child.call(("pid",))
    with pytest.raises(RuntimeError, match=f"^{type(error).__name__}: "):
        child.call(("raise", error))
    assert child.call(("pid",)) == before


def test_a_new_python_has_the_given_environment():
    os.environ["LEFT"] = "1"
    try:
        with FreshChild(os.getenv, 30, "test", {"PYTHONHASHSEED": "7", "OTHER": "2"}) as child:
            assert child.call("PYTHONHASHSEED") == "7"
            assert (child.call("OTHER"), child.call("LEFT")) == ("2", "1")
    finally:
        del os.environ["LEFT"]


def test_an_overdue_new_python_is_replaced():
    with FreshChild(time.sleep, 0.5, "test", {}) as child:
        with pytest.raises(ChildLostError, match=r"time limit: took more than 0\.5 seconds"):
            child.call(60)
        assert child.call(0) is None


class UnreadableError(Exception):
    """What unpickling an Unreadable raises."""


class Unreadable:
    """A function that pickles, but does not unpickle."""

    def __reduce__(self):
        return refuse, ()

    def __call__(self, argument):
        return argument


def refuse():
    raise UnreadableError("not here")


def test_a_function_that_does_not_pickle_starts_no_new_python(start_method):
    with Child(lambda argument: argument, 30) as child:
        if start_method == "fork":
            assert child.call(1) == 1
        else:
            with pytest.raises(Exception, match=r"pickle|local object"):
                child.call(1)
            assert not any(alive(process.pid) for process in psutil.Process().children())


def test_a_function_that_does_not_unpickle_is_an_error_of_every_call(start_method):
    with Child(Unreadable(), 30) as child:
        for _ in range(2):
            if start_method == "fork":
                assert child.call(1) == 1
            else:
                with pytest.raises(UnreadableError, match="not here"):
                    child.call(1)


def test_children_are_forked_on_linux_and_new_pythons_elsewhere(monkeypatch):
    monkeypatch.delenv(worker.START_METHOD)
    for platform, method in (("linux", "fork"), ("darwin", "spawn")):
        monkeypatch.setattr(sys, "platform", platform)
        assert worker.start_method() == method


# A process that ends with its parent by a thread, as outside Linux, and that starts another.
WATCHED = f"""
import os, subprocess, sys, time
from recovery.common import worker
sys.platform = "darwin"
worker.die_with(os.getppid())
started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep({LONG})"])
print(os.getpid(), started.pid, flush=True)
time.sleep({LONG})
"""
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {WATCHED!r}])"


def test_without_prctl_an_orphan_ends_itself_and_its_children():
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow/scripts")}
    command = [sys.executable, "-c", PARENT]
    parent = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) == 2
    assert all(map(alive, pids))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert all(map(gone, pids))
