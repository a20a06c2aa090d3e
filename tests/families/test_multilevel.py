"""Multilevel regressions of any formula: parameters, truths, datasets and programs.

ALPHA is the rate at which a test of randomness would fail with a random seed if the code is
correct; posterior means are compared within 4 combined Monte Carlo errors (type I error 6e-5 each).
"""

import numpy as np
import pytest
from conftest import make_design
from pydantic import ValidationError
from sampled_programs import means, sample
from scipy import stats
from simulated_datasets import drawn_from_prior

from recovery import families
from recovery.engines.protocol import Settings
from recovery.plan.batch_size import Batch

ALPHA = 1e-3
SETTINGS = Settings(chains=4, warmup=600, draws=1500, adapt_delta=0.95, max_treedepth=10)
NUMBERS = {name: {"normal": [0, 1]} for name in ("x", "x1", "x2", "x3")}
THREE = "y ~ x1 + x2 + (x1 + x2 | participant)"
SUM = {"condition": {"levels": ["a", "b", "c"], "coding": "sum", "within": "participant"}}


def linear(formula="y ~ x + (x | participant)", design=NUMBERS, **options):
    return families.find(
        {"name": "multilevel_linear", "formula": formula, "design": design, **options}
    )


def prior_of(family, **changes):
    given = {"Intercept": "normal(0, 1)", "b": "normal(0, 1)", "sd": "exponential(1)"}
    correlated = {"cor": "lkj(2)"} if family.layout.cor else {}
    return family.Prior(**given | correlated | {"sigma": "exponential(1)"} | changes)


def truth_of(family, b, sd, sigma=1, cor=None):
    """A truth with these values of the coefficients in the order of the formula."""
    (block,) = family.layout.blocks
    return family.Truth(
        b=dict(zip(family.layout.coefficients, b, strict=True)),
        sd={"participant": dict(zip(block.coefficients, sd, strict=True))},
        sigma=sigma,
        **({} if cor is None else {"cor": {"participant": cor}}),
    )


# Names


def test_parameters_follow_from_the_formula():
    family = linear("y ~ x1 + x2 + x3 + (x3 | participant) + (1 | item)", sizes={"item": None})
    assert list(family.PARAMETERS) == [
        *(f"b_{name}" for name in ("Intercept", "x1", "x2", "x3")),
        "sd_participant__Intercept",
        "sd_participant__x3",
        "sd_item__Intercept",
        "cor_participant__Intercept__x3",
        "sigma",
    ]
    assert family.PARAMETERS["b_x2"] == "b_x2"
    assert family.PARAMETERS["sd_participant__x3"] == "sd_participant__x3"
    assert family.COEFFICIENTS == {
        "r_participant[,Intercept]": "Intercept by participant",
        "r_participant[,x3]": "x3 by participant",
        "r_item[,Intercept]": "Intercept by item",
    }
    assert family.grouping_factor("r_item[,Intercept]") == "item"
    assert list(family.COLUMNS) == ["participant", "item", "x1", "x2", "x3", "y"]


def test_random_intercepts_have_no_correlation():
    family = linear("y ~ x + (1 | participant)")
    assert [name for name in family.PARAMETERS if name.startswith("cor")] == []
    assert not any(key.startswith("cor") for key in family.Prior.model_fields)
    assert "cor" not in family.Truth.model_fields


