"""Estimators in a study: cells, identities, rows and scores, and refused studies."""

import numpy as np
import pandas as pd
import pytest
from conftest import DROP, make_design, make_study
from observed_study import OBSERVED

from recovery import families, tables
from recovery.common.errors import StudyError
from recovery.fit import batches, datasets, estimator
from recovery.plan import identities
from recovery.plan.batch_size import Batch
from recovery.plan.inputs import Inputs
from recovery.study.methods import NO_PRIOR

LINEAR = families.find("multilevel_linear")
SCENARIO = "moderate-4x3"
ALL = ("estimators", ["reml", "ml", "ols", "least_squares"])
WIDE = {
    "Intercept": "normal(0, 9)",
    "b": "normal(0, 9)",
    "sd": "exponential(1)",
    "cor": "lkj(1)",
    "sigma": "exponential(1)",
}
NAMES = ALL[1]
TABLES = ["estimates", "groups", "diagnostics"]


# Valid and refused studies


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("estimators", ["glmer"]), r"estimators\[0\]: got 'glmer', must be one of 'reml', 'ml', "),
        (("estimators", ["reml", "reml"]), "estimators: 'reml' is listed more than once"),
        (("estimators", ["pooled"]), r"estimators\[0\]: got 'pooled', must not be a model"),
        (("estimators", "reml"), "estimators: got 'reml', must be a list"),
        (("priors", "no_prior", WIDE), "priors: `no_prior` is reserved"),
        (("models", ["reml"]), r"models\[0\]: got 'reml', must be one of 'pooled', "),
    ],
)
def test_an_invalid_estimator_is_refused_with_a_message(change, message):
    with pytest.raises(StudyError, match=message):
        make_study(change)


def test_an_estimator_for_another_formula_is_refused():
    truth = {
        "b": {"Intercept": 0, "x": 1},
        "sd": {"participant": {"Intercept": 1}},
        "sigma": 1,
    }
    with pytest.raises(StudyError, match="got 'least_squares', must be one of 'reml', 'ml', 'ols'"):
        make_study(
            ("formula", "y ~ x + (1 | participant)"),
            ("truths", {"moderate": truth}),
            ("priors", "weak", "cor", DROP),
            ("estimators", ["least_squares"]),
        )


def test_a_family_without_estimators_has_approximations_of_its_models(monkeypatch):
    monkeypatch.setattr(families.find("multilevel_linear"), "ESTIMATORS", {})
    with pytest.raises(StudyError, match="got 'reml', must be one of 'optimize_pooled', "):
        make_study(("estimators", ["reml"]))


# Cells and identities


def test_estimators_have_one_cell_per_scenario_for_all_priors():
    design = make_design(("estimators", ["reml"]), ("priors", "wide", WIDE))
    cells = [cell for cell in design.cells if cell[2] == NO_PRIOR]
    assert cells == [(SCENARIO, "reml", NO_PRIOR)]
    assert len(design.cells) == 2 * 2 + 1
    place = design.cell_file("estimates", cells[0], Batch(1, 25, 25))
    assert place == f"results/small/estimates/{SCENARIO}/reml/no_prior/00001-00025.parquet"


def identity(*changes, name="reml", **sources) -> str:
    design = make_design(ALL, *changes, **sources)
    return design.fit(SCENARIO, name, NO_PRIOR, Batch(1, 25, 25))["identity"]


@pytest.mark.parametrize(
    "change",
    [
        ("priors", "wide", WIDE),
        ("priors", "weak", "b", "normal(0, 7)"),
        ("sampler", "draws", 7),
        ("convergence", {"max_rhat": 1.5}),
        ("models", ["noncentered"]),
        ("engine", "cmdstan"),
        ("rescue", [{"adapt_delta": 0.99}]),
        ("replicates", 500),
        ("estimators", ["ml", "reml"]),
    ],
)
def test_settings_of_stan_do_not_change_estimators(change):
    assert identity(change) == identity()


@pytest.mark.parametrize(
    ("change", "sources"),
    [
        (("seed", 5), {}),
        (("truths", "moderate", "sigma", 2.0), {}),
        (("intervals", [0.5, 0.89]), {}),
        (("sampler", "time_limit", 5.0), {}),
        (("title", "same"), {"estimating": dict.fromkeys(NAMES, "edited")}),
        (("title", "same"), {"estimating_engines": {"reml": ("scipy", "2")}}),
        (("title", "same"), {"simulating": "edited"}),
    ],
)
def test_settings_of_an_estimator_change_its_identity(change, sources):
    assert identity(change, **sources) != identity()


def test_programs_and_code_for_stan_do_not_change_estimators():
    programs = {"pooled": "edited", "centered": "edited"}
    assert identity(programs=programs, fitting="edited", engine_version="2") == identity()


def test_an_estimator_does_not_change_models_and_datasets():
    with_one, without = make_design(ALL), make_design()
    for cell in without.cells:
        for batch in without.batches(cell):
            assert with_one.fit(*cell, batch) == without.fit(*cell, batch)
    batch = without.data_batches(SCENARIO)[0]
    assert with_one.simulation(SCENARIO, batch) == without.simulation(SCENARIO, batch)


