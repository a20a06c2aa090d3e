"""A study on Slurm has the same numbers as a local one, even when jobs are lost.

Needs the Slurm of one node that tests/slurm/start.sh starts, and leaves any other alone.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time

import pandas as pd
import psutil
import pytest
import yaml
from workflow_runs import ROOT, SUMMARY, assert_same_part, check_out, heed_interrupts

PROFILE = ("--workflow-profile", "profiles/slurm")
# What docs/how-to/cluster.md has a user change in the profile: a line of it, and what it becomes.
CHANGES = {
    "# slurm_partition: NAME, slurm_account: NAME,": "slurm_partition: tests,",
    "# slurm-status-command: squeue": "slurm-status-command: squeue",
    "cores: 4": "cores: 2",  # of the one node
}
NODE = ("--slurm-init-seconds-before-status-checks", "7")  # jobs are short
ONCE = ("--retries", "0")  # a job that is lost stays lost until the next call
GENERIC = (
    "--executor",
    "cluster-generic",
    "--cluster-generic-submit-cmd",
    # Like qsub: leaves a job to run within its time, and prints its number.
    """sh -c 'timeout {resources.runtime}m sh "$0" >/dev/null 2>&1 & echo $!'""",
)
STUDY = {"participants": [4]}  # a scenario of the small study
SECONDS = 3600  # ends only a run that hangs
ENDED = {"COMPLETED", "CANCELLED", "TIMEOUT", "FAILED"}


def slurm(*command: str) -> str:
    """Run one of Slurm's commands; return what it prints."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    return done.stdout


def node_answers() -> bool:
    """Say whether the tests' own Slurm is up, and no other."""
    try:
        slurm("sinfo")
        return "= recovery-tests\n" in slurm("scontrol", "show", "config")
    except (OSError, subprocess.SubprocessError):
        return False


pytestmark = pytest.mark.workflow
on_slurm = pytest.mark.skipif(
    not node_answers(), reason="tests/slurm/start.sh has started no Slurm"
)


def jobs_of(checkout) -> pd.DataFrame:
    """Return what a checkout has sent, the ended jobs too: a row a job or group of jobs."""
    shown = slurm("squeue", "--states=all", "--noheader", "--format=%i|%T|%k|%m|%l|%Z")
    columns = ["id", "state", "rule", "memory", "time", "folder"]
    rows = [line.split("|") for line in shown.splitlines()]
    jobs = pd.DataFrame([row for row in rows if row[-1] == str(checkout.folder)], columns=columns)
    around = r"^rule_(?:fits_|datasets_)?|_shared_\d+|_wildcards.*$"
    return jobs.assign(rule=jobs["rule"].str.replace(around, "", regex=True))


def wait_for(condition, run: subprocess.Popen):
    """Wait until a condition holds, while a run is at work; return what it found."""
    end = time.monotonic() + SECONDS
    while not (found := condition()):
        assert run.poll() is None
        assert time.monotonic() < end
        time.sleep(0.2)
    return found


@contextlib.contextmanager
def at_work(checkout):
    """Start the study on Slurm, and see that it ends."""
    command = [sys.executable, "-m", "snakemake", "--configfile", "study.yaml"]
    with (
        (checkout.folder / "said.txt").open("w") as said,
        subprocess.Popen(
            [*command, *PROFILE, *NODE, *ONCE, SUMMARY],
            cwd=checkout.folder,
            stdout=said,
            stderr=said,
            preexec_fn=heed_interrupts,
        ) as run,
    ):
        try:
            yield run
        finally:
            run.kill()
    wait_until_idle()


def node_name() -> str:
    return slurm("sinfo", "--noheader", "--format=%n").strip()


def node_state() -> str:
    return slurm("sinfo", "--noheader", "--format=%T, %E").strip()


def wait_until_idle():
    """Wait until the node has nothing left of a job; put it back to work if Slurm drained it.

    Slurm does so when it is slow to end what a job started, and leaves it to an administrator.
    """
    end = time.monotonic() + SECONDS
    while not node_state().startswith("idle"):
        assert time.monotonic() < end, node_state()
        if "Kill task failed" in node_state():
            slurm("scontrol", "update", f"NodeName={node_name()}", "State=RESUME")
        time.sleep(1)


