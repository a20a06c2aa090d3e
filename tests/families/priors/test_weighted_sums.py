"""Prior densities of weighted sums of parameters, against scipy's and numerical convolution."""

import numpy as np
import pytest
from scipy import integrate, stats

from recovery.families.priors import Bounded, read_distribution, weighted_sum

SCIPY = {
    "normal(1, 2)": stats.norm(1, 2),
    "normal(0, 0.5)": stats.norm(0, 0.5),
    "student_t(3, 0, 2.5)": stats.t(3, 0, 2.5),
    "cauchy(0, 1)": stats.cauchy(0, 1),
    "logistic(-1, 0.5)": stats.logistic(-1, 0.5),
    "double_exponential(0, 1)": stats.laplace(0, 1),
}


def summed(texts, weights):
    return weighted_sum([Bounded(read_distribution(text)) for text in texts], weights)


@pytest.mark.parametrize("text", SCIPY)
def test_the_density_of_one_weighted_parameter_is_exact(text):
    found = summed([text], [-0.5]).log_prior_density(0.7)
    assert found == pytest.approx(SCIPY[text].logpdf(-1.4) + np.log(2), rel=1e-12)


def test_the_density_of_a_sum_of_normal_parameters_is_exact():
    found = summed(["normal(1, 2)", "normal(0, 0.5)"], [2, -3]).log_prior_density(0.4)
    assert found == pytest.approx(stats.norm.logpdf(0.4, 2, np.hypot(4, 1.5)), rel=1e-12)


@pytest.mark.parametrize("value", [0.0, 1.5, -4.0])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("student_t(3, 0, 2.5)", "normal(0, 0.5)"),
        ("cauchy(0, 1)", "logistic(-1, 0.5)"),
        ("double_exponential(0, 1)", "normal(1, 2)"),
    ],
)
def test_the_density_of_other_sums_is_their_convolution(one, other, value):
    def product(x):
        return SCIPY[one].pdf(x) * SCIPY[other].pdf((value - x) / -0.5) * 2

    exact = integrate.quad(product, -200, 200, limit=2000, points=[-5, -1, 0, 1, 5])[0]
    found = summed([one, other], [1, -0.5]).log_prior_density(value)
    assert np.exp(found) == pytest.approx(exact, rel=2e-3)


def test_the_density_of_a_mean_of_many_agrees_with_draws(rng):
    found = summed(["student_t(3, 0, 1)"] * 12, [1 / 12] * 12).log_prior_density(0.3)
    means = rng.standard_t(3, size=(400_000, 12)).mean(axis=1)
    share = (np.abs(means - 0.3) < 0.02).mean()  # about 17,000 draws: an error of 0.8 %
    assert np.exp(found) == pytest.approx(share / 0.04, rel=0.03)


def test_constants_are_added_and_take_no_place():
    found = summed(["normal(0, 1)", "constant(2)", "normal(0, 3)", "flat"], [1, 0.5, 2, 0])
    assert found.places.tolist() == [0, 1]
    assert found.log_prior_density(1.5) == pytest.approx(stats.norm.logpdf(0.5, 0, np.hypot(1, 6)))
