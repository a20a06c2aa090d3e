"""What the benchmarks share: a row of their table, a measured process, a copy to run a study in."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml

ROOT = Path(__file__).resolve().parents[2]
STAN = ROOT / "stan"
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))  # every benchmark imports this module first
PARTS = ("Snakefile", "environment.yml", "workflow", "stan", "config", "profiles")

TRUTH = {
    "b": {"Intercept": 0.5, "x": 1.0},
    "sd": {"participant": {"Intercept": 1.0, "x": 0.5}},
    "cor": {"participant": 0.3},
    "sigma": 1.0,
}
PRIOR = {
    "Intercept": "normal(0, 1)",
    "b": "normal(0, 1)",
    "sd": "exponential(1)",
    "cor": "lkj(2)",
    "sigma": "exponential(1)",
}
SAMPLER = {"chains": 4, "warmup": 1000, "draws": 1000}


class Row(NamedTuple):
    """One line of the table."""

    benchmark: str
    case: str
    measure: str
    value: float
    unit: str


class Spent(NamedTuple):
    """What a process and all that it started cost."""

    wall: float  # seconds
    processor: float  # seconds
    memory: float  # MB, the largest of any of its processes


def spent(command: list, folder: Path) -> Spent:
    """Run a command to its end; it must succeed."""
    cost = folder / "cost.json"
    measured = [sys.executable, Path(__file__).with_name("measured.py"), cost, *command]
    with (folder / "log").open("w") as log:
        done = subprocess.run(measured, cwd=folder, stdout=log, stderr=log, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{(folder / 'log').read_text()[-3000:]}")
    return Spent(**json.loads(cost.read_text()))


def study(name: str, **changes) -> dict:
    """Return a study file's content."""
    return {
        "name": name,
        "title": "A benchmark",
        "seed": 1,
        "truths": {"moderate": TRUTH},
        "priors": {"weakly_informative": PRIOR},
        "sampler": SAMPLER,
        **changes,
    }


def check_out(folder: Path, content: dict) -> Path:
    """Copy what a run needs, with a study in it; return the study file's name."""
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, folder / part)
    (folder / "study.yaml").write_text(yaml.safe_dump(content))
    return folder / "study.yaml"


def datasets(participants: int, observations: int, number: int) -> list[dict]:
    """Simulate datasets; return the columns of each."""
    from recovery import families

    family = families.find("multilevel_linear")
    truth, rng = family.Truth(**TRUTH), np.random.default_rng(1)
    return [family.simulate(truth, participants, observations, rng)[0] for _ in range(number)]


def stan_data(columns: dict, model: str) -> dict:
    """Return the data of a program."""
    from recovery import families

    family = families.find("multilevel_linear")
    return family.stan_data(columns, family.Prior(**PRIOR), model)
