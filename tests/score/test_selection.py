"""Selection rates of models: known counts, refused studies, and a whole study."""

import numpy as np
import pandas as pd
import pytest
from conftest import LINEAR, ROOT, STAN, changed, make_design, make_study
from conftest import SMALL as RAW
from workflow_runs import SLEEPSTUDY, check_out

from recovery import families
from recovery.common.errors import StudyError
from recovery.plan.seeds import fit_seed
from recovery.run import preflight
from recovery.score import selection
from recovery.study.parse import parse
from recovery.study.yaml_file import read_yaml

LEAVE_OUT = ("selection", {"leave_out": "observation"})
MODELS = ("models", ["pooled", "centered", "unpooled", "marginal"])


def fit(joint, replicate, pointwise, n_high_k=0):
    values = np.array(pointwise, dtype=float)
    row = {"joint": joint, "replicate": replicate, "left_out": "observation"}
    return row | {"elpd_loo": values.sum(), "pointwise": values, "n_high_k": n_high_k}


BASELINE = [-1.0, -1.0, -1.0, -1.0]
FITS = [
    # a is better by 4 with SE 0, then by 1 with SE 3.5; then b is better
    *(fit("a", 1, [0, 0, 0, 0]), fit("b", 1, BASELINE)),
    *(fit("a", 2, [2, -1, -3, 0], 2), fit("b", 2, [-1, -1, -1, 0])),
    *(fit("a", 3, BASELINE, 1), fit("b", 3, [0, 0, 0, 0])),
    *(fit("a", 4, BASELINE), fit("b", 4, [np.nan, 0, 0, 0])),
    fit("b", 5, BASELINE),
]


@pytest.fixture
def rates():
    chosen = pd.DataFrame(selection.choices(pd.DataFrame(FITS), 2))
    return selection.rates(chosen, ["a", "b"], 6).set_index("joint")


def test_only_replicates_with_a_value_of_every_model_count(rates):
    assert rates["n_replicates"].tolist() == [3, 3]
    assert rates["n_left_out"].tolist() == [3, 3]


def test_choices_and_clear_choices_are_counted(rates):
    assert rates["n_chosen"].to_dict() == {"a": 2, "b": 1}
    assert rates["n_clear"].to_dict() == {"a": 1, "b": 1}
    assert rates["chosen_rate"].sum() == pytest.approx(1)
    assert rates.loc["a", "chosen_rate_mcse"] == pytest.approx(np.sqrt(2 / 9 / 3))


def test_the_wilson_interval_is_that_of_two_in_three(rates):
    interval = rates.loc["a", ["chosen_rate_lower", "chosen_rate_upper"]]
    np.testing.assert_allclose(interval.astype(float), [0.2077, 0.9385], atol=1e-4)  # Wilson (1927)


def test_differences_are_from_the_best_of_each_dataset(rates):
    assert rates.loc["a", "elpd_difference"] == pytest.approx(-4 / 3)
    assert rates.loc["b", "elpd_difference"] == pytest.approx(-5 / 3)


def test_pareto_k_failures_are_counted(rates):
    assert rates["n_high_k"].to_dict() == {"a": 3, "b": 0}
    assert rates["high_k_rate"].to_dict() == {"a": pytest.approx(2 / 3), "b": 0}


def test_without_replicates_there_are_no_rates():
    none = pd.DataFrame(columns=["joint", "chosen", "clear", "n_high_k", "difference"])
    (row,) = selection.rates(none, ["a"], 2).to_dict("records")
    assert row.items() >= {"n_replicates": 0, "n_left_out": 2, "n_chosen": 0}.items()
    assert "chosen_rate" not in row


def test_programs_that_share_a_posterior_count_once():
    result = selection.programs_by_joint(make_study(MODELS), LINEAR)
    assert result == {
        "pooled": ["pooled"],
        "multilevel": ["centered", "marginal"],
        "unpooled": ["unpooled"],
    }


@pytest.mark.parametrize(
    ("truth", "joint"),
    [
        ({"prior": "weak"}, "multilevel"),
        ({"prior": "weak", "model": "marginal"}, "multilevel"),
        ({"prior": "weak", "model": "pooled"}, "pooled"),
        (RAW["truths"]["moderate"], "multilevel"),
    ],
)
def test_the_generating_joint_model_follows_from_the_truth(truth, joint):
    study = make_study(("truths", {"plain": truth}))
    assert selection.generating_joint(study, LINEAR, "plain") == joint


# The study


def test_a_study_without_the_key_keeps_its_identities():
    plain, asked = make_design(), make_design(LEAVE_OUT)
    cell = ("moderate-4x3", "pooled", "weak")
    batch = plain.batches(cell)[0]
    assert "leave_out" not in plain.fit(*cell, batch)
    assert plain.tables_of(cell) == ["estimates", "groups", "diagnostics"]
    assert asked.tables_of(cell) == ["estimates", "groups", "diagnostics", "loo"]
    one, other = plain.fit(*cell, batch), asked.fit(*cell, batch)
    assert one["identity"] != other["identity"]
    assert one["dataset"] == other["dataset"]
    assert fit_seed(one, 1) == fit_seed(other, 1)


