"""Families whose parameters include a study's estimands, and what the study file may say."""

import pickle

import numpy as np
import pytest
from changed_keys import only
from conftest import make_design, make_study
from refusals import refusal

from recovery import families

CHOICE = {"name": "multilevel_linear"}
TEXTS = {"at_two": "Intercept + 2 * x", "spread": "sd_participant__x - sigma"}


def test_a_model_scores_what_it_has_all_parameters_of():
    family = families.find(CHOICE, TEXTS)
    assert list(family.PARAMETERS)[-2:] == ["at_two", "spread"]
    assert family.MODELS["pooled"].scored == ("b_Intercept", "b_x", "sigma", "at_two")
    assert family.MODELS["marginal"].scored[-2:] == ("at_two", "spread")
    assert family.ESTIMATORS["reml"].scored[-2:] == ("at_two", "spread")
    assert family.ESTIMATORS["ols"].scored[-1] == "at_two"


def test_the_family_without_estimands_stays_as_it_is():
    families.find(CHOICE, TEXTS)
    assert not families.find(CHOICE).ESTIMANDS
    assert "at_two" not in families.find(CHOICE).PARAMETERS
    assert "at_two" not in families.find(CHOICE).MODELS["pooled"].scored


def test_a_pickled_family_has_its_estimands():
    family = pickle.loads(pickle.dumps(families.find(CHOICE, TEXTS)))
    assert family.ESTIMANDS["at_two"].weights == {"b_Intercept": 1.0, "b_x": 2.0}


def test_true_values():
    family = families.find(CHOICE, TEXTS)
    values = {"b_Intercept": 1.0, "b_x": 0.5, "sigma": 2.0}
    assert family.with_estimands(values) == values | {"at_two": 2.0}  # no SD, no spread
    assert family.with_estimands({}) == {}


def test_names_that_users_write():
    family = families.find(CHOICE, TEXTS)
    assert [family.parameter_named(text) for text in ("x", "b_x", "at_two", "sigma")] == [
        "b_x",
        "b_x",
        "at_two",
        "sigma",
    ]
    with pytest.raises(ValueError, match="did you mean at_two"):
        family.parameter_named("at_tow")


def test_parameters_of_any_family_can_be_combined():
    family = families.find("meta_analysis", {"double": "2 * mu"})
    assert family.ESTIMANDS["double"].value({"mu": np.array([1.0, 2.0])}).tolist() == [2.0, 4.0]


def test_estimands_decide_fits_but_neither_datasets_nor_seeds():
    scenario = "moderate-4x3"
    plain, scoring = make_design(), make_design(("estimands", TEXTS))
    datasets = [d.simulation(scenario, d.data_batches(scenario)[0]) for d in (plain, scoring)]
    assert datasets[0] == datasets[1]
    fits = [
        d.fit(scenario, "pooled", "weak", d.batches((scenario, "pooled", "weak"))[0])
        for d in (plain, scoring)
    ]
    assert only(fits[1], {**fits[0], "estimands": None}) == {"identity", "estimands"}


@pytest.mark.parametrize(
    ("estimands", "message"),
    [
        ({"a": "y"}, "estimands.a: got 'y', must be one of 'b_Intercept', 'b_x',"),
        ({"a": 3}, "estimands.a: got 3, must be text"),
        ({"sigma": "x"}, "estimands.sigma: is the name of a parameter, must be another"),
        ({"x": "2 * x"}, "estimands.x: is the name of a parameter, must be another"),
        ({"A b": "x"}, "estimands.'A b': got 'A b', must be a name of lower-case letters"),
        ({"a": "x +", "b": "mean(z = 1)"}, "estimands.b: mean(...): got 'z', must be one of 'x'"),
    ],
)
def test_wrong_estimands(estimands, message):
    assert message in refusal(("estimands", estimands))


def test_estimands_that_no_method_estimates():
    message = refusal(("estimands", {"a": "sd_participant__x"}), ("models", ["pooled"]))
    assert "estimands.a: needs 'sd_participant__x', which no method" in message


def test_truths_need_not_know_them():
    study = make_study(("estimands", TEXTS))
    assert study.scored_family.ESTIMANDS["at_two"].text == "Intercept + 2 * x"
