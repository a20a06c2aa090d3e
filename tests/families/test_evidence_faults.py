"""Which parameters and estimands have Bayes factors under a prior, in the user's words."""

import pytest

from recovery import families
from recovery.families.evidence import evidence_fault

CHOICE = {
    "name": "multilevel_bernoulli",
    "formula": "y ~ x + z + (1 | participant)",
    "design": {"x": {"normal": [0, 1]}, "z": {"normal": [0, 1]}},
}
ESTIMANDS = {
    "sum": "x + z",
    "spread": "x + sd_participant__Intercept",
    "shift": "b_Intercept + x",
    "odds": "mean(x = 1) - mean(x = 0), response",
}
FAMILY = families.find(CHOICE, ESTIMANDS)


def prior(**texts):
    return FAMILY.Prior(**{"Intercept": "normal(0, 1)", "b": "cauchy(0, 1)", "sd": "flat"} | texts)


@pytest.mark.parametrize("parameter", ["b_Intercept", "b_x", "sum", "shift"])
def test_coefficients_and_their_combinations_have_bayes_factors(parameter):
    assert evidence_fault(FAMILY, prior(), parameter) == ""


@pytest.mark.parametrize(
    ("parameter", "texts", "words"),
    [
        ("b_x", {"b_x": "flat"}, "the prior of b_x is flat, must be one of 'normal', 'student_t'"),
        ("sum", {"b_z": "uniform(-1, 1)"}, r"the prior of b_z is uniform(-1, 1), must be one of"),
        ("b_Intercept", {"b_z": "flat"}, "the prior of b_z is flat"),
        ("b_x", {"b": "constant(0)"}, "the prior fixes 'b_x'"),
        (
            "sd_participant__Intercept",
            {},
            "it depends on 'sd_participant__Intercept', must be made",
        ),
        ("spread", {}, "it depends on 'sd_participant__Intercept'"),
        ("odds", {}, "it is not a linear combination of coefficients"),
    ],
)
def test_others_are_refused(parameter, texts, words):
    assert words in evidence_fault(FAMILY, prior(**texts), parameter)


def test_a_flat_prior_of_another_coefficient_does_not_matter():
    assert evidence_fault(FAMILY, prior(b_z="flat"), "b_x") == ""
    assert evidence_fault(FAMILY, prior(b_z="constant(1)"), "sum") == ""


def test_a_family_without_priors_of_sums_is_refused():
    family = families.find("mediation")
    parameter = next(iter(family.PARAMETERS))
    assert "gives no prior density" in evidence_fault(family, prior(), parameter)