@pytest.mark.parametrize(
    ("formula", "models"),
    [
        (
            "y ~ x + (x | participant)",
            {"pooled", "unpooled", "centered", "noncentered", "marginal"},
        ),
        (THREE, {"pooled", "unpooled", "centered", "noncentered", "marginal"}),
        (
            "y ~ x1 + x2 + (x2 + x1 | participant)",
            {"pooled", "centered", "noncentered", "marginal"},
        ),
        ("y ~ x1 + x2 + (x1 | participant)", {"pooled", "centered", "noncentered", "marginal"}),
        ("y ~ x + (1 | participant)", {"pooled", "centered", "noncentered", "marginal"}),
        ("y ~ x", {"pooled"}),
    ],
)
def test_each_formula_has_the_programs_that_fit_it(formula, models):
    assert set(linear(formula).MODELS) == models


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"formula": "y ~ z + (1 | participant)"}, "got 'z', must be a variable of `design`"),
        ({"formula": "y ~ x + (1 | item)"}, "got the grouping factor 'item', must be participant"),
        (
            {"formula": "y ~ x + (1 | participant) + (1 | participant)"},
            "got the term 'Intercept' twice for the groups 'participant'",
        ),
        (
            {"formula": "y | trials(3) ~ x + (1 | participant)"},
            r"got trials\(\), must not be given",
        ),
        ({"slopes": 2}, "Extra inputs are not permitted"),
        ({"predictors": 2}, "Extra inputs are not permitted"),
    ],
)
def test_invalid_options_are_refused(options, message):
    with pytest.raises((ValidationError, ValueError), match=message):
        linear(**options)


def test_options_with_their_default_values_do_not_change_the_study():
    one = make_design()
    same = make_design(
        ("formula", "y ~ x + (x | participant)"), ("design", {"x": {"normal": [0, 1]}})
    )
    other = make_design(("design", {"x": {"normal": [0, 2]}}))
    for cell in one.cells:
        fit = one.fit(*cell, Batch(1, 25, 25))
        assert same.fit(*cell, Batch(1, 25, 25)) == fit
        assert other.fit(*cell, Batch(1, 25, 25)) != fit


def test_a_contrast_and_an_indicator_of_one_name_are_different_predictors():
    # With sum coding, condition[a] is 1, 0, -1 for the population and 1, 0, 0 for participants,
    # whose coefficients therefore vary around 0.
    family = linear("y ~ condition + (0 + condition | participant)", SUM)
    assert {"b_condition[a]", "sd_participant__condition[a]"} < set(family.PARAMETERS)
    columns = {"participant": np.array([1, 1, 1, 2]), "condition": np.array([1, 2, 3, 1])}
    data = family.stan_data(columns | {"y": np.zeros(4)}, prior_of(family), "centered")
    assert data["X"][:, 1].tolist() == [1, 0, -1, 1]
    assert data["Z"][:, 0].tolist() == [1, 0, 0, 1]
    assert (data["centre"], data["fixed"]) == ([4, 4, 4], [1, 2, 3])


def test_with_treatment_coding_an_indicator_is_the_contrast():
    design = {"condition": SUM["condition"] | {"coding": "treatment"}}
    family = linear("y ~ condition + (0 + condition | participant)", design)
    assert (family.layout.centre, family.layout.fixed) == ((4, 2, 3), (1,))


# Truths


def test_a_truth_with_more_coefficients_is_recovered_from_its_values(rng):
    family = linear("y ~ x1 + x2 + x3 + (x1 + x3 | participant)")
    truth = truth_of(family, (1, -2, 3, 0.5), (0.7, 0.2, 1.5), 2, cor=-0.3)
    _, values = family.simulate(truth, 3, 2, rng)
    back, (block,) = family.truth_from_estimates(values), family.layout.blocks
    assert back.b == truth.b
    assert back.sd == truth.sd
    np.testing.assert_allclose(back.correlations(block), truth.correlations(block), atol=1e-11)


