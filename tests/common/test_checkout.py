"""Jobs import the library of this checkout, not another copy of it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from slow_cases import slow_after
from workflow_runs import check_out

from recovery.common import checkout

REFUSED = "so numbers would come from other code than this checkout's"


@pytest.fixture(scope="module")
def another(tmp_path_factory) -> Path:
    """A folder with another copy of the library, which writes a file when it is imported."""
    folder = tmp_path_factory.mktemp("another")
    shutil.copytree(ROOT / "workflow/scripts/recovery", folder / "recovery")
    with (folder / "recovery/__init__.py").open("a") as module:
        module.write(f"\nopen({str(folder / 'loaded')!r}, 'w').close()\n")
    return folder


@pytest.fixture
def loading(another, tmp_path) -> dict[str, str]:
    """An environment in which Python imports that copy when it starts."""
    (tmp_path / "sitecustomize.py").write_text("import recovery\n")
    return {"PYTHONPATH": f"{tmp_path}{os.pathsep}{another}"}


@pytest.mark.workflow
def test_a_copy_on_pythonpath_and_in_the_current_directory_is_not_imported(another, tmp_path):
    copy = check_out(tmp_path)
    copy.write(participants=[4], replicates=1, models=["pooled"])
    shutil.copytree(another / "recovery", tmp_path / "recovery")  # `python -m` looks there first
    environment = {"PYTHONPATH": str(another)}
    done = copy.snakemake(
        "--cores", "1", "results/small/data/plain-4x5/00001-00250.parquet", environment=environment
    )
    assert done.returncode == 0, done.stderr
    assert not (another / "loaded").exists()


@pytest.mark.parametrize("entry", slow_after(1, ["run", "calibrate", "enough", "family", "replay"]))
def test_a_command_refuses_a_copy_that_was_imported_earlier(entry, loading):
    done = subprocess.run(
        [sys.executable, ROOT / f"workflow/{entry}.py"],
        env={**os.environ, **loading},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert REFUSED in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.workflow
def test_the_rules_refuse_it_too(loading, tmp_path):
    (tmp_path / "checkout").mkdir()
    copy = check_out(tmp_path / "checkout")
    copy.write()
    done = copy.snakemake("--dry-run", environment=loading)
    assert done.returncode == 1
    assert REFUSED in done.stderr


def test_a_job_refuses_it_too(loading, tmp_path):
    code = f"from recovery.common import jobs\njobs.begin({str(tmp_path / 'log')!r})\n"
    environment = {**os.environ, **loading, "RECOVERY_SCRIPTS": str(ROOT / "workflow/scripts")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=False)
    assert done.returncode == 1
    assert REFUSED in (tmp_path / "log").read_text()


def test_every_script_imports_the_library_from_where_the_rules_say():
    for script in (ROOT / "workflow/scripts").glob("*.py"):
        lines = script.read_text().splitlines()
        first = lines.index('sys.path.insert(0, os.environ["RECOVERY_SCRIPTS"])')
        ours = [line for line in lines if line.startswith("from recovery")]
        assert lines.index(ours[0]) > first
        assert ours[0] == "from recovery.common import jobs"
        assert "jobs.begin(snakemake.log[0])" in lines


@pytest.mark.slow
@pytest.mark.workflow
def test_a_study_runs_from_a_path_with_shell_characters(tmp_path):
    folder = tmp_path / "it's (my) $HOME & `id`, #1"
    folder.mkdir()
    copy = check_out(folder)
    copy.write(participants=[4], replicates=1, models=["pooled"])
    (folder / ".venv").symlink_to(sys.prefix)
    command = [folder / ".venv/bin/python", "workflow/run.py", "study.yaml", "--cores", "2"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (folder / "results/small/report.html").exists()


def test_a_path_that_snakemake_cannot_use_is_refused(monkeypatch):
    with pytest.raises(SystemExit, match=r"^/a\{b\}/scripts: its path has a brace"):
        checkout.must_be_startable("/a{b}/scripts")
    monkeypatch.setattr(sys, "executable", "/a: b/bin/python")
    with pytest.raises(SystemExit, match=r"^/a: b/bin: its path has a colon"):
        checkout.must_be_startable("/scripts")
