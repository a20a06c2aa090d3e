"""Temporary folders are removed after their process, also when it is killed."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from conftest import ROOT
from slow_cases import slow_after

from recovery.common import temporary_folder
from recovery.common.worker import START_METHOD, Child, ChildLostError

SCRIPTS = {"PYTHONPATH": str(ROOT / "workflow" / "scripts"), START_METHOD: "fork"}
HOLDING = """
import sys, time
from recovery.common import temporary_folder
with temporary_folder.folder(sys.argv[1]) as made:
    (made / "file").write_text("17 MB")
    print(made, flush=True)
    time.sleep(60)
"""
# A job with a forked child, which starts a process that goes on writing.
JOB = """
import subprocess, sys, tempfile, time
from recovery.common.worker import Child
def fit(_):
    writing = "import sys,time\\nwhile True: open(sys.argv[1], 'a').write('x'); time.sleep(.01)"
    subprocess.Popen([sys.executable, "-c", writing, tempfile.mkdtemp() + "/output.csv"])
    time.sleep(0.3)
    open(sys.argv[1] + "/begun", "w").close()
    time.sleep(60)
tempfile.tempdir = sys.argv[1]
with Child(fit, 60) as child:
    child.call(None)
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def start(code, root):
    command = [sys.executable, "-c", code, str(root)]
    return subprocess.Popen(
        command, env=os.environ | SCRIPTS, stdout=subprocess.PIPE, text=True, process_group=0
    )


def left(root):
    return sorted(path.name for path in root.iterdir())


def test_a_folder_is_removed_when_its_block_ends(root):
    with temporary_folder.folder() as made:
        (made / "a/b").mkdir(parents=True)
        assert made.parent == root
    assert left(root) == []


def test_the_folder_of_a_killed_process_is_removed_by_the_next_process(root):
    process = start(HOLDING, root)
    made = Path(process.stdout.readline().strip())
    with temporary_folder.folder():
        assert (made / "file").exists()  # its process is alive
    process.kill()
    process.communicate()
    assert made.exists()
    with temporary_folder.folder():
        assert not made.exists()
    assert left(root) == []


def test_other_files_are_not_removed(root):
    for name in ("recovery-abc", "other.lock", "other"):
        (root / name).mkdir()
    with temporary_folder.folder():
        pass
    assert left(root) == ["other", "other.lock", "recovery-abc"]


MANY = """
import sys
from recovery.common import temporary_folder
for _ in range(100):
    with temporary_folder.folder(sys.argv[1]) as made:
        (made / "file").write_text("mine")
        assert (made / "file").exists()
"""


def test_processes_that_make_folders_at_once_do_not_remove_each_others(root):
    processes = [start(MANY, root) for _ in range(4)]
    assert [process.wait() for process in processes] == [0, 0, 0, 0]
    for process in processes:
        process.stdout.close()
    assert left(root) == []


def do(argument):
    """Write a temporary file, then do what the argument says."""
    Path(tempfile.mkdtemp(), "output.csv").write_text("x" * 1000)
    if argument == "hang":
        time.sleep(60)
    if argument == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return os.environ["TMPDIR"], tempfile.gettempdir()


@pytest.mark.parametrize("start_method", slow_after(1, ["fork", "spawn"]))
@pytest.mark.parametrize("loss", ["hang", "die"])
def test_a_lost_child_leaves_no_folder(root, loss, start_method, monkeypatch):
    monkeypatch.setenv(START_METHOD, start_method)
    with Child(do, 0.5) as child:
        with pytest.raises(ChildLostError):
            child.call(loss)
        assert left(root) == []
        named, used = child.call("answer")
        assert named == used
        assert Path(used).parent == root
        assert len(left(root)) == 2  # the folder and its lock
    assert left(root) == []


def test_the_folder_of_an_overdue_child_is_removed_though_its_process_writes(root):
    code = JOB.replace("Child(fit, 60)", "Child(fit, 1)")
    process = start(code, root)
    process.communicate(timeout=30)
    assert process.returncode != 0
    assert left(root) == ["begun"]


def test_the_folder_of_a_killed_job_is_removed_by_the_next_process(root):
    process = start(JOB, root)
    while not (root / "begun").exists():
        assert process.poll() is None
        time.sleep(0.02)
    assert any(name.endswith(".lock") for name in left(root))
    process.kill()  # the job alone; its child dies with it
    process.wait()
    process.stdout.close()
    for _ in range(200):
        with temporary_folder.folder():
            pass
        if not any(name.endswith(".lock") for name in left(root)):
            break
        time.sleep(0.02)
    assert not any(name.endswith(".lock") for name in left(root))


@pytest.mark.parametrize("sign", ["(", "'", ",", "&", "$", " ", ";", "#", "%", "é"])
def test_make_gets_a_folder_with_a_readable_path(tmp_path, monkeypatch, sign):
    odd = tmp_path / f"a{sign}b"
    odd.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(odd))
    assert str(temporary_folder.root_for_make()) in ("/tmp", "/var/tmp")
    monkeypatch.setattr(tempfile, "tempdir", "/var/tmp")
    assert str(temporary_folder.root_for_make()) == "/var/tmp"
