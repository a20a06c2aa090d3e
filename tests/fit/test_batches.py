"""Batches of fits: all fits are in the tables, and estimates do not depend on the batch."""

import os
import signal
import time

import numpy as np
import pytest
from conftest import STAN, make_design
from fitted_rows import rows

from recovery import engines, families, tables
from recovery.common.errors import EngineError
from recovery.engines.protocol import Program
from recovery.fit import batches, datasets
from recovery.fit.sampler import SamplerFitter
from recovery.plan.batch_size import Batch
from recovery.plan.seeds import fit_seed

pytestmark = pytest.mark.usefixtures("forked")

family = families.find("multilevel_linear")

SCENARIO = "moderate-4x3"
BASE = [
    ("models", list(family.MODELS)),
    ("sampler", {"chains": 2, "warmup": 100, "draws": 100, "time_limit": 20}),
]
CROSSED = [
    ("formula", "y ~ x + (x | participant) + (1 | item)"),
    ("sizes", {"item": [6]}),
    ("truths", "moderate", "sd", "item", {"Intercept": 0.5}),
    ("models", ["noncentered"]),
]
TIMES = {"warmup_seconds", "sampling_seconds", "other_seconds"}
PUT_DOWN = {
    "status": "failed",
    "converged": False,
    "n_divergent": None,
    "max_rhat": None,
    "sampling_seconds": None,
}


def program(model) -> Program:
    return Program(str(STAN / "multilevel_linear" / f"{model}.stan"), str(STAN))


def specification(model="pooled", first=1, end=4) -> dict:
    return make_design(*BASE).fit(SCENARIO, model, "weak", Batch(first, end, end))


def fitter(model="pooled", first=1, end=4) -> batches.Fitter:
    return SamplerFitter(specification(model, first, end), program(model))


def batch_data(first=1, end=4, *changes) -> tuple[dict, dict]:
    return datasets.simulate_batch(
        make_design(*BASE, *changes).simulation(SCENARIO, Batch(first, end, end))
    )


def fit(model="pooled", first=1, end=4, spoil=None) -> dict:
    """Fit replicates `first` to `end`, one of them with an infinite outcome."""
    data, truth = batch_data(first, end)
    if spoil:
        data["y"][np.argmax(data["replicate"] == spoil)] = np.inf
    return batches.fit_batch(data, truth, fitter(model, first, end))


def outcomes(batch) -> list[tuple]:
    return [(row["replicate"], row["status"]) for row in rows(batch["diagnostics"])]


@pytest.fixture(scope="module")
def centered():
    return fit("centered")


@pytest.fixture
def accident(monkeypatch):
    """Replace the fit of one replicate by an accident; the child process inherits it."""
    engine = engines.find("stanli")
    sample = engine.sample

    def arranged(replicate, happens):
        fateful = fit_seed(specification(), replicate)

        def sample_or(loaded, data, seed, settings):
            return happens() if seed == fateful else sample(loaded, data, seed, settings)

        monkeypatch.setattr(engine, "sample", sample_or)

    return arranged


# Failed fits


def test_every_replicate_has_one_row_of_diagnostics_for_its_first_attempt(centered):
    assert centered["diagnostics"]["replicate"] == [1, 2, 3, 4]
    assert centered["diagnostics"]["attempt"] == [1, 1, 1, 1]
    assert centered["diagnostics"]["status"] == ["ok"] * 4


def test_a_fit_that_stan_refuses_is_a_failed_row_among_the_others():
    batch = fit(spoil=2)
    assert outcomes(batch) == [(1, "ok"), (2, "failed"), (3, "ok"), (4, "ok")]
    (failed,) = rows(batch["diagnostics"], 2)
    assert failed.items() >= PUT_DOWN.items()
    assert failed["error"].startswith("RuntimeError: ")
    assert "Vector of dependent variables[1] is inf" in failed["error"]
    assert set(batch["estimates"]["replicate"]) == {1, 3, 4}


