"""Families of other outcomes: their truths, simulations, expectations, densities and observed data.

Their numbers are compared with scipy.stats. Tests of randomness have fixed seeds; ALPHA is the
rate at which each would fail with a random seed if the code is correct.
"""

import numpy as np
import pytest
from outcome_families import (
    ALIKE,
    BERNOULLI,
    BETA,
    BINOMIAL,
    DIFFERENT,
    EXPOSED,
    EXPOSED_NEGATIVE,
    GAMMA,
    LOGNORMAL,
    NEGATIVE,
    ORDINAL,
    POISSON,
    REGRESSION,
    ROBUST,
    THRESHOLDS,
    C,
    every_family,
    values_of,
)
from pydantic import ValidationError
from randomness import ALPHA, close, follows
from scipy import stats
from simulated_datasets import drawn_from_prior

from recovery import families
from recovery.families.family import SimulationError


def linear_predictor(columns) -> np.ndarray:
    return 0.5 - 1.0 * columns["x"]


# Truths


@every_family
def test_a_truth_is_recovered_from_its_values(family, truth, rng):
    result = family.truth_from_estimates(family.simulate(truth, 3, 2, rng)[1])
    assert result == truth


@every_family
def test_models_with_every_parameter_determine_a_truth(family, truth):
    determining = {model for model in family.MODELS if family.determines_truth(model)}
    assert determining == set(family.MODELS) - {"pooled"}


def test_degrees_of_freedom_are_drawn_from_a_gamma_above_1(rng):
    prior = ROBUST.Prior(**REGRESSION, sigma="exponential(0.5)", nu="gamma(2, 1)")
    gamma = stats.gamma(2)  # a quarter of it lies below 1
    drawn = [values for _, values in drawn_from_prior(ROBUST, prior, rng, 3000)]
    assert follows([each["nu"] for each in drawn], lambda nu: 1 - gamma.sf(nu) / gamma.sf(1))
    assert follows([each["sigma"] for each in drawn], stats.expon(scale=2))
    mean = gamma.expect(lb=1, conditional=True)
    variance = gamma.expect(lambda nu: (nu - mean) ** 2, lb=1, conditional=True)
    result = ROBUST.prior_sd(prior, "pooled")
    assert result["nu"] == pytest.approx(np.sqrt(variance), rel=1e-6)
    assert result["sigma"] == 2


def test_a_prior_with_hardly_any_mass_above_1_is_refused_with_a_message():
    message = r"gamma\(1, 10000\)', must have some of its probability above 1, where nu is"
    with pytest.raises(ValidationError, match=message):
        ROBUST.Prior(**REGRESSION, sigma="exponential(1)", nu="gamma(1, 1e4)")


@pytest.mark.parametrize(
    ("family", "name", "text", "distribution"),
    [
        (NEGATIVE, "shape", "gamma(3, 0.5)", stats.gamma(3, scale=2)),
        (LOGNORMAL, "sigma", "exponential(4)", stats.expon(scale=1 / 4)),
        (GAMMA, "shape", "gamma(3, 0.5)", stats.gamma(3, scale=2)),
        (BETA, "phi", "gamma(40, 2)", stats.gamma(40, scale=1 / 2)),  # smaller ones: 0 or 1
    ],
    ids=["negative binomial", "lognormal", "gamma", "beta"],
)
def test_the_parameter_of_an_outcome_is_drawn_from_its_prior(family, name, text, distribution, rng):
    narrow = {"Intercept": "normal(0, 0.1)", "b": "normal(0, 0.1)", "sd": "exponential(10)"}
    prior = family.Prior(**REGRESSION | narrow, **{name: text})
    drawn = [values[name] for _, values in drawn_from_prior(family, prior, rng, 2000)]
    assert follows(drawn, distribution)
    assert family.prior_sd(prior, "pooled")[name] == pytest.approx(distribution.std())
    assert [*family.POSITIVE] == ["sd_participant__Intercept", "sd_participant__x", name]


def test_thresholds_are_sorted_normal_draws(rng):
    prior = ORDINAL.Prior(**REGRESSION | {"Intercept": "normal(1, 2)"})
    drawn = drawn_from_prior(ORDINAL, prior, rng, 3000)
    for place, name in enumerate(THRESHOLDS):
        order = stats.beta(place + 1, 3 - place)
        at_means = [values[name] - values["b_x"] * of["x"].mean() for of, values in drawn]
        assert follows(at_means, lambda c, order=order: order.cdf(stats.norm(1, 2).cdf(c)))
    assert not set(THRESHOLDS) & set(ORDINAL.prior_sd(prior, "pooled"))  # it is at means of data


def test_thresholds_must_increase():
    with pytest.raises(ValidationError, match="must be increasing"):
        ORDINAL.Truth(**values_of((1.0,)), thresholds=(0, 1, 1))


