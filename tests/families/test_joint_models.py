"""Truths drawn from the joint model of a program have every value that some fit is scored with."""

import numpy as np
import pytest

from recovery import families

PRIORS = {"Intercept": "normal(2, 3)", "b": "normal(-1, 0.5)", "sd": "exponential(1)"}
SIZE = (40, 3)


def drawn(joint, name="multilevel_linear", formula=None, **options):
    """A family, and the columns and values of a dataset from a joint model."""
    choice = {"name": name, **({"formula": formula} if formula else {}), **options}
    family = families.find(choice)
    prior = family.Prior(**PRIORS, cor="lkj(2)", sigma="exponential(1)")
    return family, *family.simulate_joint(joint, prior, {}, *SIZE, np.random.default_rng(3))


@pytest.mark.parametrize("joint", ["pooled", "unpooled", "multilevel"])
def test_the_parameters_of_every_model_and_all_deviations_have_a_truth(joint):
    family, columns, values = drawn(joint)
    scored = {name for model in family.MODELS.values() for name in model.scored}
    deviations = {f"r_participant[{j},{c}]" for j in range(1, 41) for c in ("Intercept", "x")}
    assert set(values) == scored | deviations
    assert np.isfinite(list(values.values())).all()
    assert len(columns["y"]) == 40 * 3


def test_groups_that_are_alike_have_neither_deviations_nor_standard_deviations():
    _, columns, values = drawn("pooled")
    zero = {name for name, value in values.items() if value == 0}
    assert zero == {name for name in values if name.startswith(("r_", "sd_"))}
    line = values["b_Intercept"] + values["b_x"] * columns["x"]
    assert abs(np.std(columns["y"] - line) / values["sigma"] - 1) < 0.3  # 4.6 SE of 120 rows


def test_groups_drawn_one_by_one_have_the_prior_of_b_at_the_means_of_predictors():
    _, columns, values = drawn("unpooled")
    intercepts, slopes = (
        np.array([values[f"b_{name}"] + values[f"r_participant[{j},{name}]"] for j in range(1, 41)])
        for name in ("Intercept", "x")
    )
    at_means = intercepts + slopes * columns["x"].mean()
    for found, mean, sd in ((at_means, 2, 3), (slopes, -1, 0.5)):
        assert abs(found.mean() - mean) < 4.5 * sd / np.sqrt(40)
        assert abs(found.std() / sd - 1) < 0.5  # 4.5 SE of 40 groups
    assert len(np.unique(columns["participant"])) == 40


def test_groups_drawn_one_by_one_have_their_own_mean_standard_deviations_and_correlation():
    _, _, values = drawn("unpooled")
    intercepts, slopes = (
        np.array([values[f"r_participant[{j},{name}]"] for j in range(1, 41)])
        for name in ("Intercept", "x")
    )
    assert abs(intercepts.mean()) < 1e-12
    assert abs(slopes.mean()) < 1e-12
    assert values["sd_participant__Intercept"] == pytest.approx(np.sqrt(np.mean(intercepts**2)))
    assert values["sd_participant__x"] == pytest.approx(np.sqrt(np.mean(slopes**2)))
    covariance = np.mean(intercepts * slopes)
    correlation = covariance / np.sqrt(np.mean(intercepts**2) * np.mean(slopes**2))
    assert values["cor_participant__Intercept__x"] == pytest.approx(correlation)


def test_every_grouping_factor_is_alike():
    formula = "y ~ x + (x | participant) + (1 | item)"
    options = {"design": {"x": {"normal": [0, 1]}}, "sizes": {"item": [5]}}
    choice = {"name": "multilevel_linear", "formula": formula, **options}
    family = families.find(choice)
    prior = family.Prior(**PRIORS, cor="lkj(2)", sigma="exponential(1)")
    rng = np.random.default_rng(4)
    _, values = family.simulate_joint("pooled", prior, {}, 6, 1, rng, {"item": 5})
    zero = {name for name, value in values.items() if value == 0}
    assert {f"r_item[{j},Intercept]" for j in range(1, 6)} | {"sd_item__Intercept"} <= zero
