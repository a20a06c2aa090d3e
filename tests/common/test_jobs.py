"""Errors of a job go to its log, or to the terminal if it has none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

SCRIPTS = ROOT / "workflow/scripts"


def run(code: str, log) -> str:
    """Run code in a job with this log; return its output on the terminal."""
    imports = "from recovery import tables\nfrom recovery.common import jobs\n"
    start = f"{imports}jobs.begin({str(log)!r})\n"
    done = subprocess.run(
        [sys.executable, "-c", start + code],
        env={**os.environ, "PYTHONPATH": str(SCRIPTS), "RECOVERY_SCRIPTS": str(SCRIPTS)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode != 0
    return done.stderr


STALE = "raise tables.stale_tables_error(['a.parquet'])"
CURE = "Remove, then run the same command again:\nrm a.parquet\n"


def test_an_error_that_the_user_can_correct_has_no_traceback(tmp_path):
    assert run(STALE, tmp_path / "log") == ""
    said = (tmp_path / "log").read_text()
    assert said.endswith(CURE)
    assert "Traceback" not in said


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this machine")
def test_an_error_goes_to_the_terminal_if_the_log_cannot_be_written():
    assert CURE in run(STALE, "/dev/full")  # what Python says of the log may follow


def test_an_error_of_the_program_keeps_its_traceback(tmp_path):
    run("1 / 0", tmp_path / "log")
    said = (tmp_path / "log").read_text()
    assert said.startswith("Traceback")
    assert "ZeroDivisionError" in said


def test_a_file_beyond_the_size_limit_is_reported_and_removed(tmp_path):
    code = (
        "import resource\nfrom recovery.tables.summary_schemas import COSTS\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "columns = {'step': [str(i**9) for i in range(5000)], 'seconds': [1.0] * 5000}\n"
        f"tables.write(columns, {str(tmp_path / 'a.parquet')!r}, COSTS, 'identity')\n"
    )
    run(code, tmp_path / "log")
    assert (tmp_path / "log").read_text() == (
        f"{tmp_path / 'a.parquet'}: cannot be written: a file may not become so large here; "
        "raise the limit, then run the same command again.\n"
    )
    assert [file.name for file in tmp_path.iterdir()] == ["log"]
