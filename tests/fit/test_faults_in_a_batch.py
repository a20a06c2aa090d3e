"""Failures of a fit are failed rows of its batch; faults of the machine stop the batch."""

import contextlib
import errno
import os

import pytest
from conftest import STAN, make_design

from recovery import families
from recovery.common import worker
from recovery.common.errors import EngineError, MachineError
from recovery.engines.protocol import DataError, Program
from recovery.fit import batches, datasets
from recovery.fit.sampler import SamplerFitter
from recovery.plan.batch_size import Batch

pytestmark = pytest.mark.usefixtures("forked")

DESIGN = make_design(("engine", "cmdstan"), ("sampler", {"chains": 2, "warmup": 9, "draws": 9}))
BATCH = Batch(1, 3, 3)


def fit_batch(executable, engine="cmdstan"):
    specification = DESIGN.fit("moderate-4x3", "pooled", "weak", BATCH) | {"engine": engine}
    data, truth = datasets.simulate_batch(DESIGN.simulation("moderate-4x3", BATCH))
    path = str(STAN / "multilevel_linear" / "pooled.stan")
    fitter = SamplerFitter(specification, Program(path, str(STAN), str(executable)))
    return batches.fit_batch(data, truth, fitter), path


def test_a_fault_of_the_machine_stops_the_batch(moved):
    with pytest.raises(MachineError, match="libtbb"):
        fit_batch(moved)


def test_unreadable_data_of_the_first_fit_are_a_study_error(prophet_executable):
    # The executable of another program, whose y has T elements; T is 0 in the data of `pooled`.
    with pytest.raises(
        EngineError, match=r"pooled\.stan: does not fit its data: .*variable name=y;"
    ):
        fit_batch(prophet_executable)


@contextlib.contextmanager
def raising(monkeypatch, error, from_replicate):
    family = families.find("multilevel_linear")
    made = family.stan_data
    calls = []

    def stan_data(columns, prior, model):
        calls.append(1)
        if len(calls) >= from_replicate:
            raise error
        return made(columns, prior, model)

    monkeypatch.setattr(family, "stan_data", stan_data)
    yield


def test_unreadable_data_of_the_first_fit_with_stanli_are_a_study_error(monkeypatch):
    family = families.find("multilevel_linear")
    made = family.stan_data
    monkeypatch.setattr(family, "stan_data", lambda *given: made(*given) | {"y": [1.0]})
    with pytest.raises(
        EngineError, match=r"pooled\.stan: does not fit its data: .*stan_data: y: got"
    ):
        fit_batch(None, engine="stanli")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EMFILE])
def test_a_full_disk_or_memory_stops_the_batch(monkeypatch, number):
    error = OSError(number, os.strerror(number))
    with (
        raising(monkeypatch, error, from_replicate=2),
        pytest.raises(MachineError, match=os.strerror(number)),
    ):
        fit_batch(None, engine="stanli")


def test_other_errors_of_a_later_fit_are_failed_rows(monkeypatch):
    with raising(monkeypatch, DataError("processing stage=data initialization"), 2):
        result, _ = fit_batch(None, engine="stanli")
    assert result["diagnostics"]["status"] == ["ok", "failed", "failed"]


def test_a_child_that_cannot_start_stops_the_batch(monkeypatch):
    def fork(*_, **__):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(worker._fork.Process, "start", fork)
    with pytest.raises(MachineError, match="Resource temporarily unavailable"):
        fit_batch(None, engine="stanli")
