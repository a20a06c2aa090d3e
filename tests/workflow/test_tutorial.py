"""The tutorial on a family of your own, followed word by word."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from workflow_runs import ROOT, SECONDS, check_out

pytestmark = pytest.mark.workflow


def section(title: str) -> str:
    """Return a section of the tutorial, its subsections included."""
    text = (ROOT / "docs/tutorial/own-family.md").read_text()
    level = len(title.split()[0])
    inside = rf"^{re.escape(title)}\n(.*?)(?=^#{{2,{level}}} |\Z)"
    return re.search(inside, text, re.DOTALL | re.MULTILINE)[1]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory):
    """A checkout with the tests' environment as its .venv, without the worked example."""
    folder = tmp_path_factory.mktemp("newcomer")
    check_out(folder)
    for file in ("Makefile", "requirements.lock"):
        shutil.copy(ROOT / file, folder)
    (folder / ".venv").symlink_to(Path(sys.prefix))
    shutil.rmtree(folder / "config/families")
    (folder / "config/learning_rate.yaml").unlink()
    return folder


def follow(command: str, folder: Path) -> str:
    """Run a command of the tutorial; `.venv` exists, so nothing is installed."""
    done = subprocess.run(
        [*command.split(), "-o", "requirements.lock"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_template_runs_as_it_is_written(newcomer):
    begin, run = blocks(section("## Start from a template"), "bash")[0].splitlines()
    said = follow(begin, newcomer)
    written = ["config/families/forgetting.py", "config/families/forgetting.stan"]
    written.append("config/forgetting.yaml")
    assert said.splitlines()[:3] == [f"Wrote {file}" for file in written]
    assert all((newcomer / file).exists() for file in written)
    follow(run, newcomer)
    found = pd.read_parquet(newcomer / "results/forgetting/summary/performance.parquet")
    assert set(found["parameter"]) == {"mu", "tau", "sigma"}
    assert "Mean, mu" in (newcomer / "results/forgetting/report.html").read_text()


def begin(folder: Path, name: str) -> subprocess.CompletedProcess:
    """Do what `make family NAME=...` does."""
    return subprocess.run(
        [sys.executable, "workflow/family.py", name],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_existing_family_is_not_overwritten(newcomer):
    assert begin(newcomer, "existing").returncode == 0
    file = newcomer / "config/families/existing.py"
    before = file.read_text()
    done = begin(newcomer, "existing")
    assert done.returncode == 1
    assert "must not exist yet" in done.stderr
    assert file.read_text() == before


@pytest.mark.parametrize("name", ["", "Forgetting", "a/b", "../a", "multilevel_linear"])
def test_a_name_that_a_family_cannot_have_is_refused(newcomer, name):
    done = begin(newcomer, name)
    assert done.returncode == 1
    assert done.stderr.startswith(f"NAME: got {name!r}, must")


@pytest.mark.slow
def test_the_worked_example_runs_as_the_tutorial_shows_it(newcomer):
    text = section("## A worked example: learning rates")
    shown = {
        "config/families/learning_rate.py": blocks(text, "python"),
        "config/families/learning_rate.stan": blocks(text, "stan"),
        "config/learning_rate.yaml": blocks(text, "yaml"),
    }
    for file, (block,) in shown.items():
        assert block == (ROOT / file).read_text(), file
        (newcomer / file).parent.mkdir(exist_ok=True)
        (newcomer / file).write_text(block)
    (run,) = blocks(text, "bash")
    follow(run, newcomer)
    results = newcomer / "results/learning_rate"
    people = pd.read_parquet(results / "summary/groups.parquet")
    assert set(people["coefficient"]) == {"alpha", "tau"}
    went = pd.read_parquet(results / "summary/convergence.parquet")
    assert (went["n_failed"] == 0).all()
    assert "Mean learning rate (logit), mu[1]" in (results / "report.html").read_text()
