"""A study keeps the cores that it is given busy, though the default batch knows nothing of them."""

import subprocess
import sys
import time

import psutil
import pytest
from workflow_runs import SECONDS, check_out

pytestmark = [pytest.mark.workflow, pytest.mark.slow]
CORES, JOBS = 8, 24
STUDY = {  # fits of more than half a second by the estimate, so a job for every five
    "participants": [20],
    "observations": [20],
    "models": ["noncentered"],
    "replicates": 5 * JOBS,
    "sampler": {"chains": 4, "warmup": 1000, "draws": 1000},
}


def jobs_of_fits(run: subprocess.Popen) -> set[int]:
    """The jobs of fits that are running, without the child in which each makes its fits."""
    found = set()
    for process in psutil.Process(run.pid).children(recursive=True):
        try:
            if process.cmdline()[-1].endswith(".fit.py"):
                found.add((process.pid, process.ppid()))
        except (psutil.Error, IndexError):
            continue
    numbers = {pid for pid, _ in found}
    return {pid for pid, parent in found if parent not in numbers}


def test_eight_cores_have_at_least_seven_jobs_while_fits_are_left(tmp_path):
    checkout = check_out(tmp_path)
    checkout.write(**STUDY)
    command = [sys.executable, "workflow/run.py", "study.yaml", "--cores", str(CORES)]
    seen, running = set(), []
    with (
        (tmp_path / "said.txt").open("w") as said,
        subprocess.Popen(
            [*command, "--until", "fit"], cwd=tmp_path, stdout=said, stderr=said
        ) as run,
    ):
        end = time.monotonic() + SECONDS
        while run.poll() is None and time.monotonic() < end:
            jobs = jobs_of_fits(run)
            seen |= jobs
            if 0 < len(seen) < JOBS:
                running.append(len(jobs))
            time.sleep(0.1)
    assert run.returncode == 0, (tmp_path / "said.txt").read_text()
    assert len(seen) == JOBS
    started = running[running.index(CORES) :]
    assert max(started) == CORES
    busy = sum(number >= CORES - 1 for number in started) / len(started)
    assert busy >= 0.9, started
