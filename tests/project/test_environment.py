"""The dependencies are stated three times, and say the same."""

import re

import pytest
import yaml
from conftest import ROOT
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

CONDA_ONLY = {"python", "cmdstan", "pip", "make", "cxx-compiler"}
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
FILES = ("requirements", "requirements-dev")
OF_PIP_ALONE = {"types-psutil", "types-pyyaml"}


def specified(text: str) -> tuple[str, SpecifierSet]:
    requirement = Requirement(text)
    return canonicalize_name(requirement.name), requirement.specifier


def asked(*files: str) -> dict[str, SpecifierSet]:
    """What requirements.in and its like ask for."""
    lines = [line for file in files for line in (ROOT / f"{file}.in").read_text().splitlines()]
    stated = [line.partition("#")[0].strip() for line in lines]
    return dict(specified(line) for line in stated if line and not line.startswith("-"))


def lock(file: str) -> str:
    return (ROOT / f"{file}.lock").read_text()


def conda() -> tuple[dict[str, SpecifierSet], dict[str, SpecifierSet]]:
    """What environment.yml asks for: of conda, and of pip."""
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    of_conda = dict(specified(entry) for entry in entries if isinstance(entry, str))
    (nested,) = (entry["pip"] for entry in entries if isinstance(entry, dict))
    return of_conda, dict(map(specified, nested))


def pinned(file: str, python: str) -> dict[str, Version]:
    """What a lock pins for a version of Python, on Linux."""
    pins = {}
    pattern = r"^(\S+)==(\S+?)(?: ; (.*?))? \\$"
    for name, version, marker in re.findall(pattern, lock(file), re.MULTILINE):
        here = {
            "python_full_version": f"{python}.1",
            "python_version": python,
            "sys_platform": "linux",
            "platform_system": "Linux",
        }
        if not marker or Marker(marker).evaluate(here):
            pins[canonicalize_name(name)] = Version(version)
    return pins


def test_conda_and_pip_ask_for_the_same():
    of_conda, of_pip = conda()
    shared = {name: spec for name, spec in of_conda.items() if name not in CONDA_ONLY}
    wanted = asked(*FILES)
    assert shared | of_pip == {name: wanted[name] for name in wanted if name not in OF_PIP_ALONE}


def test_conda_brings_what_pip_cannot():
    assert set(conda()[0]) >= CONDA_ONLY


def test_conda_asks_for_the_pythons_that_the_lock_is_for():
    python = conda()[0]["python"]
    allowed = [f"3.{minor}" for minor in range(8, 20) if f"3.{minor}.1" in python]
    assert allowed == PYTHONS


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("file", FILES)
def test_every_dependency_is_pinned_to_a_version_that_is_asked_for(file, python):
    pins, wanted = pinned(file, python), asked(*FILES[: FILES.index(file) + 1])
    wrong = {name: pins.get(name) for name, spec in wanted.items() if pins.get(name) not in spec}
    assert wrong == {}


@pytest.mark.parametrize("python", PYTHONS)
def test_developers_have_the_versions_that_studies_run_with(python):
    study, developer = (pinned(file, python) for file in FILES)
    assert study.items() <= developer.items()


@pytest.mark.parametrize("file", FILES)
def test_every_pin_has_a_hash(file):
    entries = re.split(r"\n(?=\S)", lock(file))
    pins = [entry for entry in entries if not entry.startswith("#") and entry.strip()]
    assert len(pins) > 20
    assert [pin for pin in pins if "--hash=sha256:" not in pin or "==" not in pin] == []


@pytest.mark.parametrize("file", FILES)
def test_the_lock_names_no_index(file):
    assert "://" not in lock(file)
    assert [line for line in lock(file).splitlines() if line.startswith("-")] == []  # no options
