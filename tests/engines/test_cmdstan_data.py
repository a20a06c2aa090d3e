"""Data as CmdStan gets them: every program's file checked against stanc, and executables run.

A program is compiled for few of them, so an executable that keeps its file stands in where
only the file is looked at: CmdStanPy writes it, and stanc says what the program declares.
"""

import json
import subprocess
from functools import lru_cache
from pathlib import Path

import numpy as np
import own_families
import pytest
from conftest import ROOT, STAN
from flat_glm import FLAT_GLM
from slow_cases import slow_after

from recovery import engines, families
from recovery.common.errors import StudyError
from recovery.engines import declarations, stan_data
from recovery.engines.protocol import Program, Settings
from recovery.families.family import SimulationError
from recovery.study.parse import parse
from recovery.study.yaml_file import read_yaml

pytestmark = pytest.mark.usefixtures("in_the_repository")

KEEPER = """#!/bin/sh
if [ "$1" = info ]; then
  printf 'stan_version_%s\\n' 'major = 2' 'minor = 37' 'patch = 0'
  exit 0
fi
for each in "$@"; do
  case $each in file=*.json) cp "${each#file=}" "$(dirname "$0")/written.json";; esac
done
exit 1
"""
SHORT = Settings(chains=2, warmup=50, draws=50, adapt_delta=0.8, max_treedepth=10)
STUDIES = {
    **{path.stem: path for path in sorted((ROOT / "config").glob("*.yaml"))},
    "template": ROOT / "workflow/templates/study.yaml",
}
OPTIONS = [
    {"name": "multilevel_linear", "formula": "y ~ x + (1 | participant)"},
    {"name": "multilevel_bernoulli", "formula": "y ~ 0 + (0 + x | participant)"},
    {"name": "multilevel_poisson", "formula": "y ~ x"},
]


@pytest.fixture(scope="session")
def stanc(cmdstan_files, newer_cmdstan_files):
    """The data block of a program by the stanc of two CmdStans: 2.30 and 2.37."""
    homes = (cmdstan_files / "cmdstan-2.30.1", newer_cmdstan_files / "cmdstan-2.37.0")

    @lru_cache
    def said(program: Program) -> list[dict]:
        found = []
        for home in homes:
            command = [home / "bin/stanc", f"--include-paths={program.include}", "--info"]
            done = subprocess.run([*command, program.path], capture_output=True, check=True)
            found.append(json.loads(done.stdout)["inputs"])
        return found

    return said


def written_by_cmdstan(data, folder: Path) -> dict:
    """The file that CmdStanPy writes for an executable."""
    (folder / "keeper").write_text(KEEPER)
    (folder / "keeper").chmod(0o755)
    engine = engines.find("cmdstan")
    with pytest.raises(RuntimeError):
        engine.sample(engine.load(Program("", "", str(folder / "keeper"))), data, 1, SHORT)
    return json.loads((folder / "written.json").read_text())


def numbers(value) -> list:
    """All numbers of nested lists; a dict, which Stan reads as a tuple, is not a number."""
    if isinstance(value, list):
        return [number for each in value for number in numbers(each)]
    assert type(value) in (int, float), value
    return [value]


def hold(written: dict, program: Program, inputs: dict) -> None:
    """Check a file against a data block of stanc: names, types, numbers of dimensions."""
    assert set(written) == set(inputs)
    for name, entry in inputs.items():
        found = numbers(written[name])
        if entry["type"] == "int":
            assert all(type(number) is int for number in found), name
        shape = np.shape(written[name])
        assert len(shape) == entry["dimensions"] or not found, name
    declared = declarations.of_program(program).entries
    assert [(each.name, each.kind, len(each.sizes)) for each in declared] == [
        (name, entry["type"], entry["dimensions"]) for name, entry in inputs.items()
    ]


def hold_all(family, prior, sizes, stanc, folder: Path) -> None:
    """Check the files of all programs of a family against their data blocks."""
    rng = np.random.default_rng(1)
    while True:
        try:
            columns, _ = family.simulate_joint(family.JOINT, prior, {}, 4, 2, rng, sizes)
            break
        except SimulationError:
            continue
    for model in family.MODELS:
        data = family.stan_data(columns, prior, model)
        program = Program(str(family.program(model, STAN)), str(STAN))
        entries = stan_data.checked_data(data, declarations.of_program(program))
        for inputs in stanc(program):
            hold(written_by_cmdstan(entries, folder), program, inputs)
        given = {name: data[name] for name in entries}
        assert written_by_cmdstan(given, folder) == written_by_cmdstan(entries, folder)


@pytest.mark.parametrize("study", slow_after(1, STUDIES))
def test_every_program_gets_the_data_that_it_declares(study, stanc, tmp_path):
    raw = read_yaml(STUDIES[study])
    if study == "template":
        raw = own_families.begin(tmp_path)
    found = parse(raw, families.find)
    family = families.find(found.family_choice)
    sizes = {name: numbers[0] for name, numbers in found.counted_sizes.items()}
    for prior in found.priors.values():
        hold_all(family, prior, sizes, stanc, tmp_path)