def test_a_verifying_fit_has_no_leave_one_out_table():
    design = make_design(LEAVE_OUT, ("verify", {"engine": "stanli", "share": 1}))
    cell = ("moderate-4x3", "pooled", "weak")
    assert "leave_out" not in design.verification(*cell, design.batches(cell)[0])


def test_a_single_unit_is_a_list_of_one():
    assert make_study(LEAVE_OUT).selection.leave_out == ("observation",)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"leave_out": "person"}, r"selection\.leave_out\[0\]: got 'person'"),
        ({"leave_out": []}, r"selection\.leave_out: got"),
        ({"leave_out": ["observation", "observation"]}, r"more than once"),
        ({}, r"selection\.leave_out: missing"),
    ],
)
def test_an_invalid_unit_is_refused(value, message):
    with pytest.raises(StudyError, match=message):
        make_study(("selection", value))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("models", ["centered", "marginal"]), "at least two joint models"),
        (("sampler", {"chains": 2, "warmup": 9, "draws": 12}), "got 24 draws of a fit"),
    ],
)
def test_a_comparison_without_models_or_draws_is_refused(change, message):
    raw = changed(RAW, LEAVE_OUT, MODELS, change)
    with pytest.raises(StudyError, match=rf"study\.yaml: selection: .*{message}"):
        preflight.prepare(raw, "study.yaml", STAN, thoroughly=False)


def shipped(name) -> dict:
    """A study with a shipped family."""
    if not name.startswith("multilevel_"):
        file = {"meta_analysis": "eight_schools"}.get(name, name)
        return read_yaml(ROOT / f"config/{file}.yaml")
    outcome = "y | trials(9)" if name == "multilevel_binomial" else "y"
    family = {"family": name, "formula": f"{outcome} ~ x + (x | participant)"}
    keys = families.find({"name": name, "formula": family["formula"]}).Prior.ALLOWED
    weak = {key: kind.example for key, kind in keys.items()}
    return RAW | family | {"truths": {"drawn": {"prior": "weak"}}, "priors": {"weak": weak}}


@pytest.mark.parametrize("name", families.SHIPPED)
def test_leaving_out_participants_needs_a_closed_form(name):
    study = parse(shipped(name) | {"selection": {"leave_out": ["participant"]}}, families.find)
    closed = name in ("multilevel_linear", "multilevel_lognormal", "meta_analysis", "mediation")
    faults = [
        "selection.leave_out: got 'participant', but the family gives no likelihood of one "
        f"participant for the model '{model}'"
        for model in study.models
        if not closed
    ]
    result = list(preflight.nothing_to_compare(study, families.find(study.family_choice)))
    assert [fault for fault in result if "leave_out" in fault] == faults


# A whole study


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    checkout = check_out(tmp_path_factory.mktemp("selection"))
    checkout.write(
        truths={"alike": {"prior": "weak", "model": "pooled"}, "differ": {"prior": "weak"}},
        participants=[4],
        models=["pooled", "noncentered", "marginal"],
        observed={"sleepstudy": SLEEPSTUDY},
        selection={"leave_out": ["observation", "participant"]},
    )
    done = checkout.make_study()
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout


@pytest.mark.workflow
def test_a_study_has_the_selection_rate_of_each_model(finished):
    table = pd.read_parquet(finished.folder / "results/small/summary/selection.parquet")
    assert len(table) == 2 * 2 * 2  # scenarios, units, joint models
    assert table.groupby(["scenario", "left_out"])["n_chosen"].sum().tolist() == [3] * 4
    right = table[table["right"]].set_index(["truth", "left_out"])["joint"]
    assert set(right["alike"]) == {"pooled"}
    assert set(right["differ"]) == {"multilevel"}


@pytest.mark.workflow
def test_the_counts_of_the_table_agree_with_the_fits(finished):
    results = finished.folder / "results/small"
    table = pd.read_parquet(results / "summary/selection.parquet").set_index(
        ["scenario", "left_out", "joint"]
    )
    for (scenario, unit), selected in table.groupby(level=[0, 1]):
        elpd = {}
        for model in selected["model"]:
            files = sorted((results / "loo" / scenario / model).rglob("*.parquet"))
            fits = pd.concat(map(pd.read_parquet, files)).set_index("replicate")
            elpd[model] = fits.loc[fits["left_out"] == unit, "elpd_loo"]
        chosen = pd.DataFrame(elpd).idxmax(axis=1)
        for row in selected.itertuples():
            assert row.n_chosen == (chosen == row.model).sum()


@pytest.mark.workflow
def test_the_page_has_the_comparison_and_its_figure(finished):
    results = finished.folder / "results/small"
    page = (results / "report.html").read_text()
    assert "<h3>Model comparison</h3>" in page
    assert "Non-centred, Marginal" in page
    assert "elpd, leaving out one participant" in page
    assert (results / "figures/selection.svg").exists()
    assert finished.planned() == {}


@pytest.mark.workflow
def test_another_unit_repeats_fits_but_not_simulations(finished, tmp_path):
    changed_study = finished.copy(tmp_path / "changed")
    text = (changed_study.folder / "study.yaml").read_text()
    (changed_study.folder / "study.yaml").write_text(text.replace("  - participant\n", ""))
    planned = changed_study.planned()
    assert planned["fit"] == 1  # a job of all fits
    assert "simulate" not in planned
