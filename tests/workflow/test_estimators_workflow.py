"""A study of a model, its mode and an estimator, run as a user runs it, and after changes."""

import re
import shutil

import pandas as pd
import pytest
from workflow_runs import SLEEPSTUDY, SMALL, SUMMARY, check_out

from recovery.score import external

pytestmark = pytest.mark.workflow

WEAK = SMALL["priors"]["weak"]
STUDY = {
    "models": ["pooled"],
    "estimators": ["reml", "optimize_pooled"],
    "participants": [6],
    "batch": 3,
    "priors": {"weak": WEAK, "tight": {**WEAK, "b": "normal(0, 0.5)"}},
}
PRIORS = ["tight", "weak"]
SUMMARISED = {"summarise": 1}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Finished; tests must leave it as it is."""
    checkout = check_out(tmp_path_factory.mktemp("estimators"))
    checkout.write(**STUDY)
    done = checkout.make_study()
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout


@pytest.fixture
def checkout(finished, tmp_path):
    return finished.copy(tmp_path / "changed")


def summary(checkout, table) -> pd.DataFrame:
    return pd.read_parquet(checkout.folder / f"results/small/summary/{table}.parquet")


def test_performance_holds_models_and_estimators(finished):
    table = summary(finished, "performance")
    cells = set(zip(table["model"], table["prior"], strict=True))
    priors = ("weak", "tight")
    with_prior = {(name, prior) for name in ("pooled", "optimize_pooled") for prior in priors}
    assert cells == {*with_prior, ("reml", "no_prior")}
    mine = table[(table["model"] == "reml") & (table["subset"] == "all")].set_index("measure")
    assert mine.loc["rmse", "value"].notna().all()
    assert set(mine["parameter"]) > {
        "b_Intercept",
        "sd_participant__x",
        "cor_participant__Intercept__x",
        "sigma",
    }


def test_estimators_are_compared_with_models_on_the_same_datasets(finished):
    table = summary(finished, "comparison")
    pairs = table.loc[table["second"] == "reml", ["first", "given"]].drop_duplicates()
    with_prior = [(first, prior) for first in ("optimize_pooled", "pooled") for prior in PRIORS]
    assert sorted(map(tuple, pairs.to_numpy())) == with_prior
    truths = finished.numbers()["estimates"].groupby(["replicate", "parameter"])["truth"]
    assert (truths.nunique() == 1).all()


def test_estimates_read_from_an_external_table_are_scored_alike(finished):
    files = sorted((finished.folder / "results/small/estimates").rglob("*.parquet"))
    positive = ["sigma", "sd_participant__Intercept", "sd_participant__x"]
    keys = ["model", "prior", "parameter", "measure", "level", "point", "interval"]
    values = ["value", "mcse", "lower", "upper", "n_replicates"]
    found = external.score(files, [0.5, 0.89, 0.95], positive, replicates=3).set_index(keys)
    mine = summary(finished, "performance")
    own = ["fisher_z_bias", "fisher_z_rmse", "contraction"]  # need what is not in the table
    mine = mine[(mine["interval"] != "highest_density") & ~mine["measure"].isin(own)]
    mine = mine[mine["subset"] == "all"].set_index(keys)
    assert mine[mine.index.get_level_values(0) == "reml"]["value"].notna().any()
    pd.testing.assert_frame_equal(found.loc[mine.index, values], mine[values], rtol=1e-12)
    keys = ["compared", "first", "second", "given", "parameter", "measure", "level"]
    found = external.compare(files, [0.5, 0.89, 0.95], positive, reference="reml").set_index(keys)
    mine = summary(finished, "comparison")
    mine = mine[(mine["subset"] == "all") & (mine["second"] == "reml")]
    mine = mine[mine["measure"] != "contraction"].set_index(keys)
    values = ["value", "mcse", "n_pairs"]
    pd.testing.assert_frame_equal(found.loc[mine.index, values], mine[values], rtol=1e-12)


def test_every_planned_fit_has_a_row(finished):
    rows = finished.numbers()["diagnostics"]
    mine = rows[rows["model"] == "reml"]
    assert sorted(mine["replicate"]) == [1, 2, 3]
    assert (mine["prior"] == "no_prior").all()
    table = summary(finished, "convergence")
    mine = table[table["model"] == "reml"]
    assert (mine["n_planned"] == 3).all()
    assert mine["divergent_rate"].isna().all()


def test_the_page_shows_estimators_beside_models(finished):
    page = (finished.folder / "results/small/report.html").read_text()
    assert "<strong>REML</strong> (estimator <code>reml</code>, no prior)" in page
    assert re.search(r"<tr><td>REML</td><td>none</td>", page)
    assert "<strong>Mode, pooled</strong> (<code>optimize_pooled</code>)" in page
    assert re.search(r"<tr><td>Mode, pooled</td><td>weak</td>", page)
    assert "Under the same priors we approximated posteriors with Stan: Mode, pooled; these" in page
    assert "Without priors we estimated by REML" in page


def test_a_fit_of_an_estimator_is_made_again(finished):
    done = finished.python("workflow/replay.py", "study.yaml", "plain-6x5/reml/no_prior/3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("The same as in the study's tables, to the last digit.\n")
    assert "Draws:" not in done.stdout
    refused = finished.python("workflow/replay.py", "study.yaml", "plain-6x5/reml/weak/3")
    assert "prior: got 'weak', must be one of 'no_prior'" in refused.stderr


def test_the_manifest_is_that_of_the_same_sources(finished):
    manifest = "results/small/manifest.json"
    done = finished.python("workflow/replay.py", manifest, "plain-6x5/reml/no_prior/3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "in the manifest" not in done.stdout + done.stderr


@pytest.mark.slow
def test_an_approximation_is_made_again(finished):
    fit = "plain-6x5/optimize_pooled/tight/3"
    done = finished.python("workflow/replay.py", "study.yaml", fit)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("The same as in the study's tables, to the last digit.\n")


def test_another_estimator_runs_only_its_estimates(checkout):
    checkout.write(**{**STUDY, "estimators": ["ml", *STUDY["estimators"]]})
    assert checkout.planned(SUMMARY) == {"estimate": 1, **SUMMARISED}


def test_a_changed_prior_and_an_edited_program_run_no_estimator(checkout):
    program = checkout.folder / "stan/multilevel_linear/pooled.stan"
    priors = {**STUDY["priors"], "weak": {**WEAK, "b": "normal(0, 2)"}}
    checkout.write(**{**STUDY, "priors": priors})
    assert checkout.planned(SUMMARY) == {"fit": 1, "approximate": 1, **SUMMARISED}
    program.write_text(program.read_text() + "\n")
    assert checkout.planned(SUMMARY) == {"fit": 1, "approximate": 1, **SUMMARISED}


@pytest.mark.slow
def test_more_replicates_run_only_new_batches(checkout):
    checkout.write(**{**STUDY, "replicates": 6})
    new = {"simulate": 1, "fit": 1, "approximate": 1, "estimate": 1}
    assert checkout.planned(SUMMARY) == {**new, **SUMMARISED}


@pytest.mark.slow
def test_the_samplers_settings_run_no_approximation(checkout):
    checkout.write(**STUDY, sampler={**SMALL["sampler"], "warmup": 150})
    assert checkout.planned(SUMMARY) == {"fit": 1, **SUMMARISED}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "jobs"),
    [
        ("recovery/fit/approximation.py", {"approximate": 1}),
        ("recovery/study/methods.py", {"approximate": 1}),  # the limit of Pareto k
        ("recovery/score/planning.py", {}),
        ("recovery/families/multilevel/classical/deviance.py", {"estimate": 1}),
        ("estimate.py", {"estimate": 1}),
        ("simulate.py", {"simulate": 1, "fit": 1, "estimate": 1, "approximate": 1}),
    ],
)
def test_an_edited_module_or_script_runs_its_steps(checkout, file, jobs):
    edited = checkout.folder / "workflow/scripts" / file
    edited.write_text(edited.read_text() + "\n# edited\n")
    assert checkout.planned(SUMMARY) == {**jobs, **SUMMARISED}


@pytest.mark.slow
def test_results_of_edited_code_are_refused_without_snakemakes_memory(checkout):
    shutil.rmtree(checkout.folder / ".snakemake")
    script = checkout.folder / "workflow/scripts/estimate.py"
    script.write_text(script.read_text() + "\n# edited\n")
    done = checkout.snakemake("--dry-run", SUMMARY)
    assert done.returncode != 0
    assert re.search(r"\nrm .*results/small/estimates/plain-6x5/reml/", done.stderr + done.stdout)


def test_observed_data_are_approximated_too(checkout):
    checkout.write(**STUDY, observed={"sleep": SLEEPSTUDY})
    assert checkout.planned(SUMMARY) == {
        **{"observe": 1, "fit_observed": 2, "approximate_observed": 2, "estimate_observed": 1},
        **SUMMARISED,
    }
