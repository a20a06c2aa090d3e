"""A study that is killed or interrupted, and goes on with the same command.

RECOVERY_KILLS is the number of random moments: 3 by default, 8 in `make test-all`. Every third
run is of a whole study, the others end with the summary tables.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import psutil
import pytest
from workflow_runs import SECONDS, SUMMARY, TIMINGS, assert_same, check_out, heed_interrupts

pytestmark = pytest.mark.workflow
KILLS = int(os.environ.get("RECOVERY_KILLS", "3"))
STUDY = {
    "participants": [4],
    "models": ["noncentered"],
    "batch": 2,
    "truths": {"drawn": {"prior": "weak"}},
    "rescue": [{"adapt_delta": 0.9}],
    "verify": {"engine": "stanli", "share": 0.5},
    "precision": {"coverage": 0.1},
}
TIMED = ("costs", "efficiency")  # summary tables of timings


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A study that nothing interrupted, its tables' numbers, and seconds to them and to its end."""
    checkout = check_out(tmp_path_factory.mktemp("whole"))
    checkout.write(**STUDY)
    seconds = {}
    for target in ([SUMMARY], []):
        started = time.monotonic()
        done = checkout.make_study(*target)
        assert done.returncode == 0, done.stdout + done.stderr
        seconds[bool(target)] = time.monotonic() - started
    return checkout, numbers(checkout), {True: seconds[True], False: sum(seconds.values())}


def numbers(checkout):
    """Every number of a study's tables that is no timing."""
    summary = checkout.folder / "results/small/summary"
    tables = {file.stem: pd.read_parquet(file) for file in summary.glob("*.parquet")}
    assert set(TIMED) < set(tables)
    return checkout.numbers() | {name: tables[name] for name in sorted(set(tables) - set(TIMED))}


def start(checkout, *target, **options):
    command = [sys.executable, "workflow/run.py", "study.yaml", *target]
    options |= {"start_new_session": True, "text": True, "preexec_fn": heed_interrupts}
    return subprocess.Popen(command, cwd=checkout.folder, **options)


def kill(run, with_workers):
    """SIGKILL for the workflow and, unless they are to follow it, for all that it started.

    What had not begun when the workflow died runs to its end: a job's, at most.
    """
    with contextlib.suppress(psutil.NoSuchProcess):
        workflow = psutil.Process(run.pid)
        workers = workflow.children(recursive=True)
        for process in [workflow, *(workers if with_workers else [])]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        assert not psutil.wait_procs(workers, timeout=SECONDS)[1]


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, KILLS + 1))
def test_a_study_killed_at_any_moment_ends_with_the_same_numbers(whole, tmp_path, number):
    _, expected, seconds = whole
    checkout, target = check_out(tmp_path), [SUMMARY] if number % 3 else []
    checkout.write(**STUDY)
    with start(checkout, *target, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        time.sleep(np.random.default_rng(number).uniform(0, seconds[bool(target)]))
        kill(run, with_workers=number % 2 == 0)
    done = checkout.make_study(*target)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_same(numbers(checkout), expected)
    assert not list((tmp_path / "results").rglob(".*.parquet.*"))  # nor anything half written


@pytest.mark.slow
def test_a_study_killed_while_it_draws_leaves_nothing_running(whole, tmp_path):
    checkout = whole[0].copy(tmp_path / "study")
    figures = checkout.folder / "results/small/figures"
    shutil.rmtree(figures)
    with start(checkout, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        while not list(figures.glob("*.png")):
            assert run.poll() is None
        kill(run, with_workers=False)


@pytest.mark.slow
def test_an_interrupted_run_says_how_to_go_on_and_does(whole, tmp_path):
    _, expected, _ = whole
    checkout = check_out(tmp_path)
    checkout.write(**STUDY)
    with start(checkout, SUMMARY, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        while not list((tmp_path / "results").rglob("diagnostics/**/*.parquet")):
            assert run.poll() is None
        os.killpg(run.pid, signal.SIGINT)  # as a terminal does
        said, _ = run.communicate(timeout=SECONDS)
    assert run.returncode != 0
    assert "small: not finished." in said
    assert "Run the same command to resume." in said
    assert not list((tmp_path / ".snakemake/locks").glob("*"))
    done = checkout.make_study(SUMMARY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_same(numbers(checkout), expected)


def test_fits_of_a_batch_that_was_killed_half_way_are_kept(tmp_path):
    """Replicates 1 to 3 are finished, then more are wanted, and their job is killed."""
    checkout = check_out(tmp_path)
    standing = checkout.folder / "workflow/scripts/recovery/fit/standing.py"
    standing.write_text(standing.read_text().replace("SECONDS = 10.0", "SECONDS = 0.0"))
    checkout.write(participants=[4], models=["noncentered"])
    assert checkout.make_study(SUMMARY).returncode == 0
    before = checkout.fits_made()
    checkout.change(replicates=60)
    with start(checkout, SUMMARY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        while not list(tmp_path.rglob("diagnostics/**/*.part")):
            assert run.poll() is None
        kill(run, with_workers=True)
    (table,) = (tmp_path / "results").rglob("diagnostics/**/*.parquet")
    assert len(pd.read_parquet(table)) == 3  # as it was
    parts = list(tmp_path.rglob("diagnostics/**/*.part"))
    kept = pd.concat(map(pd.read_parquet, parts)).set_index("replicate")[TIMINGS]
    assert 0 < len(kept) < 57
    assert checkout.make_study(SUMMARY).returncode == 0
    after = checkout.fits_made()
    assert len(after) == 60
    assert before.items() <= after.items()
    times = {replicate: after[*next(iter(before))[:3], replicate] for replicate in kept.index}
    assert times == dict(zip(kept.index, kept.itertuples(index=False, name=None), strict=True))
    assert not list(tmp_path.rglob("*.parts"))
