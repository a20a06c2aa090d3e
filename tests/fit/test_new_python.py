"""A new Python process fits a batch like a forked one, as its arguments can be pickled."""

import pickle

import own_families
import pytest
from conftest import ROOT, STAN, make_design

from recovery.common.worker import START_METHOD
from recovery.engines.protocol import Program
from recovery.fit import batches, datasets
from recovery.fit.approximation import fitter_of
from recovery.fit.estimator import EstimatorFitter
from recovery.plan.batch_size import Batch
from recovery.run import preflight
from recovery.score import prior_prediction, summaries
from recovery.score.planning import SCALES
from recovery.study.methods import NO_PRIOR

BATCH, SCENARIO = Batch(1, 2, 2), "moderate-4x3"
DESIGN = make_design(
    ("estimators", ["reml", "optimize_pooled"]),
    ("sampler", {"chains": 2, "warmup": 100, "draws": 100, "time_limit": 60}),
)
POOLED = Program(str(STAN / "multilevel_linear" / "pooled.stan"), str(STAN))


def fitter(model: str) -> batches.Fitter:
    if model == "reml":
        return EstimatorFitter(DESIGN.fit(SCENARIO, model, NO_PRIOR, BATCH))
    return fitter_of(DESIGN.fit(SCENARIO, model, "weak", BATCH), POOLED)


def fitted(model: str) -> dict:
    """The tables of a batch, without times."""
    result = batches.fit_batch(
        *datasets.simulate_batch(DESIGN.simulation(SCENARIO, BATCH)), fitter(model)
    )
    return {
        table: {name: values for name, values in columns.items() if "seconds" not in name}
        for table, columns in result.items()
    }


@pytest.mark.parametrize("model", ["pooled", "optimize_pooled", "reml"])
def test_a_new_python_process_gives_the_same_estimates(model, monkeypatch):
    monkeypatch.setenv(START_METHOD, "fork")
    forked = fitted(model)
    assert forked["diagnostics"]["status"] == ["ok", "ok"]
    monkeypatch.setenv(START_METHOD, "spawn")
    assert str(fitted(model)) == str(forked)


@pytest.mark.parametrize("return_draws", [True, False])
def test_a_fitter_keeps_its_arguments_when_it_is_pickled(return_draws):
    specification = DESIGN.fit(SCENARIO, "pooled", "weak", BATCH)
    copy = pickle.loads(pickle.dumps(fitter_of(specification, POOLED, return_draws)))
    assert copy.specification == specification
    assert copy.program == POOLED
    assert copy.return_draws == return_draws


def test_the_scales_of_planning_can_be_pickled():
    assert pickle.loads(pickle.dumps(SCALES)) == SCALES


@pytest.fixture
def own_design(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv(START_METHOD, "fork")
    return preflight.prepare(own_families.begin(tmp_path), "s", STAN, thoroughly=False)


CALLS = {
    "simulate_batch": lambda design: datasets.simulate_batch(
        design.simulation("typical-10x5", BATCH)
    ),
    "prior_predictive": prior_prediction.predicted,
    "prior_sd": lambda design: summaries.prior_standard_deviations(
        design.study, "weakly_informative", "hierarchical"
    ),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_new_python_process_can_call_an_own_family(call, own_design, monkeypatch):
    forked = call(own_design)
    monkeypatch.setenv(START_METHOD, "spawn")
    assert str(call(own_design)) == str(forked)