@pytest.mark.parametrize(
    "spec",
    [
        "multilevel_linear",
        {"name": "multilevel_linear", "formula": THREE, "design": NUMBERS},
        {
            "name": "multilevel_gamma",
            "formula": "y ~ x + (x | participant) + (1 | item)",
            "sizes": {"item": None},
        },
        "multilevel_robust",
        {"name": "multilevel_poisson", "formula": THREE, "design": NUMBERS},
        "multilevel_ordinal",
        "meta_analysis",
        "mediation",
    ],
    ids=str,
)
def test_data_are_simulated_from_the_values_of_a_truth_from_estimates(spec, rng):
    """Bit by bit, because summaries compare the truth of fits with that of the observed fit."""
    family = families.find(spec)
    name = spec if isinstance(spec, str) else spec["name"]
    means = dict.fromkeys(family.PARAMETERS, 0.3)
    means["nu"] = 4.0
    means |= {f"b_Intercept[{k}]": 0.1 * k for k in range(1, 5)}
    truth = family.truth_from_estimates(means)
    observed = {column: np.array([1, 1]) for column in family.COLUMNS}
    _, values = family.simulate(truth, 1, observed, rng)
    expected = family.values_of(truth)
    assert set(expected) == set(family.PARAMETERS), name
    assert {key: values[key] for key in expected} == expected


def test_one_correlation_is_that_of_every_pair():
    family = linear(THREE)
    truth = truth_of(family, (0, 0, 0), (1, 1, 1), cor=0.4)
    (block,) = family.layout.blocks
    off = truth.correlations(block)[~np.eye(3, dtype=bool)]
    assert set(off) == {0.4}


def test_a_correlation_that_is_impossible_for_three_coefficients_is_refused():
    with pytest.raises(ValidationError, match=r"got -0\.6, .*must be positive definite"):
        truth_of(linear(THREE), (0, 0, 0), (1, 1, 1), cor=-0.6)


def test_drawn_correlations_of_three_coefficients_have_beta_marginals(rng):
    family = linear(THREE)
    prior = prior_of(family)
    drawn = drawn_from_prior(family, prior, rng, 3000)
    marginal = stats.beta(2.5, 2.5)  # of lkj(2)
    assert len(family.layout.cor) == 3
    for name in family.layout.cor:
        found = np.array([values[name] for _, values in drawn])
        assert stats.kstest((found + 1) / 2, marginal.cdf).pvalue > ALPHA
    sd = family.prior_sd(prior, "centered")["cor_participant__Intercept__x2"]
    assert sd == pytest.approx(2 * marginal.std())


# Datasets


def test_slopes_that_do_not_vary_are_equal_for_all_participants(rng):
    family = linear("y ~ x1 + x2 + (x2 | participant)")
    truth = truth_of(family, (1, 2, 3), (1, 1), sigma=1e-9, cor=0)
    columns, values = family.simulate(truth, 5, 4, rng)
    own = np.array(
        [
            [values[f"r_participant[{j},{name}]"] for name in ("Intercept", "x2")]
            for j in columns["participant"]
        ]
    )
    expected = 1 + own[:, 0] + 2 * columns["x1"] + (3 + own[:, 1]) * columns["x2"]
    np.testing.assert_allclose(columns["y"], expected, atol=1e-7)
    np.testing.assert_allclose(family.expected(values, columns), expected)


def test_outcomes_have_the_deviations_of_all_their_groups(rng):
    family = linear("y ~ x + (x | participant) + (1 | item)", sizes={"item": None})
    truth = family.Truth(
        b={"Intercept": 1, "x": 2},
        sd={"participant": {"Intercept": 1, "x": 0.5}, "item": {"Intercept": 3}},
        cor={"participant": 0.3},
        sigma=1e-9,
    )
    columns, values = family.simulate(truth, 4, 2, rng, {"item": 3})
    assert columns["y"].size == 4 * 3 * 2
    expected = [
        1
        + values[f"r_participant[{j},Intercept]"]
        + values[f"r_item[{i},Intercept]"]
        + (2 + values[f"r_participant[{j},x]"]) * x
        for j, i, x in zip(columns["participant"], columns["item"], columns["x"], strict=True)
    ]
    np.testing.assert_allclose(columns["y"], expected, atol=1e-7)
    np.testing.assert_allclose(family.expected(values, columns), expected)


