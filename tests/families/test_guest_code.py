"""Faults of a researcher's file when it is loaded or read end in a message and change nothing."""

import os
import random
import signal
import sys
import threading
import warnings

import numpy as np
import pytest
from conftest import ROOT
from own_families import refused

from recovery import families
from recovery.families.own import guest_code
from recovery.study.parse import parse


@pytest.fixture(autouse=True)
def _short_limit(in_the_repository, monkeypatch):
    monkeypatch.setattr(guest_code, "LOAD_SECONDS", 3)


def at_load(begin, does: str) -> dict:
    return begin(("family.py", "import numpy as np", f"{IMPORTS}\nimport numpy as np\n{does}\n"))


IMPORTS = (
    "import atexit, faulthandler, os, random, signal, subprocess, sys, threading, time, warnings"
)


@pytest.mark.parametrize(
    ("does", "message"),
    [
        ("sys.exit(0)", "SystemExit: 0\n  line "),
        ("raise KeyboardInterrupt", "KeyboardInterrupt: \n  line "),
        ("raise type('Odd', (BaseException,), {})", "Odd: \n  line "),
        ("os._exit(0)", "the process of the file died: exit code 0"),
        ("faulthandler.disable(); os.abort()", "the process of the file died: SIGABRT"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "the process of the file died: SIGKILL"),
        ("signal.alarm(1); time.sleep(60)", "the process of the file died: SIGALRM"),
        ("\nwhile True: pass", "time limit: took more than 3 seconds"),
        ("os.chdir('/')", "changes the working directory, must not change it"),
        (
            "threading.Thread(target=time.sleep, args=(60,), name='mine').start()",
            "leaves threads (mine) running, must stop them before it returns",
        ),
        (
            "threading.Thread(target=time.sleep, args=(60,), name='own', daemon=True).start()",
            "leaves threads (own) running, must stop them before it returns",
        ),
        (
            "subprocess.Popen(['sleep', '60'])",
            "leaves processes running, must stop them before it returns",
        ),
    ],
)
def test_a_fault_of_a_file_at_load_is_one_message(begin, does, message):
    raw = at_load(begin, does)
    assert refused(raw).startswith(f"{raw['family']}: does not load: {message}")
    assert os.getcwd() == str(ROOT)  # noqa: PTH109
    assert threading.active_count() == 1


def test_changes_that_a_file_makes_at_load_are_undone(begin):
    streams = sys.stdin, sys.stdout, sys.stderr, sys.excepthook
    before = (
        list(sys.path),
        sys.modules["json"],
        dict(os.environ),
        signal.getsignal(signal.SIGINT),
        signal.getsignal(signal.SIGTERM),
        warnings.filters[:],
        np.geterr(),
        sys.getrecursionlimit(),
        random.getstate(),
    )
    numbers = np.random.get_state()[1].tolist()  # noqa: NPY002
    does = (
        "sys.path.insert(0, 'elsewhere'); sys.modules['json'] = sys\n"
        "os.environ['PATH'] = ''; os.environ['NEW'] = '1'; os.umask(0o777); signal.alarm(60)\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, print)\n"
        "warnings.simplefilter('ignore'); np.seterr(all='raise'); sys.setrecursionlimit(77777)\n"
        "random.seed(1); np.random.seed(1); sys.stdin = sys.stdout = sys.stderr = None\n"
        "sys.excepthook = print; atexit.register(lambda: os._exit(0))"
    )
    assert parse(at_load(begin, does), families.find).name == "means"
    after = (
        list(sys.path),
        sys.modules["json"],
        dict(os.environ),
        signal.getsignal(signal.SIGINT),
        signal.getsignal(signal.SIGTERM),
        warnings.filters[:],
        np.geterr(),
        sys.getrecursionlimit(),
        random.getstate(),
    )
    assert after == before
    assert (sys.stdin, sys.stdout, sys.stderr, sys.excepthook) == streams
    assert np.random.get_state()[1].tolist() == numbers  # noqa: NPY002
    assert signal.alarm(0) == 0
    mask = os.umask(0o022)
    os.umask(mask)
    assert mask != 0o777


VALIDATOR = """
from pydantic import field_validator


class Truth(Frozen):
    mu: Real
    tau: NonNegative
    sigma: Positive

    @field_validator("mu")
    @classmethod
    def _mine(cls, value):
        HERE
        return value


class _Unused(Frozen):"""


@pytest.mark.parametrize(
    ("does", "message"),
    [
        ("sys.exit(0)", "Truth or Prior: raised RuntimeError: SystemExit: 0"),
        ("os._exit(0)", "Truth or Prior: the process of the file died: exit code 0"),
        ("while True: pass", "Truth or Prior: time limit: took more than 3 seconds"),
        ("1 / 0", "Truth or Prior: raised ZeroDivisionError: division by zero"),
    ],
)
def test_a_fault_of_a_field_when_a_study_is_read_is_one_message(begin, does, message):
    raw = begin(
        ("family.py", "import numpy as np", "import os, sys\nimport numpy as np"),
        ("family.py", "class Truth(Frozen):", VALIDATOR.replace("HERE", does)),
    )
    assert refused(raw) == f"{raw['family']}: {message}"


def test_a_value_that_a_field_refuses_is_an_error_of_the_study(begin):
    does = "raise ValueError('must be cheerful')"
    raw = begin(("family.py", "class Truth(Frozen):", VALIDATOR.replace("HERE", does)))
    assert "truths.typical.mu: must be cheerful" in refused(raw)