def test_an_ordinal_regression_has_no_population_intercept():
    assert "b_Intercept" not in ORDINAL.PARAMETERS
    assert [name for name in ORDINAL.PARAMETERS if name.startswith("b_")] == ["b_x", *THRESHOLDS]
    assert (ORDINAL.layout.centre, ORDINAL.layout.fixed) == ((2, 1), ())
    columns = {"participant": np.array([1]), "x": np.zeros(1), "y": np.ones(1)}
    names = ORDINAL.parameter_names(["b[1]", "c[1]", "c[2]", "c[3]"], columns)
    assert names == ["b_x", *THRESHOLDS]


# Simulation


def test_residuals_are_student_t(rng):
    truth = ROBUST.Truth(**ALIKE, sigma=1.5, nu=4.0)
    columns, values = ROBUST.simulate(truth, 5, 1000, rng)
    residuals = columns["y"] - ROBUST.expected(values, columns)
    assert follows(residuals / 1.5, stats.t(4))


def test_log_odds_of_binary_outcomes_equal_the_linear_predictor(rng):
    columns, _ = BERNOULLI.simulate(BERNOULLI.Truth(**ALIKE), 5, 4000, rng)
    p = stats.logistic.cdf(linear_predictor(columns))
    for weight in (1, columns["x"]):  # what the score of a logistic regression is made of
        score, variance = weight * (columns["y"] - p), weight**2 * p * (1 - p)
        assert close(score.sum(), 0, np.sqrt(variance.sum()))
    assert set(columns["y"]) == {0, 1}


def test_counts_have_the_mean_and_variance_of_their_rate(rng):
    columns, _ = EXPOSED.simulate(EXPOSED.Truth(**ALIKE), 5, 4000, rng)
    assert follows(columns["exposure"], stats.uniform(2, 4))
    rate = columns["exposure"] * np.exp(linear_predictor(columns))
    z = (columns["y"] - rate) / np.sqrt(rate)
    assert close(z.mean(), 0, 1 / np.sqrt(z.size))
    assert close(np.mean(z**2), 1, np.sqrt(np.mean(2 + 1 / rate) / z.size))


def test_the_mean_of_counts_over_participants_is_that_of_a_lognormal_rate(rng):
    truth = POISSON.Truth(**values_of((0.5, 0.0), (0.6, 0.0)))
    columns, _ = POISSON.simulate(truth, 20_000, 1, rng)
    y = columns["y"]
    assert close(y.mean(), np.exp(0.5 + 0.6**2 / 2), stats.sem(y))


def test_counts_of_a_negative_binomial_have_its_mean_and_variance(rng):
    shape = 3.0
    truth = EXPOSED_NEGATIVE.Truth(**ALIKE, shape=shape)
    columns, _ = EXPOSED_NEGATIVE.simulate(truth, 5, 4000, rng)
    rate = columns["exposure"] * np.exp(linear_predictor(columns))
    variance = rate + rate**2 / shape
    z = (columns["y"] - rate) / np.sqrt(variance)
    kurtosis = stats.nbinom.stats(shape, shape / (shape + rate), moments="k") + 3
    assert close(z.mean(), 0, 1 / np.sqrt(z.size))
    assert close(np.mean(z**2), 1, np.sqrt(np.mean(kurtosis - 1) / z.size))
    assert np.issubdtype(columns["y"].dtype, np.integer)


def test_successes_have_the_mean_and_variance_of_their_trials(rng):
    columns, _ = BINOMIAL.simulate(BINOMIAL.Truth(**ALIKE), 5, 4000, rng)
    p, n = stats.logistic.cdf(linear_predictor(columns)), columns["n"]
    assert set(n) == {1, 4, 20}
    assert np.all((columns["y"] >= 0) & (columns["y"] <= n))
    z = (columns["y"] - n * p) / np.sqrt(n * p * (1 - p))
    kurtosis = stats.binom.stats(n, p, moments="k") + 3
    assert close(z.mean(), 0, 1 / np.sqrt(z.size))
    assert close(np.mean(z**2), 1, np.sqrt(np.mean(kurtosis - 1) / z.size))


def test_logarithms_of_lognormal_outcomes_are_normal(rng):
    columns, _ = LOGNORMAL.simulate(LOGNORMAL.Truth(**ALIKE, sigma=0.6), 5, 1000, rng)
    residuals = np.log(columns["y"]) - linear_predictor(columns)
    assert follows(residuals, stats.norm(0, 0.6))


def test_gamma_outcomes_have_their_mean_and_shape(rng):
    columns, _ = GAMMA.simulate(GAMMA.Truth(**ALIKE, shape=2.5), 5, 1000, rng)
    relative = columns["y"] / np.exp(linear_predictor(columns))
    assert follows(relative, stats.gamma(2.5, scale=1 / 2.5))


