"""Stan's approximate algorithms in a study: cells, identities, rows, and refused studies."""

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import STAN, make_design, make_study

from recovery import families, tables
from recovery.common.errors import StudyError
from recovery.engines.protocol import Program
from recovery.fit import approximation, batches, datasets
from recovery.plan.batch_size import Batch
from recovery.run import preflight
from recovery.score import calibration, measures, precision, summaries
from recovery.score.measures import Fits, Replicates
from recovery.study.methods import method
from recovery.study.settings import Precision

LINEAR = families.find("multilevel_linear")
SCENARIO, FIRST = "moderate-4x3", Batch(1, 25, 25)
MODES = ("estimators", ["optimize_pooled", "optimize_centered", "reml"])
FLAT = {
    "Intercept": "normal(0, 10000)",
    "b": "normal(0, 10000)",
    "sd": "exponential(1)",
    "cor": "lkj(1)",
    "sigma": "exponential(1e-6)",
}
KEPT = ("keep_draws", True), ("selection", {"leave_out": "observation"})


# Valid and refused studies


@pytest.mark.parametrize(
    ("got", "message"),
    [
        ("optimize_marginal", "got 'optimize_marginal', must be one of .*'optimize_centered'"),
        ("optimize", "got 'optimize', must be one of "),
        ("advi_pooled", "got 'advi_pooled', must be one of "),
        ("pooled", "got 'pooled', must not be a model; list it under `models`"),
    ],
)
def test_an_approximation_needs_a_model_of_the_study(got, message):
    with pytest.raises(StudyError, match=rf"estimators\[0\]: {message}"):
        make_study(("estimators", [got]))


def test_an_approximation_that_the_engine_lacks_is_refused_before_any_job(raw_study, tmp_path):
    raw_study["estimators"] = ["optimize_pooled", "laplace_pooled"]
    file = tmp_path / "study.yaml"
    file.write_text(yaml.safe_dump(raw_study))
    with pytest.raises(StudyError) as refused:
        preflight.prepare(raw_study, file, STAN, thoroughly=True)
    assert (
        "estimators[1]: got 'laplace_pooled', but the engine stanli has only 'optimize'; "
        "`engine: cmdstan` has all three"
    ) in str(refused.value)


# Cells and identities


def test_approximations_have_a_cell_under_every_prior():
    design = make_design(MODES, ("priors", "wide", FLAT))
    cells = {cell for cell in design.cells if cell[1] == "optimize_pooled"}
    assert cells == {(SCENARIO, "optimize_pooled", prior) for prior in ("weak", "wide")}


def identity(*changes, **sources) -> str:
    design = make_design(MODES, *changes, **({"approximating": "code"} | sources))
    return design.fit(SCENARIO, "optimize_pooled", "weak", FIRST)["identity"]


@pytest.mark.parametrize(
    "change",
    [
        ("sampler", "warmup", 7),
        ("sampler", "adapt_delta", 0.99),
        ("convergence", {"max_rhat": 1.5}),
        ("rescue", [{"adapt_delta": 0.99}]),
        ("selection", {"leave_out": "observation"}),
        ("sampler", "draws", 7),
    ],
)
def test_settings_of_the_sampler_do_not_change_approximations(change):
    assert identity(change) == identity()


@pytest.mark.parametrize(
    ("change", "sources"),
    [
        (("keep_draws", True), {}),
        (("priors", "weak", "b", "normal(0, 7)"), {}),
        (("truths", "moderate", "sigma", 2.0), {}),
        (("engine", "cmdstan"), {}),
        (("title", "same"), {"engine_version": "2"}),
        (("title", "same"), {"approximating": "edited"}),
        (("title", "same"), {"programs": {"pooled": "edited", "centered": "as it was"}}),
    ],
)
def test_settings_of_an_approximation_change_its_identity(change, sources):
    assert identity(change, **sources) != identity()


def test_an_approximation_has_as_many_draws_as_a_fit_keeps():
    design = make_design(("estimators", ["laplace_pooled"]), ("sampler", "draws", 70))
    fit = design.fit(SCENARIO, "laplace_pooled", "weak", FIRST)
    assert fit["sampler"]["draws"] == 2 * 70


def test_approximations_do_not_change_models_and_datasets():
    with_them, without = make_design(MODES, approximating="code"), make_design()
    for cell in without.cells:
        assert with_them.fit(*cell, FIRST) == without.fit(*cell, FIRST)
    assert with_them.simulation(SCENARIO, FIRST) == without.simulation(SCENARIO, FIRST)


def test_approximations_keep_no_draws_and_are_neither_verified_nor_calibrated():
    drawn = ("truths", "moderate", {"prior": "weak"})
    verify = ("verify", {"engine": "cmdstan", "share": 1.0})
    design = make_design(MODES, drawn, verify, *KEPT)
    cell = (SCENARIO, "optimize_pooled", "weak")
    assert design.tables_of(cell) == ["estimates", "groups", "diagnostics"]
    assert design.verified(cell) == {}
    why = calibration.reason_not_applicable(design.study, LINEAR, "moderate", *cell[1:])
    assert why == "an approximation is not the posterior of its program"


