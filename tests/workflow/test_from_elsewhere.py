"""The workflow runs from any folder, and as a module of another workflow."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from workflow_runs import SMALL, assert_same, assert_same_part, check_out

pytestmark = pytest.mark.workflow

PAGE = "results/small/report.html"
MODULE = """
configfile: "mine.yaml"


module recovery:
    snakefile:
        {snakefile!r}
    config:
        config["recovery"]


use rule * from recovery as recovery_*


rule mine:
    default_target: True
    input:
        rules.recovery_all.input,
    output:
        "mine.txt",
    shell:
        "touch {{output}}"


onstart:
    {onstart}
"""


def snakemake(folder: Path, *arguments: str) -> str:
    """Run Snakemake in a folder; return what it says."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path):
    """A folder with nothing of the workflow in it."""
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "elsewhere"


@pytest.fixture
def usual(small_study):
    """The study, run in a checkout as always."""
    return small_study


def write_study(folder: Path, **changes) -> None:
    (folder / "study.yaml").write_text(yaml.safe_dump({**SMALL, **changes}))


def write_module(folder: Path, snakefile: str, onstart: str = "pass", **changes) -> None:
    text = MODULE.format(snakefile=snakefile, onstart=onstart)
    (folder / "Snakefile").write_text(text)
    content = {"other": 1, "recovery": {**SMALL, **changes}}
    (folder / "mine.yaml").write_text(yaml.safe_dump(content))


@pytest.mark.slow
def test_from_another_folder_the_numbers_are_the_same(folder, usual):
    write_study(folder)
    snakefile = str(ROOT / "Snakefile")
    snakemake(folder, "--snakefile", snakefile, "--configfile", "study.yaml")
    assert (folder / PAGE).exists()
    assert_same(type(usual)(folder).numbers(), usual.numbers())
    said = snakemake(folder, "--snakefile", snakefile, "--configfile", "study.yaml")
    assert "Nothing to be done" in said


@pytest.mark.slow
def test_another_directory_is_worked_in(folder, usual):
    write_study(folder)
    study = str(folder / "study.yaml")
    said = snakemake(usual.folder, "--directory", str(folder), "--configfile", study)
    assert "12 fits" in said
    assert (folder / PAGE).exists()


@pytest.mark.slow
def test_a_shipped_study_runs_from_another_folder_with_its_data_and_its_family(folder):
    for name in ("eight_schools", "learning_rate"):
        study = str(ROOT / f"config/{name}.yaml")
        arguments = ("--snakefile", str(ROOT / "workflow/Snakefile"), "--configfile", study)
        assert "fit" in snakemake(folder, *arguments, "--dry-run")
    data = "results/eight_schools/observed/data/schools/00001-00001.parquet"
    study = str(ROOT / "config/eight_schools.yaml")
    snakefile = str(ROOT / "workflow/Snakefile")
    snakemake(folder, data, "--snakefile", snakefile, "--configfile", study)
    assert (folder / data).exists()


def test_a_folder_without_a_study_gets_the_default_study(folder):
    said = snakemake(folder, "--snakefile", str(ROOT / "Snakefile"), "--dry-run")
    assert "results/multilevel/report.html" in said


def test_as_a_module_it_makes_the_study_of_its_caller_in_its_callers_folder(folder, usual):
    small = {"participants": [4], "models": ["pooled"]}
    write_module(folder, str(ROOT / "workflow/Snakefile"), **small)
    snakemake(folder)
    assert (folder / "mine.txt").exists()
    assert_same_part(type(usual)(folder).numbers(), usual.numbers())
    assert "Nothing to be done" in snakemake(folder)
    write_module(
        folder, str(ROOT / "workflow/Snakefile"), **small | {"models": ["pooled", "centered"]}
    )
    said = snakemake(folder, "--dry-run")
    assert "recovery_fit" in said
    assert "Fit pooled under weak, centered under weak to plain-4x5, replicates 1-3" in said


@pytest.mark.slow
def test_a_module_that_was_fetched_needs_its_origin_no_more(folder, tmp_path, usual):
    origin = tmp_path / "origin"
    origin.mkdir()
    check_out(origin)
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        name = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *name, *command], cwd=origin, check=True)
    uri = f"git+file://{origin}/workflow/Snakefile@main"
    small = {"participants": [4], "models": ["pooled"]}
    write_module(folder, uri, f"shell({f'mv {origin} {tmp_path}/away'!r})", **small)
    snakemake(folder)
    assert not origin.exists()
    assert_same_part(type(usual)(folder).numbers(), usual.numbers())