def test_proportions_are_beta_with_their_mean_and_precision(rng):
    columns, _ = BETA.simulate(BETA.Truth(**ALIKE, phi=8.0), 5, 1000, rng)
    mean = stats.logistic.cdf(linear_predictor(columns))
    ranks = stats.beta.cdf(columns["y"], 8 * mean, 8 * (1 - mean))
    assert follows(ranks, stats.uniform)
    z = (columns["y"] - mean) / np.sqrt(mean * (1 - mean) / (1 + 8))
    assert close(np.mean(z**2), 1, stats.sem(z**2))


@every_family
def test_expected_outcomes_are_the_means_of_simulated_ones(family, truth, rng):
    rows = {"participant": np.repeat([1, 2, 3], 20_000), "x": np.tile([-0.5, 1.0], 30_000)}
    rows |= {"exposure": np.full(60_000, 3.0), "n": np.full(60_000, 7.0)}
    columns, values = family.simulate(truth, 3, rows, rng)
    residuals = columns["y"] - family.expected(values, columns)
    for place in range(6):
        cell = (columns["participant"] == place % 3 + 1) & (columns["x"] == (-0.5, 1.0)[place // 3])
        z = residuals[cell].mean() / stats.sem(residuals[cell])
        assert abs(z) < stats.norm.isf(ALPHA / 2 / 6)


def test_successes_of_trials_that_are_a_number_have_it_in_every_row(rng):
    ten = families.find(
        {"name": "multilevel_binomial", "formula": "y | trials(10) ~ x + (x | participant)"}
    )
    columns, _ = ten.simulate(ten.Truth(**values_of((50.0, 0.0))), 3, 2, rng)
    assert columns["y"].tolist() == [10] * 6
    assert "n" not in columns
    data = ten.stan_data(columns, ten.Prior(**REGRESSION), "pooled")
    assert data["trials"].tolist() == [10] * 6


def test_trials_that_are_not_whole_numbers_are_refused_with_a_message(rng):
    design = {"x": {"normal": [0, 1]}, "n": {"values": [1.5, 2]}}
    formula = "y | trials(n) ~ x + (x | participant)"
    half = families.find({"name": "multilevel_binomial", "formula": formula, "design": design})
    with pytest.raises(ValueError, match="whole numbers"):
        half.simulate(half.Truth(**ALIKE), 3, 2, rng)


@pytest.mark.parametrize(
    ("family", "b", "own", "message"),
    [
        (NEGATIVE, 25.0, {"shape": 1.0}, r"an expected count is exp\(25\)"),
        (LOGNORMAL, 800.0, {"sigma": 1.0}, "too large or too small"),
        (GAMMA, 800.0, {"shape": 1.0}, "too large or too small"),
        (GAMMA, -800.0, {"shape": 1.0}, "too large or too small"),
        (BETA, 30.0, {"phi": 1.0}, "a proportion is 0 or 1 after rounding"),
        (BETA, -800.0, {"phi": 1.0}, "a proportion is 0 or 1 after rounding"),
    ],
)
def test_outcomes_that_a_computer_cannot_hold_are_refused_with_a_message(
    family, b, own, message, rng
):
    with pytest.raises(SimulationError, match=message):
        family.simulate(family.Truth(**values_of((b, 0.0)), **own), 3, 2, rng)


def test_shares_of_categories_follow_from_the_thresholds(rng):
    truth = ORDINAL.Truth(**values_of((0.0,)), thresholds=C)
    columns, _ = ORDINAL.simulate(truth, 5, 2000, rng)
    shares = np.diff([0, *stats.logistic.cdf(C), 1])
    counts = np.bincount(columns["y"], minlength=5)[1:]
    assert stats.chisquare(counts, columns["y"].size * shares).pvalue > ALPHA


def test_higher_linear_predictors_give_higher_categories(rng):
    truth = ORDINAL.Truth(**values_of((50.0,)), thresholds=C)
    columns, _ = ORDINAL.simulate(truth, 2, 200, rng)
    assert set(columns["y"][columns["x"] > 0.5]) == {4}
    assert set(columns["y"][columns["x"] < -0.5]) == {1}


# Expected outcomes and densities


def test_expected_outcomes_are_probabilities_rates_and_mean_categories():
    columns = {"participant": np.array([1, 1]), "x": np.array([0.0, 2.0])}
    eta = np.array([0.5, -1.5])
    values = {"b_Intercept": 0.5, "b_x": -1.0}
    np.testing.assert_allclose(BERNOULLI.expected(values, columns), stats.logistic.cdf(eta))
    np.testing.assert_allclose(POISSON.expected(values, columns), np.exp(eta))
    exposed = columns | {"exposure": np.array([2.0, 3.0])}
    np.testing.assert_allclose(EXPOSED.expected(values, exposed), [2, 3] * np.exp(eta))
    shares = np.diff([0, *stats.logistic.cdf(np.array(C) + 2), 1])
    result = ORDINAL.expected(values | THRESHOLDS, columns)
    assert result[1] == pytest.approx(shares @ [1, 2, 3, 4])
    np.testing.assert_allclose(NEGATIVE.expected(values | {"shape": 2}, columns), np.exp(eta))
    np.testing.assert_allclose(GAMMA.expected(values | {"shape": 2}, columns), np.exp(eta))
    lognormal = stats.lognorm(0.6, scale=np.exp(eta)).mean()
    np.testing.assert_allclose(LOGNORMAL.expected(values | {"sigma": 0.6}, columns), lognormal)
    proportions = stats.logistic.cdf(eta)
    np.testing.assert_allclose(BETA.expected(values | {"phi": 2}, columns), proportions)
    successes = BINOMIAL.expected(values, columns | {"n": np.array([4.0, 10.0])})
    np.testing.assert_allclose(successes, [4, 10] * proportions)


def test_curved_lines_have_many_points(rng):
    columns, values = BERNOULLI.simulate(BERNOULLI.Truth(**DIFFERENT), 3, 5, rng)
    grid = BERNOULLI.line_grid(columns)
    assert grid["x"].size == 3 * 25
    assert BERNOULLI.expected(values, grid).size == 3 * 25


def _with_scipy(family, columns, eta, values):
    """The log density of every observation, by scipy.stats."""
    y, mean, p = columns["y"][:, None], np.exp(eta), stats.logistic.cdf(eta)
    if family is ROBUST:
        return stats.t.logpdf(y, values["nu"], eta, values["sigma"])
    if family is BERNOULLI:
        return stats.bernoulli.logpmf(y, p)
    if family is BINOMIAL:
        return stats.binom.logpmf(y, columns["n"][:, None], p)
    if family is LOGNORMAL:
        return stats.lognorm.logpdf(y, values["sigma"], scale=mean)
    if family is GAMMA:
        return stats.gamma.logpdf(y, values["shape"], scale=mean / values["shape"])
    if family is BETA:
        return stats.beta.logpdf(y, p * values["phi"], (1 - p) * values["phi"])
    if family is ORDINAL:
        c = np.array([values[name] for name in THRESHOLDS])
        infinity = np.full((1, eta.shape[1]), np.inf)
        c = np.vstack([-infinity, c, infinity])
        return np.log(
            stats.logistic.cdf(c[y[:, 0]] - eta) - stats.logistic.cdf(c[y[:, 0] - 1] - eta)
        )
    if family in (NEGATIVE, EXPOSED_NEGATIVE):
        shape = values["shape"]
        return stats.nbinom.logpmf(y, shape, shape / (shape + mean))
    return stats.poisson.logpmf(y, mean)


@every_family
def test_log_likelihoods_agree_with_scipy(family, truth, rng):
    columns, values = family.simulate(truth, 4, 6, rng)
    draws = {name: value + 0.1 * rng.random(7) for name, value in values.items()}
    person = columns["participant"]
    intercepts, slopes = (
        draws.get(f"b_{name}", 0) + np.array([draws[f"r_participant[{j},{name}]"] for j in person])
        for name in ("Intercept", "x")
    )
    eta = intercepts + columns["x"][:, None] * slopes
    eta = eta + np.log(columns.get("exposure", np.ones(24)))[:, None]
    result = family.log_likelihood(draws, columns)
    assert result.shape == (24, 7)
    np.testing.assert_allclose(result, _with_scipy(family, columns, eta, draws), rtol=1e-10)


def test_log_likelihoods_are_finite_far_in_the_tails():
    columns = {
        "participant": np.array([1, 1]),
        "x": np.array([-800.0, 800.0]),
        "y": np.array([1, 1]),
    }
    values = {"b_Intercept": np.zeros(1), "b_x": np.ones(1)}
    assert BERNOULLI.log_likelihood(values, columns)[:, 0].tolist() == [-800, 0]
    thresholds = {name: np.array([c]) for name, c in THRESHOLDS.items()}
    result = ORDINAL.log_likelihood(values | thresholds, columns)
    np.testing.assert_allclose(result[:, 0], [0, -801])
    of_one = columns | {"n": np.array([1.0, 1.0])}
    assert BINOMIAL.log_likelihood(values, of_one)[:, 0].tolist() == [-800, 0]
    low, high = NEGATIVE.log_likelihood(values | {"shape": np.full(1, 2.0)}, columns)[:, 0]
    # 2 mu (2 / (2 + mu))^3 with mu = exp(-800), then exp(800)
    np.testing.assert_allclose([low, high], [-800, np.log(8 * 2) - np.log(2) - 2 * 800])
