"""A pickled family is its name and options, so a new Python process can load it again."""

import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from simulated_datasets import simulate

from recovery import families
from recovery.common.errors import StudyError

pytestmark = pytest.mark.usefixtures("in_the_repository")

LINEAR = {
    "b": {"Intercept": 0.2, "x": 0.5},
    "sd": {"participant": {"Intercept": 0.5, "x": 0.3}},
    "cor": {"participant": 0.3},
    "sigma": 1.0,
}
META = {"mu": 0.1, "tau": 0.2, "se": (0.1, 0.3)}
MEANS = {"mu": 0.5, "tau": 1.0, "sigma": 1.0}
CROSSED = {
    "b": {"Intercept": 0.2, "condition": 0.5, "x": 0.1},
    "sd": {"participant": {"Intercept": 0.5, "condition": 0.3}, "item": {"Intercept": 0.4}},
    "cor": {"participant": 0.3},
}
POISSON = {
    "name": "multilevel_poisson",
    "formula": "y ~ condition + x + offset(log(exposure)) + (condition | participant) + (1 | item)",
    "design": {
        "condition": {"levels": ["easy", "hard"], "within": ["participant", "item"]},
        "x": {"normal": [0, 1]},
        "exposure": {"uniform": [0.5, 1.5]},
        "missing": 0.2,
    },
    "sizes": {"item": None},
}
BINOMIAL = {"name": "multilevel_binomial", "formula": "y | trials(10) ~ x + (x | participant)"}
CASES = {
    "linear": ("multilevel_linear", LINEAR, {}),
    "with a formula and a design": (POISSON, CROSSED, {"item": 3}),
    "meta-analysis": ("meta_analysis", META, {}),
}


@pytest.fixture(scope="module")
def spawned():
    """Call a function in a process that is started with `spawn`."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield lambda *call: pool.submit(*call).result(120)


def assert_same_dataset(first, second):
    (columns, values), (others, other_values) = first, second
    assert list(columns) == list(others)
    for name, column in columns.items():
        np.testing.assert_array_equal(column, others[name])
    assert values == other_values


@pytest.mark.parametrize(("choice", "truth", "sizes"), CASES.values(), ids=CASES)
def test_a_shipped_family_simulates_the_same_in_a_spawned_process(spawned, choice, truth, sizes):
    family = families.find(choice)
    dataset = simulate(family, truth, 1, sizes)
    assert_same_dataset(dataset, spawned(simulate, family, truth, 1, sizes))


def test_an_own_family_simulates_the_same_in_a_spawned_process(spawned, begin):
    family = families.find(begin()["family"])
    dataset = simulate(family, MEANS, 1, {})
    assert_same_dataset(dataset, spawned(simulate, family, MEANS, 1, {}))


@pytest.mark.parametrize("name", families.SHIPPED)
def test_a_family_is_the_same_object_in_its_own_process(name):
    family = families.find(BINOMIAL if name == "multilevel_binomial" else name)
    assert pickle.loads(pickle.dumps(family)) is family


def test_options_with_their_default_are_not_pickled():
    default = {"formula": "y ~ x + (x | participant)", "design": {"x": {"normal": [0, 1]}}}
    family = families.find({"name": "multilevel_linear", **default})
    assert family.CHOICE == "multilevel_linear"
    assert pickle.loads(pickle.dumps(family)) is families.find("multilevel_linear")


def test_a_pickled_own_family_is_loaded_from_its_file(begin, tmp_path):
    pickled = pickle.dumps(families.find(begin()["family"]))
    assert isinstance(
        pickle.loads(pickled), type(families.find("config/families/learning_rate.py"))
    )
    (tmp_path / "means.py").unlink()
    with pytest.raises(StudyError, match=r"means\.py: cannot be read: No such file or directory"):
        pickle.loads(pickled)