@pytest.mark.parametrize("choice", OPTIONS, ids=lambda choice: choice["name"])
def test_entries_without_elements_are_in_the_file_too(choice, stanc, tmp_path):
    family = families.find(choice)
    prior = {key: kind.example for key, kind in family.Prior.ALLOWED.items()}
    hold_all(family, family.Prior(**prior), {}, stanc, tmp_path)


# Real executables


@pytest.fixture
def cmdstan():
    return engines.find("cmdstan")


@pytest.fixture
def glm(cmdstan_files):
    """A program that CmdStan 2.30 compiled, and data for it; its integers are 0 and 1 too."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(6, 1)), rng.normal(size=6)
    path = cmdstan_files / "glm_v_continuous"
    program = Program(f"{path}.stan", str(cmdstan_files), f"{path}.exe")
    return program, FLAT_GLM | {"N": 6, "X": x, "y": y}


@pytest.fixture
def prophet(newer_cmdstan_files):
    """A program that CmdStan 2.37 compiled, and data for it."""
    rng = np.random.default_rng(1)
    flat = {"trend_indicator": 2, "S": 0, "t_change": [], "tau": 1.0, "cap": np.ones(6)}
    regression = {"K": 2, "X": rng.normal(size=(6, 2)), "sigmas": np.array([1.0, 2.0])}
    regression |= {"s_a": np.ones(2), "s_m": np.zeros(2)}
    path = newer_cmdstan_files / "prophet"
    program = Program(f"{path}.stan", str(newer_cmdstan_files), str(path) + "_model.bin")
    return program, {"T": 6, "t": np.linspace(0, 1, 6), "y": rng.normal(size=6)} | flat | regression


def as_tuples(value):
    value = np.asarray(value)
    return tuple(map(as_tuples, value)) if value.ndim else value.item()


def as_integers(value):
    """Whole numbers as integers, those of reals too."""
    value = np.asarray(value)
    return value.astype(int) if np.array_equal(value, np.round(value)) else value


def as_booleans(value):
    value = np.asarray(value)
    return value.astype(bool) if value.size and np.isin(value, (0, 1)).all() else value


BOXES = {
    "tuples": as_tuples,
    "lists": lambda value: np.asarray(value).tolist(),
    "arrays": np.asarray,
    "arrays in Fortran's order": lambda value: np.array(value, order="F"),
    "integers": as_integers,
    "booleans": as_booleans,
    "booleans in tuples": lambda value: as_tuples(as_booleans(value)),
    "arrays in a list": lambda value: list(value) if np.ndim(value) else np.int64(value)
    if isinstance(value, int) else np.float64(value),
    "objects": lambda value: np.asarray(value, dtype=object),
}  # fmt: skip


@pytest.mark.parametrize("which", ["glm", "prophet"])
def test_the_python_types_of_data_do_not_change_the_draws(which, cmdstan, request):
    program, data = request.getfixturevalue(which)
    loaded, block = cmdstan.load(program), declarations.of_program(program)
    plain = cmdstan.sample(loaded, data, 1, SHORT)
    for box, change in BOXES.items():
        boxed = {name: change(value) for name, value in data.items()}
        held = cmdstan.sample(loaded, stan_data.checked_data(boxed, block), 1, SHORT)
        np.testing.assert_array_equal(held.values, plain.values, box)
        np.testing.assert_array_equal(held.sampler["lp__"], plain.sampler["lp__"], box)
        at_the_boundary = cmdstan.sample(loaded, boxed, 1, SHORT)
        np.testing.assert_array_equal(at_the_boundary.values, plain.values, box)


@pytest.mark.parametrize("algorithm", ["optimize", "laplace", "pathfinder"])
def test_approximations_take_tuples_too(algorithm, cmdstan, prophet):
    program, data = prophet
    loaded = cmdstan.load(program)
    boxed = {name: as_tuples(value) for name, value in data.items()}
    one, other = (
        cmdstan.approximate(loaded, each, 1, algorithm, 50).values for each in (data, boxed)
    )
    np.testing.assert_array_equal(one, other)


WRONG = [
    *(("X", lambda x: x.T), ("X", np.ravel), ("X", lambda x: x[:, :, None])),
    *(("y", lambda y: y.reshape(2, 3)), ("y", lambda y: y[0]), ("y", lambda y: y[1:])),
    *(("K", lambda k: [k]), ("K", float), ("K", lambda k: 3_000_000_000)),
    *(("y", lambda y: ["a"] * 6), ("y", lambda y: [None] * 6)),
    ("X", lambda x: [*x.tolist()[:-1], []]),
]


@pytest.mark.parametrize(("entry", "change"), WRONG)
@pytest.mark.parametrize("which", ["glm", "prophet"])
def test_data_are_refused_as_a_real_executable_refuses_them(which, entry, change, cmdstan, request):
    program, data = request.getfixturevalue(which)
    wrong = data | {entry: change(data[entry])}
    with pytest.raises(RuntimeError):
        cmdstan.sample(cmdstan.load(program), wrong, 1, SHORT)
    with pytest.raises(StudyError, match=f"stan_data: {entry}: got "):
        stan_data.checked_data(wrong, declarations.of_program(program))