def test_estimators_have_neither_draws_nor_leave_one_out_tables():
    kept = ("keep_draws", True), ("selection", {"leave_out": "observation"})
    design = make_design(ALL, *kept)
    assert "draws" in design.tables_of((SCENARIO, "pooled", "weak"))
    assert "loo" in design.tables_of((SCENARIO, "pooled", "weak"))
    assert design.tables_of((SCENARIO, "reml", NO_PRIOR)) == TABLES
    inputs = Inputs(design, ancient=str).summarise()
    assert any("/reml/" in file for file in inputs["estimates"])
    assert not any("/reml/" in file for file in inputs["loo"])
    assert not any("/loo/" in file and "/reml/" in file for file, _ in identities.expected(design))


def test_estimators_are_fitted_to_observed_data_too():
    design = make_design(ALL, ("observed", "real", OBSERVED))
    result = {cell[1] for cell in design.observed_cells if cell[2] == NO_PRIOR}
    assert result == set(NAMES)
    assert design.fit_observed("real", "reml", NO_PRIOR)["engine"] == "scipy"


# Rows


def fit(name="reml", *changes, end=4, spoil=None, truth=True):
    """The tables of one batch; the outcome of one replicate does not vary."""
    design = make_design(ALL, ("participants", [8]), ("observations", [6]), *changes)
    batch, scenario = Batch(1, end, end), "moderate-8x6"
    data, values = datasets.simulate_batch(design.simulation(scenario, batch))
    if spoil:
        data["y"][data["replicate"] == spoil] = 1.0
    fitter = estimator.EstimatorFitter(design.fit(scenario, name, NO_PRIOR, batch))
    return batches.fit_batch(data, values if truth else None, fitter), fitter.specification


def frame(batch, table) -> pd.DataFrame:
    return pd.DataFrame(batch[table])


@pytest.mark.parametrize("name", NAMES)
def test_tables_of_estimators_have_the_schema_of_models(tmp_path, name):
    batch, specification = fit(name, spoil=2)
    for table, schema in batches.schemas(specification).items():
        tables.write(batch[table], tmp_path / table, schema, "identity")
    estimates = tables.read_frame([tmp_path / "estimates"])
    scored = estimates[estimates["parameter"].isin(LINEAR.PARAMETERS)]
    assert set(scored["parameter"]) == set(LINEAR.ESTIMATORS[name].scored)
    assert set(scored["replicate"]) == {1, 3, 4}
    assert (scored["mean"] == scored["median"]).all()
    assert scored[["rhat", "ess_bulk", "mcse_mean", "rank"]].isna().all(axis=None)
    known = scored["sd"].notna()
    assert (scored.loc[known, "q5_5"] < scored.loc[known, "mean"]).all()
    assert scored.loc[~known, ["q5_5", "q94_5"]].isna().all(axis=None)
    diagnostics = tables.read_frame([tmp_path / "diagnostics"])
    assert diagnostics["status"].tolist() == ["ok", "failed", "ok", "ok"]
    assert "all residuals are 0, so sigma cannot be estimated" in diagnostics["error"][1]
    assert diagnostics[["n_divergent", "max_rhat", "adapt_delta", "seed"]].isna().all(axis=None)
    assert (diagnostics["engine"] == "scipy").all()
    assert (diagnostics.loc[[0, 2, 3], "sampling_seconds"] > 0).all()


def test_groups_are_scored_as_with_models():
    batch, _ = fit("least_squares", end=1)
    scores = frame(batch, "groups").set_index("coefficient")
    assert list(scores.index) == ["r_participant[,Intercept]", "r_participant[,x]"]
    own = frame(batch, "estimates").set_index("parameter")
    for each in ("Intercept", "x"):
        rows = own.loc[[f"r_participant[{j},{each}]" for j in range(1, 9)]]
        error = rows["mean"] - rows["truth"]
        row = scores.loc[f"r_participant[,{each}]"]
        assert row["rmse"] == pytest.approx(np.sqrt(np.mean(error**2)))
        inside = (rows["q5_5"] <= rows["truth"]) & (rows["truth"] <= rows["q94_5"])
        assert row["coverage"] == inside.mean()
    assert len(frame(fit("ols", end=1)[0], "groups")) == 0


def test_a_singular_fit_has_its_reason_and_its_estimates():
    alike = {
        "b": {"Intercept": 0, "x": 1},
        "sd": {"participant": {"Intercept": 0, "x": 0}},
        "cor": {"participant": 0},
        "sigma": 1,
    }
    batch, _ = fit("reml", ("truths", "moderate", alike), end=6)
    diagnostics = frame(batch, "diagnostics").set_index("replicate")
    singular = diagnostics["error"].str.startswith("singular fit: ", na=False)
    assert singular.any()
    assert (diagnostics["status"] == "ok").all()
    assert (diagnostics["converged"] == ~singular).all()
    assert set(frame(batch, "estimates")["replicate"]) == set(range(1, 7))


def test_observed_data_have_no_truth_and_no_scores():
    batch, _ = fit("reml", end=1, truth=False)
    assert set(batch["estimates"]["truth"]) == {None}
    assert batch["groups"]["replicate"] == []


def test_a_fit_that_exceeds_the_time_limit_is_a_failed_row():
    batch, _ = fit("reml", ("sampler", "time_limit", 1e-6), end=1)
    assert batch["diagnostics"]["error"][0].startswith("time limit: ")


@pytest.mark.parametrize("cut", [1, 3])
def test_estimates_do_not_depend_on_the_batches(cut):
    whole, part = frame(fit()[0], "estimates"), frame(fit(end=cut)[0], "estimates")
    pd.testing.assert_frame_equal(whole[whole["replicate"] <= cut], part, check_exact=True)
