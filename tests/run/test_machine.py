"""Faults of the machine: each is one message with its cure, and none costs finished tables."""

import os
import time

import pytest
from workflow_runs import Checkout, check_out

from recovery.common.errors import StudyError
from recovery.run import machine

pytestmark = pytest.mark.workflow

SIMULATED = "results/small/data/plain-4x5/00001-00250.parquet"


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    found = check_out(tmp_path)
    found.write(participants=[4], replicates=1, models=["pooled"])
    return found


@pytest.mark.slow
def test_an_input_dated_in_the_future_is_refused_before_any_job(checkout):
    _date_ahead(checkout.folder / "stan/multilevel_linear/pooled.stan")  # no rule has it as input
    assert checkout.make_study(SIMULATED, "--cores", "1").returncode == 0
    _date_ahead(checkout.folder / SIMULATED)
    done = checkout.make_study("--cores", "1")
    assert done.returncode == 1
    assert f"\ntouch {SIMULATED}\n" in done.stderr
    assert (checkout.folder / SIMULATED).exists()


def _date_ahead(file) -> None:
    later = time.time() + 3600
    os.utime(file, (later, later))


@pytest.mark.slow
@pytest.mark.parametrize("temporary", ["/proc", "missing"])
def test_a_temporary_folder_that_takes_nothing_is_passed_over(checkout, temporary):
    environment = {"TMPDIR": temporary}
    done = checkout.snakemake("--cores", "1", SIMULATED, environment=environment)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", [["workflow/run.py", "study.yaml"], ["-m", "snakemake"]])
def test_a_limit_on_files_that_is_too_low_is_told(checkout, command):
    code = (
        "import os, resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500 * 1024,) * 2)\n"
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])\n"
    )
    done = checkout.python("-c", code, *command)
    assert done.returncode == 1
    assert "ulimit -f: got 500 kB" in done.stderr
    assert "ulimit -f unlimited" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["raise SystemExit(0)", "import os; os._exit(0)"])
def test_a_job_that_ends_early_without_tables_ends_the_study_with_an_error(checkout, ending):
    script = checkout.folder / "workflow/scripts/simulate.py"
    script.write_text(
        script.read_text().replace("\nspecification =", f"\n{ending}\nspecification =")
    )
    done = checkout.make_study("--cores", "1", "--latency-wait", "1")
    assert done.returncode == 1
    assert SIMULATED in done.stderr
    assert not (checkout.folder / "results/small/report.html").exists()


@pytest.mark.parametrize("make", [["make_study"], ["snakemake", "--cores", "1"]])
def test_a_family_that_ends_python_as_it_loads_is_an_error(checkout, make):
    (checkout.folder / "mine.py").write_text("import sys\nsys.exit(0)\n")
    checkout.write(family="mine.py")
    done = getattr(checkout, make[0])(*make[1:])
    assert done.returncode == 1
    assert "mine.py: does not load: SystemExit: 0" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("place", ["results/small/data", "results/small/logs/simulate"])
def test_a_file_where_a_folder_of_results_goes_is_told_before_any_job(checkout, place):
    file = checkout.folder / place
    file.parent.mkdir(parents=True)
    file.write_text("no folder")
    done = checkout.make_study(SIMULATED, "--cores", "1")
    assert done.returncode == 1
    assert f"{place}: is not a folder, must be one; move it away" in done.stderr
    assert "Traceback" not in done.stderr
    assert file.read_text() == "no folder"


def test_without_any_temporary_folder_the_way_out_is_told(monkeypatch):
    def none():
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr("tempfile.gettempdir", none)
    monkeypatch.setenv("TMPDIR", "/full")
    with pytest.raises(StudyError, match="TMPDIR: got /full, and temporary files"):
        machine.use_temporary_folder()