def test_an_approximation_estimates_the_parameters_of_its_model():
    for model in LINEAR.MODELS:
        result = method(LINEAR, f"laplace_{model}")
        assert result.scored == LINEAR.MODELS[model].scored
        assert result.label == f"Laplace, {LINEAR.MODELS[model].label.lower()}"


# Rows


@pytest.fixture
def approximate():
    """The tables of a batch of simulated data, with invalid data in one replicate."""

    def fit(model, *changes, spoil=None):
        name = f"optimize_{model}"
        asked = ("models", [model]), ("estimators", [name])
        design = make_design(*asked, ("participants", [8]), ("observations", [6]), *changes)
        batch, scenario = Batch(1, 3, 3), "moderate-8x6"
        data, values = datasets.simulate_batch(design.simulation(scenario, batch))
        if spoil:
            data["y"][data["replicate"] == spoil] = np.nan
        specification = design.fit(scenario, name, "weak", batch)
        program = Program(str(LINEAR.program(model, STAN)), str(STAN))
        fitter = approximation.ApproximationFitter(specification, program)
        return data, batches.fit_batch(data, values, fitter), specification

    return fit


def test_a_mode_under_a_flat_prior_is_least_squares(approximate):
    # On the scale of log sigma the largest density is at sigma^2 = SSE / (N - 1).
    data, result, _ = approximate("pooled", ("priors", "weak", FLAT))
    estimates = pd.DataFrame(result["estimates"]).set_index(["replicate", "parameter"])["mean"]
    for replicate in (1, 2, 3):
        selected = data["replicate"] == replicate
        x, y = (data[name][selected] for name in ("x", "y"))
        slope, intercept = np.polyfit(x, y, 1)
        left = np.sum((y - intercept - slope * x) ** 2)
        expected = [intercept, slope, np.sqrt(left / (y.size - 1))]
        assert estimates[replicate].to_numpy() == pytest.approx(expected, abs=1e-3)


def test_a_mode_has_neither_standard_errors_nor_intervals(approximate, tmp_path):
    _, result, specification = approximate("noncentered", spoil=2)
    for table, schema in batches.schemas(specification).items():
        tables.write(result[table], tmp_path / table, schema, "identity")
    estimates = tables.read_frame([tmp_path / "estimates"])
    assert set(estimates["replicate"]) == {1, 3}
    assert (estimates["mean"] == estimates["median"]).all()
    assert estimates[["sd", "q5_5", "q94_5", "rhat", "ess_bulk", "rank"]].isna().all(axis=None)
    assert "r_participant[8,x]" in set(estimates.loc[estimates["replicate"] == 1, "parameter"])
    groups = tables.read_frame([tmp_path / "groups"])
    assert groups["rmse"].notna().all()
    assert groups["coverage"].isna().all()
    diagnostics = tables.read_frame([tmp_path / "diagnostics"]).set_index("replicate")
    assert diagnostics["status"].to_dict() == {1: "ok", 2: "failed", 3: "ok"}
    assert "nan" in diagnostics.loc[2, "error"]
    assert diagnostics["seed"].notna().all()
    assert diagnostics[["n_divergent", "max_rhat", "adapt_delta"]].isna().all(axis=None)


def test_a_mode_without_groups_coefficients_does_not_draw_them(approximate):
    # `marginal` draws them at random afterwards: one draw is no estimate.
    _, result, _ = approximate("marginal")
    assert set(result["estimates"]["parameter"]) == set(LINEAR.MODELS["marginal"].scored)
    assert result["groups"]["replicate"] == []


# Scores


def test_a_mode_does_not_change_the_replicates_needed_for_coverage(rng):
    error, number = rng.normal(size=40), np.arange(1, 41)
    none = np.full(40, np.nan)
    models = {
        "pooled": Replicates(number, np.zeros(40), error, np.ones(40), none, bounds(error, 1.645)),
        "optimize_pooled": Replicates(number, np.zeros(40), error, none, none, bounds(error, none)),
    }
    fits = {(name, "weak"): Fits({"b_Intercept": each}, number) for name, each in models.items()}
    performance = summaries.without_undefined_measures(measures.performance(fits, 40))
    needed = precision.replicates_needed(performance, Precision(coverage=0.02), 0.9, 40)
    assert needed["n_needed"].tolist() == [225]
    mode = performance[performance["model"] == "optimize_pooled"].set_index("measure")
    assert mode.loc["rmse", "value"].notna().all()
    assert not {"coverage", "coverage_upper_bound", "interval_width"} & set(mode.index)


def bounds(error, half):
    return {0.9: (error - half, error + half)}
