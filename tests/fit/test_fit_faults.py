"""A fault in one fit of a batch fails this fit only, for any cause."""

import ctypes
import faulthandler
import os
import resource

import numpy as np
import pytest
from conftest import STAN, make_design

from recovery import engines, families
from recovery.engines.protocol import Program
from recovery.fit import batches, datasets
from recovery.fit.sampler import SamplerFitter
from recovery.plan.batch_size import Batch
from recovery.plan.seeds import fit_seed

pytestmark = pytest.mark.usefixtures("forked")

SCENARIO, BATCH = "moderate-4x3", Batch(1, 4, 4)
FATED = 2  # the replicate that meets with it
DESIGN = make_design(("sampler", {"chains": 2, "warmup": 100, "draws": 100, "time_limit": 20}))
SPECIFICATION = DESIGN.fit(SCENARIO, "pooled", "weak", BATCH)
SOURCE = STAN / "multilevel_linear/pooled.stan"


def batch(path=SOURCE):
    data, truth = datasets.simulate_batch(DESIGN.simulation(SCENARIO, BATCH))
    fitter = SamplerFitter(SPECIFICATION, Program(str(path), str(STAN)))
    return batches.fit_batch(data, truth, fitter)


@pytest.fixture(scope="module")
def unharmed():
    return batch()


def hold_alone(result, unharmed) -> str:
    """Assert that one fit failed and all others are unchanged; return its error."""
    expected = ["failed" if replicate == FATED else "ok" for replicate in BATCH.replicates]
    assert result["diagnostics"]["status"] == expected
    for name in ("estimates", "groups"):
        for column, values in unharmed[name].items():
            kept = [
                value
                for value, replicate in zip(values, unharmed[name]["replicate"], strict=True)
                if replicate != FATED
            ]
            assert result[name][column] == kept
    return result["diagnostics"]["error"][FATED - 1]


@pytest.mark.parametrize(
    ("block", "statement", "message"),
    [
        ("model", 'reject("no luck today")', "initialization failed"),
        ("model", "target += negative_infinity()", "initialization failed"),
        ("transformed data", 'reject("no luck today")', "no luck today"),
    ],
)
def test_a_program_that_rejects_one_dataset_fails_one_fit(
    tmp_path, unharmed, block, statement, message
):
    data, _ = datasets.simulate_batch(DESIGN.simulation(SCENARIO, BATCH))
    first = data["y"][np.argmax(data["replicate"] == FATED)]
    source = SOURCE.read_text()
    if f"\n{block} {{" not in source:
        source = source.replace("\nparameters {", f"\n{block} {{\n}}\nparameters {{", 1)
    when = f"if (abs(y[1] - ({float(first)!r})) < 1e-9) {statement};"
    program = tmp_path / "pooled.stan"
    program.write_text(source.replace(f"\n{block} {{", f"\n{block} {{\n  {when}", 1))
    error = hold_alone(batch(program), unharmed)
    assert error.startswith("RuntimeError: ")
    assert message in error


@pytest.mark.parametrize(
    ("entry", "change", "message"),
    [
        ("X", lambda x: x.T, "got shape (2, 12), must be matrix[N, K] with N = 12, K = 2, of"),
        ("X", np.ravel, "got shape (24,), must be matrix[N, K] with N = 12, K = 2, of shape"),
        ("N", float, "got 12.0, must be int: integers, without a point"),
        ("y", lambda y: y[None], "got shape (1, 12), must be vector[N] with N = 12, of shape"),
    ],
)
def test_data_of_another_shape_in_one_replicate_fail_one_fit(
    monkeypatch, unharmed, entry, change, message
):
    given, _ = datasets.simulate_batch(DESIGN.simulation(SCENARIO, BATCH))
    fateful = given["y"][given["replicate"] == FATED]
    family = families.find("multilevel_linear")
    stan_data = family.stan_data

    def stan_data_or_not(columns, prior, model):
        data = stan_data(columns, prior, model)
        if np.array_equal(columns["y"], fateful):
            data[entry] = change(data[entry])
        return data

    monkeypatch.setattr(family, "stan_data", stan_data_or_not)
    error = hold_alone(batch(), unharmed)
    assert error.startswith(f"StanDataError: {SOURCE}: stan_data: {entry}: {message}")


def read_what_is_not_ours():
    faulthandler.disable()  # pytest has Python say at length what is meant here
    ctypes.string_at(0)


def abort():
    faulthandler.disable()
    os.abort()


def want_more_than_there_is():
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (2**32, most))
    np.ones(2**32)


@pytest.mark.parametrize(
    ("happens", "message"),
    [
        (read_what_is_not_ours, "the process of the fit died: SIGSEGV"),
        (abort, "the process of the fit died: SIGABRT"),
        (lambda: os.kill(os.getpid(), 9), "the process of the fit died: SIGKILL"),
        (lambda: os._exit(0), "the process of the fit died: exit code 0"),
        (want_more_than_there_is, "MemoryError: Unable to allocate 32.0 GiB"),
        (lambda: 1 / 0, "ZeroDivisionError: division by zero"),
    ],
    ids=["segmentation fault", "abort", "killed for memory", "exit", "no memory", "exception"],
)
def test_a_process_that_dies_or_hangs_fails_one_fit(monkeypatch, unharmed, happens, message):
    engine, fateful = engines.find("stanli"), fit_seed(SPECIFICATION, FATED)
    sample = engine.sample

    def sample_or_not(loaded, data, seed, settings):
        return happens() if seed == fateful else sample(loaded, data, seed, settings)

    monkeypatch.setattr(engine, "sample", sample_or_not)
    assert hold_alone(batch(), unharmed).startswith(message)