def test_a_fit_whose_process_dies_is_a_failed_row_among_the_others(accident):
    accident(3, lambda: os.kill(os.getpid(), signal.SIGKILL))
    batch = fit()
    assert outcomes(batch) == [(1, "ok"), (2, "ok"), (3, "failed"), (4, "ok")]
    (failed,) = rows(batch["diagnostics"], 3)
    assert failed.items() >= PUT_DOWN.items()
    assert failed["error"] == "the process of the fit died: SIGKILL"


def test_a_fit_that_hangs_is_a_failed_row_among_the_others(accident):
    accident(1, lambda: time.sleep(60))
    data, truth = batch_data(1, 2)
    limited = specification("pooled", 1, 2)
    limited["sampler"] = limited["sampler"] | {"time_limit": 2.5}
    batch = batches.fit_batch(data, truth, SamplerFitter(limited, program("pooled")))
    assert outcomes(batch) == [(1, "failed"), (2, "ok")]
    assert batch["diagnostics"]["error"][0] == "time limit: took more than 2.5 seconds"


def test_a_failed_fit_does_not_change_the_other_fits(accident):
    whole = fit()
    accident(2, lambda: os.kill(os.getpid(), signal.SIGKILL))
    marred = fit()
    for replicate in (1, 3, 4):
        assert rows(marred["estimates"], replicate) == rows(whole["estimates"], replicate)


def test_a_long_error_is_shortened(accident):
    def fail():
        raise RuntimeError("x" * 10_000)

    accident(1, fail)
    assert len(fit(end=1)["diagnostics"]["error"][0]) == batches.LONGEST_ERROR


def test_a_program_that_the_engine_cannot_run_ends_the_batch(tmp_path):
    broken = tmp_path / "pooled.stan"
    broken.write_text("parameters { real x } model { }")
    data, truth = batch_data()
    with pytest.raises(EngineError, match=r"pooled\.stan: does not compile"):
        batches.fit_batch(
            data, truth, SamplerFitter(specification(), Program(str(broken), str(tmp_path)))
        )


# Identity


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_estimates_do_not_depend_on_the_batches(centered, cut):
    parts = fit("centered", 1, cut), fit("centered", cut + 1, 4)
    for name, table in centered.items():
        for column, values in table.items():
            if column not in TIMES:
                np.testing.assert_array_equal(
                    parts[0][name][column] + parts[1][name][column], values
                )


def test_the_seed_of_a_fit_follows_from_the_design(centered):
    expected = [fit_seed(specification("centered"), replicate) for replicate in (1, 2, 3, 4)]
    assert centered["diagnostics"]["seed"] == expected


def test_all_models_fit_the_same_datasets():
    truths = [
        [
            row["truth"]
            for row in rows(fit(model, 1, 1)["estimates"])
            if row["parameter"].startswith("r_participant")
        ]
        for model in ("unpooled", "centered")
    ]
    assert len(truths[0]) == 8
    assert truths[0] == truths[1]


@pytest.mark.parametrize(
    "change",
    [
        ("models", ["noncentered"]),
        ("priors", "weak", "b", "normal(0, 5)"),
        ("sampler", "draws", 7),
        ("batch", 1),
    ],
)
def test_datasets_do_not_depend_on_what_is_fitted_to_them(change):
    data, truth = batch_data()
    other_data, other_truth = batch_data(1, 4, change)
    np.testing.assert_array_equal(data["y"], other_data["y"])
    np.testing.assert_array_equal(truth["truth"], other_truth["truth"])


# Tables


@pytest.mark.parametrize("model", family.MODELS)
def test_estimates_have_the_scored_parameters_of_the_model(model):
    assert fit(model, 2, 2)["estimates"]["parameter"] == list(family.MODELS[model].scored)


