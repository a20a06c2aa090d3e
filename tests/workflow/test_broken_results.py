"""Results that cannot be written, are not whole or are another's: said, nothing overwritten."""

import contextlib
import os
import shutil
import subprocess
import sys

import pytest
import yaml
from workflow_runs import SUMMARY, assert_same, check_out

from recovery import tables

pytestmark = pytest.mark.workflow

BATCH = "plain-4x5/pooled/weak/00001-00002.parquet"


@pytest.fixture
def finished(batched_study):
    return batched_study


@pytest.fixture
def changed(finished, tmp_path):
    """A copy of the finished study that a test may break."""
    return finished.copy(tmp_path / "changed")


@pytest.fixture
def fresh(finished, tmp_path):
    """The same study, not run yet."""
    checkout = check_out(tmp_path)
    checkout.write(**finished.study())
    return checkout


@contextlib.contextmanager
def mounted(folder, options):
    """Mount a file system of memory on a folder; skip where that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() or not shutil.which("mount") or subprocess.run(mount, check=False).returncode:
        pytest.skip("needs leave to mount a file system")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def remount(folder, options):
    command = ["mount", "-o", f"remount,{options}", str(folder)]
    subprocess.run(command, check=True)


def contents(checkout) -> dict:
    """Every table of the study, byte for byte."""
    results = checkout.folder / "results"
    return {file: file.read_bytes() for file in results.rglob("*.parquet")}


def said_by(done) -> str:
    """What a run that failed said: words, no traceback."""
    said = done.stdout + done.stderr
    assert done.returncode != 0, said
    assert "Traceback" not in said, said
    return said


def finishes(checkout, finished):
    done = checkout.make_study(SUMMARY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_same(finished.numbers(), checkout.numbers())


@pytest.mark.parametrize(
    ("broken", "missing"),
    [
        pytest.param(
            "data/plain-4x5/00001-00002.parquet", "estimates/plain-4x5", marks=pytest.mark.slow
        ),
        (f"estimates/{BATCH}", "summary/performance.parquet"),
        pytest.param(f"diagnostics/{BATCH}", "summary/performance.parquet", marks=pytest.mark.slow),
        pytest.param("summary/performance.parquet", None, marks=pytest.mark.slow),
    ],
)
def test_a_truncated_table_is_named_with_the_cure(finished, changed, broken, missing):
    results = changed.folder / "results/small"
    whole = (results / broken).read_bytes()
    (results / broken).write_bytes(whole[: len(whole) // 2])
    if missing == "estimates/plain-4x5":  # so that data are read again
        shutil.rmtree(results / missing)
    if missing:
        (results / "summary/performance.parquet").unlink()
    before = contents(changed)
    said = said_by(changed.make_study(SUMMARY))
    assert f"results/small/{broken}: is cut short or damaged" in said
    assert f"rm results/small/{broken}\n" in said
    assert contents(changed) == before
    (results / broken).unlink()
    finishes(changed, finished)


@pytest.mark.slow
def test_flipped_bits_are_found_before_nothing_is_to_be_done(finished, changed):
    """Whatever Snakemake remembers, sizes and times of files are as they were."""
    results = changed.folder / "results/small"
    broken = [f"estimates/{BATCH}", f"diagnostics/{BATCH}", "summary/comparison.parquet"]
    for file in broken:
        content, times = bytearray((results / file).read_bytes()), (results / file).stat()
        content[706] ^= 128
        (results / file).write_bytes(content)
        os.utime(results / file, ns=(times.st_atime_ns, times.st_mtime_ns))
    said = said_by(changed.make_study(SUMMARY))
    assert "3 tables are cut short or damaged" in said
    assert "rm " + " ".join(f"results/small/{file}" for file in broken) in said
    for file in broken:
        (results / file).unlink()
    done = changed.make_study()
    assert done.returncode == 0, done.stdout + done.stderr
    assert_same(finished.numbers(), changed.numbers())


@pytest.mark.slow
def test_a_full_disk_is_reported_and_keeps_finished_tables(finished, fresh):
    results = fresh.folder / "results"
    with mounted(results, "size=120k"):
        said = said_by(fresh.make_study(SUMMARY))
        assert "cannot be written: the disk is full; make room, then run the same command" in said
        for file in results.rglob("*.parquet"):
            assert tables.read(file)
        assert not (fresh.folder / SUMMARY).exists()
        remount(results, "size=50m")
        finishes(fresh, finished)


@pytest.mark.slow
@pytest.mark.parametrize("run", ["make_study", "snakemake"])
def test_read_only_results_are_reported_before_any_job(finished, fresh, run):
    results = fresh.folder / "results"
    with mounted(results, "size=50m"):
        remount(results, "ro")
        said = said_by(getattr(fresh, run)("--cores", "1", SUMMARY))
        assert "results/small: cannot be written: the file system is read-only" in said
        remount(results, "rw")
        finishes(fresh, finished)


@pytest.mark.slow
def test_results_that_become_read_only_cost_nothing_but_the_run(finished, changed):
    folder = (changed.folder / "results/small/estimates" / BATCH).parent
    shutil.rmtree(folder)
    (changed.folder / SUMMARY).unlink()
    with mounted(folder, "size=50m"):
        remount(folder, "ro")
        before = contents(changed)
        done = changed.make_study(SUMMARY)
        assert done.returncode != 0
        assert "plain-4x5/pooled/weak: cannot be written to" in done.stdout + done.stderr
        after = contents(changed)
        assert {file: after[file] for file in before} == before
    finishes(changed, finished)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "second"),
    [("workflow/run.py", "snakemake"), ("-m snakemake --configfile", "make_study")],
)
def test_two_runs_do_not_meet_however_they_were_started(fresh, first, second):
    fresh.change(replicates=400)
    command = [sys.executable, *first.split(), "study.yaml", "--cores", "1"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=fresh.folder, start_new_session=True, **quiet) as run:
        while not list(fresh.folder.glob("results/small/data/**/*.parquet")):
            assert run.poll() is None
        arguments = ["--nolock"] if second == "snakemake" else []
        said = said_by(getattr(fresh, second)(*arguments))
        assert run.poll() is None
        os.killpg(run.pid, 9)
    assert "results/small: another run of this study is using this folder." in said


@pytest.mark.slow
@pytest.mark.parametrize("run", ["make_study", "snakemake"])
def test_the_results_of_another_study_of_that_name_are_left_alone(changed, run):
    before = contents(changed)
    other = {**changed.study(), "title": "Another study", "seed": 7}
    (changed.folder / "other.yaml").write_text(yaml.safe_dump(other))
    (changed.folder / "study.yaml").unlink()
    command = {
        "make_study": ["workflow/run.py", "other.yaml"],
        "snakemake": ["-m", "snakemake", "--configfile", "other.yaml"],
    }[run]
    said = said_by(changed.python(*command))
    assert "other.yaml: name: got 'small', but results/small has the results of study.yaml" in said
    assert contents(changed) == before
    (changed.folder / "results/small/.study.json").unlink()  # the way out that it names
    done = changed.python(*command, "--dry-run")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_study_file_that_was_moved_finds_its_results(changed):
    (changed.folder / "study.yaml").rename(changed.folder / "moved.yaml")
    done = changed.python("workflow/run.py", "moved.yaml", SUMMARY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing to be done" in done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("gone", ["summary/performance.parquet", None])
def test_results_of_an_older_version_are_reported(changed, gone):
    shutil.rmtree(changed.folder / ".snakemake")  # copied from elsewhere, without its memory
    module = changed.folder / "workflow/scripts/recovery/fit/posterior.py"
    module.write_text(module.read_text() + "\n# a newer version\n")
    if gone:
        (changed.folder / "results/small" / gone).unlink()
    before = contents(changed)
    said = said_by(changed.make_study(SUMMARY))
    assert "made by another study file, program or version than this one" in said
    assert f"results/small/estimates/{BATCH}" in said
    assert "WorkflowError" not in said
    assert "common.smk" not in said
    assert contents(changed) == before


@pytest.mark.slow
def test_lint_and_unlock_work_with_damaged_results(changed):
    (changed.folder / "results/small/summary/performance.parquet").write_bytes(b"PAR1")
    for option in ("--lint", "--unlock"):
        done = changed.snakemake(option)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "is cut short or damaged" in said_by(changed.snakemake("--dry-run"))