def processes_of(job: str) -> list[psutil.Process]:
    """Return the processes that a job's step has started on the node, which is this machine."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            own = process.environ()
            if own.get("SLURM_JOB_ID") == job and own.get("SLURM_STEP_ID") == "0":
                found.append(process)
    return found


def fails(checkout, run: subprocess.Popen) -> str:
    """Check that a run ends with an error; return its output."""
    code = run.wait(SECONDS)
    said = (checkout.folder / "said.txt").read_text()
    assert code != 0, said
    return said


def running(checkout) -> list[str]:
    jobs = jobs_of(checkout)
    return list(jobs["id"][jobs["state"] == "RUNNING"])


def assert_the_next_call_finishes(checkout, expected):
    """Check that the same command finishes the study with the numbers of another run."""
    done = checkout.snakemake(*PROFILE, *NODE, *ONCE, SUMMARY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_same_study(checkout, expected)


def assert_same_study(checkout, expected):
    """Check that a study has the numbers of another of more scenarios."""
    assert_same_part(checkout.numbers(), expected.numbers())
    here, there = (pd.read_parquet(each.folder / SUMMARY) for each in (checkout, expected))
    there = there[there["scenario"].isin(here["scenario"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(here, there, check_exact=True)


@pytest.fixture
def local(small_study):
    """The small study, finished on this machine."""
    return small_study


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The small study, finished on Slurm, as a user runs it. Tests must leave it as it is."""
    checkout = check_out_for_the_node(tmp_path_factory.mktemp("finished"))
    checkout.write(**STUDY)
    done = checkout.make_study(*PROFILE, *NODE)
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout


@pytest.fixture
def unfinished(finished, tmp_path):
    """The study without the fits of one model, a job, and what comes after them."""
    checkout = finished.copy(tmp_path / "unfinished")
    results = checkout.folder / "results/small"
    for part in (*results.glob("*/*/noncentered"), results / "summary"):
        shutil.rmtree(part)
    return checkout


@on_slurm
def test_a_study_on_slurm_has_the_numbers_of_a_local_one(finished, local):
    assert_same_study(finished, local)
    assert (finished.folder / "results/small/report.html").exists()


@on_slurm
def test_batches_go_as_jobs_and_the_steps_after_them_stay_here(finished):
    jobs = jobs_of(finished)
    assert dict(jobs.groupby("rule").size()) == {"simulate": 1, "fit": 1}
    assert set(jobs["state"]) == {"COMPLETED"}


@on_slurm
def test_jobs_ask_for_memory_and_time(finished):
    asked = jobs_of(finished).set_index("rule")[["memory", "time"]]
    assert set(asked.loc[["simulate"], "time"]) == {"30:00"}
    assert set(asked.loc[["simulate"], "memory"]) == {"1000M"}
    assert set(asked.loc[["fit"], "time"]) == {"2:10:00"}


@on_slurm
def test_a_run_on_slurm_writes_into_the_results_alone(finished, tmp_path):
    clean = check_out(tmp_path)
    clean.write(**STUDY)

    def files(checkout):
        inside = (file.relative_to(checkout.folder) for file in checkout.folder.rglob("*"))
        return {file for file in inside if "__pycache__" not in file.parts}

    new = files(finished) - files(clean)
    assert {file.parts[0] for file in new} == {"results", ".snakemake"}


@pytest.mark.slow
@on_slurm
def test_the_next_call_repeats_a_cancelled_job(unfinished, local):
    with at_work(unfinished) as run:
        (job, *_) = wait_for(lambda: running(unfinished), run)
        slurm("scancel", job)
        assert "CANCELLED" in fails(unfinished, run)
    assert_the_next_call_finishes(unfinished, local)


@pytest.mark.slow
@on_slurm
def test_the_next_call_repeats_a_job_over_its_time_limit(unfinished, local):
    with at_work(unfinished) as run:
        (job, *_) = wait_for(lambda: running(unfinished), run)
        for process in wait_for(lambda: processes_of(job), run):
            os.kill(process.pid, signal.SIGSTOP)  # hangs
        slurm("scontrol", "update", f"JobId={job}", "EndTime=now")
        fails(unfinished, run)
        assert "TIMEOUT" in set(jobs_of(unfinished)["state"])
    assert_the_next_call_finishes(unfinished, local)