def test_groups_coefficients_are_kept_for_replicate_1_only(centered):
    own = {
        row["replicate"]
        for row in rows(centered["estimates"])
        if row["parameter"].startswith("r_participant")
    }
    assert own == {1}
    names = [row["parameter"] for row in rows(centered["estimates"], 1)][6:]
    assert names == [f"r_participant[{j},{k}]" for k in ("Intercept", "x") for j in (1, 2, 3, 4)]


def test_rows_of_estimates_have_the_true_value(centered):
    expected = [0.5, 1.0, 1.0, 0.5, 0.3, 1.0]
    assert [row["truth"] for row in rows(centered["estimates"], 3)] == expected


def test_groups_are_scored_once_per_fit_and_coefficient(centered):
    keys = [(row["replicate"], row["coefficient"]) for row in rows(centered["groups"])]
    assert keys == [
        (r, c) for r in (1, 2, 3, 4) for c in ("r_participant[,Intercept]", "r_participant[,x]")
    ]


@pytest.mark.parametrize(("k", "each"), [(0, "Intercept"), (1, "x")])
def test_groups_scores_agree_with_their_estimates(centered, k, each):
    own = [row for row in rows(centered["estimates"], 1) if row["parameter"].endswith(f",{each}]")]
    mean, truth, low, high = (
        np.array([row[name] for row in own]) for name in ("mean", "truth", "q5_5", "q94_5")
    )
    scores = rows(centered["groups"], 1)[k]
    assert scores["n_groups"] == 4
    assert scores["level"] == 0.89
    assert scores["rmse"] == pytest.approx(np.sqrt(np.mean((mean - truth) ** 2)))
    assert scores["correlation"] == pytest.approx(np.corrcoef(mean, truth)[0, 1])
    assert scores["shrinkage_slope"] == pytest.approx(np.polyfit(truth, mean, 1)[0])
    assert scores["coverage"] == np.mean((low <= truth) & (truth <= high))


def test_the_groups_of_every_grouping_factor_are_scored():
    design = make_design(*BASE, *CROSSED)
    batch = Batch(1, 2, 2)
    data, truth = datasets.simulate_batch(design.simulation("moderate-4x3-item6", batch))
    found = design.fit("moderate-4x3-item6", "noncentered", "weak", batch)
    scores = batches.fit_batch(data, truth, SamplerFitter(found, program("noncentered")))["groups"]
    assert [(row["factor"], row["coefficient"], row["n_groups"]) for row in rows(scores)] == [
        ("participant", "r_participant[,Intercept]", 4),
        ("participant", "r_participant[,x]", 4),
        ("item", "r_item[,Intercept]", 6),
    ] * 2
    assert np.isfinite(scores["rmse"]).all()


def test_the_pooled_model_has_no_scores_of_groups():
    assert fit(end=1)["groups"]["replicate"] == []


def test_observed_data_have_no_truth_and_no_scores():
    data, _ = batch_data(1, 1)
    batch = batches.fit_batch(data, None, fitter("centered", 1, 1))
    assert set(batch["estimates"]["truth"]) == {None}
    assert batch["groups"]["replicate"] == []
    assert len(batch["estimates"]["parameter"]) == 6 + 8


def test_the_tables_of_a_batch_can_be_written_with_failures(tmp_path):
    batch = fit(spoil=1)
    for name, schema in batches.schemas(specification()).items():
        tables.write(batch[name], tmp_path / name, schema, "identity")
    assert tables.read(tmp_path / "diagnostics")["status"].tolist() == ["failed"] + ["ok"] * 3


def test_a_fit_with_draws_that_are_not_finite_is_a_failed_row(monkeypatch):
    engine = engines.find("stanli")
    sample = engine.sample

    def spoiled(*arguments):
        draws = sample(*arguments)
        draws.values[0, 3, draws.names.index("sigma")] = np.nan
        return draws

    monkeypatch.setattr(engine, "sample", spoiled)
    result = fit(end=1)
    assert outcomes(result) == [(1, "failed")]
    assert rows(result["diagnostics"])[0]["error"] == "RuntimeError: non-finite draws: sigma"
    assert rows(result["estimates"]) == []
