"""Processor time and limits, also on a system that is not Unix."""

import resource
import subprocess
import sys

import pytest

from recovery.common import os_resources

BUSY = "import time\nwhile time.process_time() < 0.2: pass"


@pytest.mark.parametrize("has_limits", [True, False])
def test_the_time_of_ended_children_is_counted(monkeypatch, has_limits):
    monkeypatch.setattr(os_resources, "HAS_LIMITS", has_limits)
    before = os_resources.children_seconds()
    subprocess.run([sys.executable, "-c", BUSY], check=True)
    assert os_resources.children_seconds() - before > 0.15


def test_the_limit_on_files_is_the_systems(monkeypatch):
    for limit, largest in ((resource.RLIM_INFINITY, None), (4096, 4096)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, limit=limit: (limit, limit))
        assert os_resources.largest_file() == largest
    monkeypatch.setattr(os_resources, "HAS_LIMITS", False)
    assert os_resources.largest_file() is None
