"""Marginal means of regressions, against brute force, simulation and closed forms."""

import numpy as np
import pytest
from scipy.special import expit

from recovery import families

DESIGN = {
    "condition": {"levels": ["easy", "hard"], "coding": "sum", "within": "participant"},
    "group": {
        "levels": ["a", "b", "c"],
        "coding": "helmert",
        "shares": [0.6, 0.3, 0.1],
        "between": "participant",
    },
    "age": {"normal": [40, 10], "between": "participant"},
    "dose": {"values": [1, 2, 6], "between": "participant"},
}
FORMULA = "y ~ condition * group + I(age^2) + dose + (condition | participant) + (1 | item)"
SIZES = {"item": None}


def find(name="multilevel_linear", formula=FORMULA, **estimands):
    choice = {"name": name, "formula": formula, "design": DESIGN, "sizes": SIZES}
    return families.find(choice, estimands)


def values_of(family, seed=1):
    """Values of all parameters, correlations and SDs among them."""
    rng = np.random.default_rng(seed)
    values = {name: rng.normal(0, 0.3) for name in family.PARAMETERS if name.startswith("b_")}
    values |= {name: rng.uniform(0.3, 1) for name in family.PARAMETERS if name.startswith("sd_")}
    values |= {name: 0.4 for name in family.PARAMETERS if name.startswith("cor_")}
    own = {"sigma": 0.7, "shape": 2.0, "phi": 9.0, "nu": 5.0}
    return values | {name: own[name] for name in family.PARAMETERS if name in own}


def cell(family, values, condition, group, age=40.0, dose=3.0, b=None):
    """The linear predictor of one cell, from the family's own design matrix."""
    columns = {
        "participant": np.array([1]),
        "item": np.array([1]),
        "condition": np.array([condition]),
        "group": np.array([group]),
        "age": np.array([age]),
        "dose": np.array([dose]),
    }
    return float(
        family.layout.design_matrix(columns)[0] @ [values[name] for name in family.layout.b]
    )


def test_factors_that_are_not_named_have_equal_weights():
    family = find(hard="mean(condition = hard)", old="mean(age = 60, dose = 0)")
    values = values_of(family)
    hard = np.mean([cell(family, values, 2, group) for group in (1, 2, 3)])
    old = np.mean([cell(family, values, c, g, 60.0, 0.0) for c in (1, 2) for g in (1, 2, 3)])
    assert family.ESTIMANDS["hard"].value(values) == pytest.approx(hard, rel=1e-10)
    assert family.ESTIMANDS["old"].value(values) == pytest.approx(old, rel=1e-10)


def test_covariates_have_the_mean_of_the_design():
    """The mean of age itself, not of its square."""
    family = find(all="mean()")
    assert family.ESTIMANDS["all"].weights == pytest.approx(
        {"b_Intercept": 1.0, "b_I(age^2)": 1600.0, "b_dose": 3.0}
    )


def test_expected_outcomes_of_the_mean_predictor():
    family = find(
        "multilevel_bernoulli", gain="mean(condition = hard) - mean(condition = easy), response"
    )
    values = values_of(family)
    values["b_I(age^2)"] = 0.0001
    means = [np.mean([cell(family, values, c, g) for g in (1, 2, 3)]) for c in (1, 2)]
    expected = expit(means[1]) - expit(means[0])
    assert family.ESTIMANDS["gain"].value(values) == pytest.approx(expected, rel=1e-10)


def test_integration_over_participants_against_simulation():
    """Probabilities averaged over 400,000 participants: 4 standard errors, type I error 6e-5."""
    text = "mean(condition = hard, group = b, age = 1), response, over participant"
    family = find("multilevel_bernoulli", population=text)
    values = values_of(family)
    sds = [values[f"sd_participant__{each}"] for each in ("Intercept", "condition")]
    cor = values["cor_participant__Intercept__condition"]
    covariance = np.array([[1, cor], [cor, 1]]) * np.outer(sds, sds)
    deviations = np.random.default_rng(5).multivariate_normal([0, 0], covariance, 400_000)
    z = np.array([1.0, -1.0])  # of hard, coded by sums
    chances = expit(cell(family, values, 2, 2, age=1.0) + deviations @ z)
    error = chances.std() / np.sqrt(chances.size)
    assert family.ESTIMANDS["population"].value(values) == pytest.approx(
        chances.mean(), abs=4 * error
    )


