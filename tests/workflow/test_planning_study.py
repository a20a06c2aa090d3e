"""A study that plans: what it may wish for, and what a changed wish runs."""

import pandas as pd
import pytest
import yaml
from conftest import make_design, make_study
from refusals import refusal

TWO_COUNTS = ("participants", [4, 8])


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (("tau", {"rmse": 1.0}), "planning: got 'tau', must be one of 'b_Intercept', 'b_x'"),
        (("b_x", {}), "planning.b_x: got no target, must have at least one of `interval"),
        (("b_x", {"width": 1.0}), "planning.b_x.width: unknown key, must not be there"),
        (("b_x", {"power": 1}), "planning.b_x.power: got 1, must be below 1.0"),
        (("b_x", {"coverage": 0}), "planning.b_x.coverage: got 0, must be above 0.0"),
        (("b_x", {"rmse": -1}), "planning.b_x.rmse: got -1, must be above 0.0"),
        (("b_x", {"interval_width": "1"}), "interval_width: got '1', must be a number"),
        (("b_x", 0.5), "planning.b_x: got 0.5, must be a mapping of keys to values"),
        (
            ("sigma", {"power": 0.8}),
            "planning.sigma.power: got 0.8, must not be given for a parameter that cannot be",
        ),
    ],
)
def test_a_wrong_target_is_refused_in_one_line(place, message):
    told = refusal(TWO_COUNTS, ("planning", *place))
    assert message in told
    assert told.count("\n") == 0


def test_an_empty_plan_is_refused():
    told = refusal(TWO_COUNTS, ("planning", {}))
    assert told == "study.yaml: planning: got {}, must have at least 1 entries"


def test_one_count_leaves_nothing_between():
    told = refusal(("planning", "b_x", {"rmse": 0.1}))
    assert "planning: participants has 1 count, 4, must have at least 2" in told


def test_a_parameter_of_an_estimator_only_can_be_planned():
    wanted = ("planning", "sd_participant__Intercept", {"coverage": 0.8})
    study = make_study(TWO_COUNTS, ("models", ["pooled"]), ("estimators", ["reml"]), wanted)
    assert list(study.planning) == ["sd_participant__Intercept"]


def test_a_parameter_that_no_model_of_the_study_has_is_refused():
    told = refusal(
        TWO_COUNTS,
        ("models", ["pooled"]),
        ("planning", "sd_participant__Intercept", {"coverage": 0.8}),
    )
    assert "planning: got 'sd_participant__Intercept', must be a parameter that a model" in told


def test_no_dataset_and_no_fit_knows_of_it():
    plain = make_design(TWO_COUNTS)
    asked = make_design(TWO_COUNTS, ("planning", "b_x", {"power": 0.8}))
    for cell in plain.cells:
        for batch in plain.batches(cell):
            assert plain.fit(*cell, batch) == asked.fit(*cell, batch)
            assert plain.simulation(cell[0], batch) == asked.simulation(cell[0], batch)


@pytest.mark.workflow
def test_the_page_says_how_many_participants_are_needed(verified_study):
    results = verified_study.folder / "results/small"
    table = pd.read_parquet(results / "summary/planning.parquet")
    columns = ["parameter", "measure", "level", "wanted"]
    assert table[columns].to_numpy().tolist() == [["b_x", "power", 0.95, 0.8]]
    assert '<h2 id="planning">' in (results / "report.html").read_text()
    assert (results / "figures/planning-plain-x5.svg").exists()


@pytest.mark.workflow
def test_a_changed_target_refits_nothing(verified_study, tmp_path):
    changed = verified_study.copy(tmp_path / "changed")
    study = yaml.safe_load((changed.folder / "study.yaml").read_text())
    changed.write(**study | {"planning": {"b_x": {"power": 0.9}}})
    assert changed.planned() == {"summarise": 1, "figures": 1, "report": 1, "outcome": 1, "all": 1}
