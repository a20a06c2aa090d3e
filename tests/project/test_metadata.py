"""What describes the project agrees: version, GitHub workflows, pre-commit, workflow catalog."""

import re
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from test_environment import PYTHONS

from recovery.common.version import __version__

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([\w./-]+):(?!=)", MAKEFILE, re.MULTILINE))
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
LIBRARY = ROOT / "workflow/scripts/recovery"


def content(file: Path | str) -> dict:
    return yaml.safe_load((ROOT / file).read_text())


def recipe(target: str) -> list[str]:
    """The commands of a target of the Makefile."""
    lines = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)[1]
    return [line.strip().lstrip("@").replace("$(BIN)", ".venv/bin") for line in lines.splitlines()]


def jobs() -> dict[str, dict]:
    """Every job of the GitHub workflows, by file and name."""
    return {
        f"{file.stem}.{name}": job
        for file in WORKFLOWS
        for name, job in content(file)["jobs"].items()
    }


def steps(job: dict, key: str) -> list[str]:
    return [step[key] for step in job["steps"] if key in step]


# The version


def test_citation_and_changelog_have_the_version():
    citation = content("CITATION.cff")
    assert str(citation["version"]) == __version__
    latest = re.search(r"^## \[(.+?)\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert latest.groups() == (__version__, str(citation["date-released"]))


def test_the_version_is_written_in_one_place():
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)
    files = [*LIBRARY.rglob("*.py"), ROOT / "pyproject.toml", ROOT / "workflow/Snakefile"]
    places = [file for file in files if f'"{__version__}"' in file.read_text()]
    assert places == [LIBRARY / "common/version.py"]


def test_only_the_manifest_imports_the_version():
    # Any other module would make fits again when the version changes.
    importing = [f for f in LIBRARY.rglob("*.py") if "common.version" in f.read_text()]
    assert importing == [LIBRARY / "plan/manifest.py"]


# GitHub workflows


def test_the_quick_tests_run_on_every_python_that_is_supported():
    matrix = jobs()["tests.quick"]["strategy"]["matrix"]
    assert matrix["python"] == PYTHONS
    systems = " ".join(matrix["os"])
    assert all(name in systems for name in ("ubuntu", "arm", "macos"))


def test_the_quick_tests_are_those_of_ci():
    quick = steps(jobs()["tests.quick"], "run")[-1]
    selected = quick.partition("pytest ")[2]
    assert selected.startswith("-m ")
    assert selected in (ROOT / ".ci/run").read_text()


@pytest.mark.parametrize("name", jobs())
def test_a_job_uses_targets_of_the_makefile(name):
    commands = "\n".join(steps(jobs()[name], "run"))
    used = re.findall(r"\bmake ([\w./-]+)", commands)
    assert used
    assert set(used) <= TARGETS


def test_tests_linters_and_docs_run():
    commands = {run for job in jobs().values() for run in steps(job, "run")}
    assert {"make test-all", "make check", "make docs"} <= commands


@pytest.mark.parametrize("name", jobs())
def test_actions_are_pinned_to_a_major_version(name):
    for action in steps(jobs()[name], "uses"):
        assert re.fullmatch(r"actions/[\w-]+@v\d+", action)


def test_all_workflows_use_the_same_versions_of_actions():
    used = {action for job in jobs().values() for action in steps(job, "uses")}
    assert len({action.partition("@")[0] for action in used}) == len(used)


@pytest.mark.parametrize("name", jobs())
def test_a_job_sets_up_a_python_that_is_supported_and_the_locks(name):
    (python,) = (
        step["with"]
        for step in jobs()[name]["steps"]
        if step.get("uses", "").startswith("actions/setup-python")
    )
    assert python["python-version"] in (*PYTHONS, "${{ matrix.python }}")
    locks = python["cache-dependency-path"].split()
    assert all((ROOT / lock).exists() for lock in locks)
    assert locks == ["requirements.lock", "requirements-dev.lock"]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_may_only_read(file):
    assert content(file)["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in content(file)["jobs"].values())


# Pre-commit


def test_the_hooks_of_pre_commit_are_the_commands_of_make_check():
    (repository,) = content(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    assert [hook["entry"] for hook in repository["hooks"]] == recipe("check")
    assert all(hook["pass_filenames"] is False for hook in repository["hooks"])


# The workflow catalog


def test_the_workflow_is_laid_out_as_the_catalog_asks():
    assert (ROOT / "workflow/Snakefile").exists()
    assert (ROOT / "config/README.md").exists()
    readme = (ROOT / "README.md").read_text().lower()
    assert "snakemake" in readme
    assert "workflow" in readme
    usage = content(".snakemake-workflow-catalog.yml")["usage"]
    assert set(usage) <= {"mandatory-flags", "software-stack-deployment"}
    deployment = usage["software-stack-deployment"]
    assert set(deployment) == {"conda", "apptainer", "apptainer+conda", "report"}


def test_the_catalog_says_conda_if_every_rule_has_an_environment():
    deployment = content(".snakemake-workflow-catalog.yml")["usage"]["software-stack-deployment"]
    rules = "".join(file.read_text() for file in (ROOT / "workflow/rules").glob("*.smk"))
    scripts, environments = (
        len(re.findall(rf"^    {key}:", rules, re.M)) for key in ("script", "conda")
    )
    assert deployment["conda"] is (scripts == environments)