@pytest.mark.parametrize("name", ["multilevel_poisson", "multilevel_lognormal"])
def test_integration_over_groups_with_a_log_link_in_closed_form(name):
    family = find(
        name,
        items="mean(condition = easy, group = a, age = 0), response, over item",
        both="mean(condition = easy, group = a, age = 0), response, over participant, over item",
    )
    values = values_of(family)
    predictor = cell(family, values, 1, 1, age=0.0)
    sd, slope, cor = (
        values[each]
        for each in (
            "sd_participant__Intercept",
            "sd_participant__condition",
            "cor_participant__Intercept__condition",
        )
    )
    of_items = values["sd_item__Intercept"] ** 2
    of_participants = sd**2 + slope**2 + 2 * cor * sd * slope
    residual = values["sigma"] ** 2 if name == "multilevel_lognormal" else 0.0
    of = family.ESTIMANDS
    assert of["items"].value(values) == pytest.approx(
        np.exp(predictor + (of_items + residual) / 2), rel=1e-9
    )
    assert of["both"].value(values) == pytest.approx(
        np.exp(predictor + (of_items + of_participants + residual) / 2), rel=1e-9
    )


def test_a_share_and_a_mean_category():
    binomial = families.find(
        {"name": "multilevel_binomial", "formula": "y | trials(12) ~ x + (1 | participant)"},
        {"share": "mean(x = 1), response"},
    )
    values = values_of(binomial)
    expected = expit(values["b_Intercept"] + values["b_x"])
    assert binomial.ESTIMANDS["share"].value(values) == pytest.approx(expected)
    ordinal = families.find(
        {"name": "multilevel_ordinal", "formula": "y ~ x + (1 | participant)", "categories": 3},
        {"category": "mean(x = 1), response", "latent": "mean(x = 1) - mean(x = 0)"},
    )
    values = {"b_x": 0.5, "b_Intercept[1]": -1.0, "b_Intercept[2]": 1.0}
    shares = np.diff([0, expit(-1 - 0.5), expit(1 - 0.5), 1])
    assert ordinal.ESTIMANDS["category"].value(values) == pytest.approx(shares @ [1, 2, 3])
    assert ordinal.ESTIMANDS["latent"].weights == {"b_x": 1.0}


def test_draws_have_the_values_of_each_draw():
    family = find(
        "multilevel_poisson",
        one="mean(condition = hard, age = 0), response, over participant",
        line="dose - 2 * Intercept",
    )
    each = [values_of(family, seed) for seed in range(6)]
    draws = {name: np.reshape([values[name] for values in each], (2, 3)) for name in each[0]}
    for name in ("one", "line"):
        estimand = family.ESTIMANDS[name]
        expected = np.reshape([estimand.value(values) for values in each], (2, 3))
        np.testing.assert_allclose(estimand.value(draws), expected, rtol=1e-12)


def test_gradients_are_those_of_small_steps():
    text = "mean(condition = hard, age = 0) - mean(condition = easy, age = 0), response"
    family = find("multilevel_poisson", gain=text)
    estimand, values = family.ESTIMANDS["gain"], values_of(family)
    hard, easy = (
        np.array(
            [
                np.mean(
                    [
                        cell(family, {**dict.fromkeys(values, 0.0), name: 1.0}, c, g, age=0.0)
                        for g in (1, 2, 3)
                    ]
                )
                for name in estimand.parameters
            ]
        )
        for c in (2, 1)
    )
    b = np.array([values[name] for name in estimand.parameters])
    exact = np.exp(hard @ b) * hard - np.exp(easy @ b) * easy
    np.testing.assert_allclose(estimand.gradient(values), exact, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    ("formula", "text", "message"),
    [
        (
            "y ~ poly(age, 2) + (1 | participant)",
            "mean(age = 3)",
            "must not be given with poly(age, 2) in the formula",
        ),
        (FORMULA, "mean(condition = hard) - mean(condition = hard, dose = 3)", "must depend on a"),
        (FORMULA, "mean(time = 3)", "must be one of 'condition', 'group', 'age', 'dose'"),
    ],
)
def test_means_that_are_refused(formula, text, message):
    with pytest.raises(ValueError, match=r"estimands\.wrong: ") as refused:
        find("multilevel_linear", formula, wrong=text)
    assert message in str(refused.value)


def test_the_mean_of_a_sequence_must_be_named():
    choice = {
        "name": "multilevel_linear",
        "formula": "y ~ day + (1 | participant)",
        "design": {"day": {"sequence": [0, 1]}},
    }
    assert families.find(choice, {"a": "mean(day = 4)"}).ESTIMANDS["a"].weights == {
        "b_Intercept": 1.0,
        "b_day": 4.0,
    }
    with pytest.raises(ValueError, match=r"must name the value of day, as in mean\(day = 0\)"):
        families.find(choice, {"a": "mean()"})