def test_observations_are_missing_at_the_given_rate_and_every_participant_keeps_some(rng):
    family = linear(design={"x": {"normal": [0, 1]}, "missing": 0.8})
    columns, _ = family.simulate(truth_of(family, (0, 0), (1, 1), cor=0), 2000, 10, rng)
    seen = np.bincount(columns["participant"])[1:]
    assert seen.min() == 1
    # If all ten observations would be missing, one is kept.
    expected = 10 * 0.2 + 0.8**10
    assert abs(seen.mean() - expected) < stats.norm.isf(ALPHA / 2) * seen.std() / np.sqrt(2000)


def test_a_missing_rate_of_0_does_not_change_the_simulation(truth):
    with_none, whole = (
        family.simulate(family.Truth(**truth.model_dump()), 3, 4, np.random.default_rng(1))[0]
        for family in (
            linear(),
            linear(design={"x": {"normal": [0, 1]}, "missing": 1e-12}),
        )
    )
    assert with_none["x"].tolist() == whole["x"].tolist()


def test_observed_columns_are_read_by_name():
    family = linear("y ~ x1 + x2 + (1 | participant)")
    columns = family.ObservedColumns(y="rt", x1="day", x2="dose", participant="who")
    table = {
        "who": np.array([1, 2, 2, 3]),
        "day": np.array([1, 2, 2, 4]),
        "dose": np.array([5, 6, 5, 5]),
        "rt": np.array([3, 4, 1, 1]),
    }
    result = family.read_observed(table, columns, standardize=False)
    assert (result["x1"].tolist(), result["x2"].tolist()) == ([1, 2, 2, 4], [5, 6, 5, 5])


def test_log_likelihoods_are_the_normal_densities_of_scipy(rng):
    family = linear("y ~ x1 + x2 + (x2 | participant)")
    columns, values = family.simulate_joint(family.JOINT, prior_of(family), {}, 4, 3, rng)
    draws = {name: np.array([value, value]) for name, value in values.items()}
    result = family.log_likelihood(draws, columns)
    mean = family.expected(values, columns)
    expected = stats.norm(mean, values["sigma"]).logpdf(columns["y"])
    np.testing.assert_allclose(result, np.column_stack([expected] * 2), rtol=1e-9)


# Programs


@pytest.mark.slow
@pytest.mark.parametrize(
    ("formula", "q"), [("y ~ x1 + x2 + (x1 | participant)", 2), ("y ~ x + (1 | participant)", 1)]
)
def test_both_parametrisations_have_the_same_posterior(formula, q, rng):
    family = linear(formula, NUMBERS | {"missing": 0.2})
    size = family.layout.size
    truth = truth_of(family, (0.5,) * size, (1.0,) * q, cor=0.3 if q > 1 else None)
    columns, values = family.simulate(truth, 12, 10, rng)
    (one, error), (other, other_error) = (
        means(sample(model, columns, prior_of(family), SETTINGS, family, 1), list(values))
        for model in ("centered", "noncentered")
    )
    assert np.all(np.abs(one - other) < 4 * np.hypot(error, other_error))


def test_with_a_flat_prior_the_pooled_model_is_least_squares(rng):
    family = linear("y ~ x1 + x2 + x3 + (x1 + x2 + x3 | participant)")
    columns, _ = family.simulate(truth_of(family, (1, 2, 3, 4), (0, 0, 0, 0), cor=0), 5, 10, rng)
    flat = {"Intercept": "normal(0, 1e4)", "b": "normal(0, 1e4)", "sigma": "exponential(1e-4)"}
    draws = sample("pooled", columns, prior_of(family, **flat), SETTINGS, family, 1)
    mean, error = means(draws, list(family.layout.b))
    x = np.column_stack([np.ones(50), *(columns[f"x{k}"] for k in (1, 2, 3))])
    expected = np.linalg.lstsq(x, columns["y"], rcond=None)[0]
    assert np.all(np.abs(mean - expected) < 4 * error)