def check_out_for_the_node(folder):
    """A checkout whose profile is that of the one node."""
    checkout = check_out(folder)
    profile = checkout.folder / PROFILE[1] / "config.yaml"
    text = profile.read_text()
    for given, wanted in CHANGES.items():
        assert given in text
        text = text.replace(given, wanted)
    profile.write_text(text)
    return checkout


@contextlib.contextmanager
def suspended(processes):
    """Suspend processes; yield a function that resumes them, which is called in any case."""

    def resume():
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()

    try:
        for process in processes:
            process.suspend()
        yield resume
    finally:
        resume()


def text_of(log) -> str:
    """The text of a log, which Snakemake removes before its job begins again."""
    with contextlib.suppress(FileNotFoundError):
        return log.read_text()
    return ""


SLOW = {"models": ["noncentered"], "sampler": {"chains": 2, "warmup": 2000, "draws": 4000}}


@pytest.mark.slow
@on_slurm
def test_a_restart_makes_no_fit_again_that_an_old_job_makes(tmp_path):
    """Slurm goes on with the jobs of a run that was killed."""
    checkout = check_out_for_the_node(tmp_path)
    checkout.write(**STUDY, **SLOW)
    results = checkout.folder / "results/small"
    with at_work(checkout) as run:
        wait_for(lambda: list(results.rglob("*.parts/lock")), run)
        (job,) = running(checkout)
        run.kill()
        run.wait()
        shutil.rmtree(checkout.folder / ".snakemake/locks")
        with suspended(processes_of(job)) as resume, at_work(checkout) as again:
            (log,) = results.glob("logs/fit/*/*/*/*.log")
            wait_for(lambda: "waits for another job" in text_of(log), again)
            resume()
            assert again.wait(SECONDS) == 0
            assert "3 of 3 fits stand" in text_of(log)
    assert len(checkout.fits_made()) == 3


@on_slurm
def test_many_batches_are_sent_at_once(tmp_path):
    """8 batches of datasets and 8 of fits."""
    checkout = check_out_for_the_node(tmp_path)
    checkout.write(**STUDY, models=["noncentered"], replicates=8, batch=1)
    done = checkout.make_study(*PROFILE, *NODE, SUMMARY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(checkout.fits_made()) == 8
    assert len(jobs_of(checkout)) == 2


@pytest.mark.slow
@on_slurm
def test_a_drained_node_is_waited_for_and_an_interrupt_leaves_nothing_behind(unfinished, local):
    node = f"NodeName={node_name()}"
    slurm("scontrol", "update", node, "State=DRAIN", "Reason=test")
    with at_work(unfinished) as run:
        try:
            states = wait_for(lambda: set(jobs_of(unfinished)["state"]), run)
            assert states == {"PENDING"}
            run.send_signal(signal.SIGINT)
            fails(unfinished, run)
        finally:
            slurm("scontrol", "update", node, "State=RESUME")
        assert set(jobs_of(unfinished)["state"]) <= ENDED
    assert_the_next_call_finishes(unfinished, local)


@pytest.mark.slow
def test_the_same_profile_serves_other_clusters(local, tmp_path):
    checkout = check_out(tmp_path)
    checkout.write(**STUDY)
    done = checkout.snakemake(*PROFILE, *GENERIC, "--seconds-between-status-checks", "1", SUMMARY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_same_study(checkout, local)


def test_the_slurm_profile_repeats_the_default_profile():
    usual, ours = (
        yaml.safe_load((ROOT / "profiles" / name / "config.yaml").read_text())
        for name in ("default", "slurm")
    )
    assert {key: ours.get(key) for key in usual if key != "cores"} == {
        key: value for key, value in usual.items() if key != "cores"
    }


def test_the_documentation_gives_the_commands_that_are_tested():
    page = (ROOT / "docs/how-to/cluster.md").read_text()
    assert f"   snakemake {' '.join(PROFILE)}\n" in page
    assert f"snakemake {' '.join((*PROFILE, *GENERIC[:2]))} \\\n    {GENERIC[2]} " in page
    assert "remove the\n   `#` before `slurm-status-command: squeue`" in page
