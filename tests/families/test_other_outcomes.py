"""Families of other outcomes: Student t, Bernoulli, Poisson and ordinal.

Their numbers are compared with scipy.stats. Tests of randomness have fixed seeds; ALPHA is the
rate at which each would fail with a random seed if the code is correct.
"""

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from recovery import families
from recovery.families.family import SimulationError
from recovery.families.shipped.multilevel_ordinal import order_statistic_sd

ALPHA = 1e-3
ROBUST, BERNOULLI, POISSON = (
    families.find(f"multilevel_{name}") for name in ("robust", "bernoulli", "poisson")
)
EXPOSED = families.find({"name": "multilevel_poisson", "exposure": True})
ORDINAL = families.find({"name": "multilevel_ordinal", "categories": 4})
ALIKE = {"beta": (0.5, -1.0), "sigma_p": (0, 0), "rho": 0}
DIFFERENT = {"beta": (0.5, -1.0), "sigma_p": (1.0, 0.5), "rho": 0.3}
C = (-1.0, 0.5, 2.0)
TRUTHS = [
    (ROBUST, ROBUST.Truth(**DIFFERENT, sigma=1.5, nu=4.0)),
    (BERNOULLI, BERNOULLI.Truth(**DIFFERENT)),
    (POISSON, POISSON.Truth(**DIFFERENT)),
    (EXPOSED, EXPOSED.Truth(**DIFFERENT, exposure=(1, 2))),
    (ORDINAL, ORDINAL.Truth(**(DIFFERENT | {"beta": (-1.0,)}), c=C)),
]
every_family = pytest.mark.parametrize(("family", "truth"), TRUTHS)


def follows(sample, cdf) -> bool:
    """Whether a Kolmogorov-Smirnov test does not reject the distribution."""
    return stats.kstest(sample, cdf).pvalue > ALPHA


def close(estimate, expected, error) -> bool:
    return abs(estimate - expected) / error < stats.norm.isf(ALPHA / 2)


def linear_predictor(columns) -> np.ndarray:
    return 0.5 - 1.0 * columns["x"]


# Truths


@every_family
def test_a_truth_is_recovered_from_its_values(family, truth, rng):
    result = family.truth_from_estimates(family.simulate(truth, 3, 2, rng)[1])
    assert result.model_dump(exclude={"exposure"}) == truth.model_dump(exclude={"exposure"})


@every_family
def test_models_with_every_parameter_determine_a_truth(family, truth):
    determining = {model for model in family.MODELS if family.determines_truth(model)}
    assert determining == set(family.MODELS) - {"pooled"}


def test_degrees_of_freedom_are_drawn_from_a_gamma_above_1(rng):
    prior = ROBUST.Prior(
        beta_mean=0, beta_sd=1, sigma_p_rate=1, sigma_rate=0.5, nu_shape=2, nu_rate=1, lkj_eta=1
    )
    gamma = stats.gamma(2)  # a quarter of it lies below 1
    drawn = [ROBUST.draw_truth(prior, rng) for _ in range(3000)]
    assert follows([t.nu for t in drawn], lambda nu: 1 - gamma.sf(nu) / gamma.sf(1))
    assert follows([t.sigma for t in drawn], stats.expon(scale=2).cdf)
    mean = gamma.expect(lb=1, conditional=True)
    variance = gamma.expect(lambda nu: (nu - mean) ** 2, lb=1, conditional=True)
    result = ROBUST.prior_sd(prior, "pooled")
    assert result["nu"] == pytest.approx(np.sqrt(variance), rel=1e-6)
    assert result["sigma"] == 2


def test_a_prior_with_hardly_any_mass_above_1_is_refused_with_a_message(rng):
    prior = ROBUST.Prior(
        beta_mean=0, beta_sd=1, sigma_p_rate=1, sigma_rate=1, nu_shape=1, nu_rate=1e4, lkj_eta=1
    )
    with pytest.raises(SimulationError, match=r"nu ~ gamma\(1.0, 10000.0\) is almost never"):
        ROBUST.draw_truth(prior, rng)
    assert "nu" not in ROBUST.prior_sd(prior, "pooled")


def test_thresholds_are_sorted_normal_draws(rng):
    prior = ORDINAL.Prior(beta_mean=0, beta_sd=1, sigma_p_rate=1, c_mean=1, c_sd=2, lkj_eta=1)
    drawn = np.array([ORDINAL.draw_truth(prior, rng).c for _ in range(3000)])
    for place in range(3):
        order = stats.beta(place + 1, 3 - place)
        assert follows(drawn[:, place], lambda c, order=order: order.cdf(stats.norm(1, 2).cdf(c)))
    assert ORDINAL.prior_sd(prior, "pooled")["c[2]"] == 2 * order_statistic_sd(2, 3)


def test_normal_order_statistics_have_their_known_variances():
    # Of 2: 1 - 1 / pi. Of 3: David & Nagaraja (2003), Order Statistics, section 3.2.
    assert order_statistic_sd(1, 2) ** 2 == pytest.approx(1 - 1 / np.pi, rel=1e-9)
    extreme = 1 + np.sqrt(3) / (2 * np.pi) - 9 / (4 * np.pi)
    assert order_statistic_sd(3, 3) ** 2 == pytest.approx(extreme, rel=1e-9)
    assert order_statistic_sd(2, 3) ** 2 == pytest.approx(1 - np.sqrt(3) / np.pi, rel=1e-9)


def test_thresholds_must_increase():
    with pytest.raises(ValidationError, match="must be increasing"):
        ORDINAL.Truth(beta=(1.0,), sigma_p=(1, 1), rho=0, c=(0, 1, 1))


def test_an_ordinal_regression_has_no_population_intercept():
    assert "b_Intercept" not in ORDINAL.PARAMETERS
    assert [name for name in ORDINAL.PARAMETERS if name.startswith("c")] == ["c[1]", "c[2]", "c[3]"]
    assert [ORDINAL.population_of(name) for name in ORDINAL.COEFFICIENTS] == [None, "b_x"]


# Simulation


def test_residuals_are_student_t(rng):
    truth = ROBUST.Truth(**ALIKE, sigma=1.5, nu=4.0)
    columns, values = ROBUST.simulate(truth, 5, 1000, rng)
    residuals = columns["y"] - ROBUST.expected(values, columns)
    assert follows(residuals / 1.5, stats.t(4).cdf)


def test_log_odds_of_binary_outcomes_equal_the_linear_predictor(rng):
    columns, _ = BERNOULLI.simulate(BERNOULLI.Truth(**ALIKE), 5, 4000, rng)
    p = stats.logistic.cdf(linear_predictor(columns))
    for weight in (1, columns["x"]):  # what the score of a logistic regression is made of
        score, variance = weight * (columns["y"] - p), weight**2 * p * (1 - p)
        assert close(score.sum(), 0, np.sqrt(variance.sum()))
    assert set(columns["y"]) == {0, 1}


def test_counts_have_the_mean_and_variance_of_their_rate(rng):
    columns, _ = EXPOSED.simulate(EXPOSED.Truth(**ALIKE, exposure=(2, 6)), 5, 4000, rng)
    assert follows(columns["exposure"], stats.uniform(2, 4).cdf)
    rate = columns["exposure"] * np.exp(linear_predictor(columns))
    z = (columns["y"] - rate) / np.sqrt(rate)
    assert close(z.mean(), 0, 1 / np.sqrt(z.size))
    assert close(np.mean(z**2), 1, np.sqrt(np.mean(2 + 1 / rate) / z.size))


def test_the_mean_of_counts_over_participants_is_that_of_a_lognormal_rate(rng):
    truth = POISSON.Truth(beta=(0.5, 0.0), sigma_p=(0.6, 0.0), rho=0)
    columns, _ = POISSON.simulate(truth, 20_000, 1, rng)
    y = columns["y"]
    assert close(y.mean(), np.exp(0.5 + 0.6**2 / 2), stats.sem(y))


def test_shares_of_categories_follow_from_the_thresholds(rng):
    truth = ORDINAL.Truth(beta=(0.0,), sigma_p=(0, 0), rho=0, c=C)
    columns, _ = ORDINAL.simulate(truth, 5, 2000, rng)
    shares = np.diff([0, *stats.logistic.cdf(C), 1])
    counts = np.bincount(columns["y"], minlength=5)[1:]
    assert stats.chisquare(counts, columns["y"].size * shares).pvalue > ALPHA


def test_higher_linear_predictors_give_higher_categories(rng):
    truth = ORDINAL.Truth(beta=(50.0,), sigma_p=(0, 0), rho=0, c=C)
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
    thresholds = {f"c[{k}]": c for k, c in enumerate(C, start=1)}
    shares = np.diff([0, *stats.logistic.cdf(np.array(C) + 2), 1])
    result = ORDINAL.expected(values | thresholds, columns)
    assert result[1] == pytest.approx(shares @ [1, 2, 3, 4])


def test_curved_lines_have_many_points(rng):
    columns, values = BERNOULLI.simulate(BERNOULLI.Truth(**DIFFERENT), 3, 5, rng)
    grid = BERNOULLI.line_grid(columns)
    assert grid["x"].size == 3 * 25
    assert BERNOULLI.expected(values, grid).size == 3 * 25


def _with_scipy(family, columns, eta, values):
    """The log density of every observation, by scipy.stats."""
    y = columns["y"][:, None]
    if family is ROBUST:
        return stats.t.logpdf(y, values["nu"], eta, values["sigma"])
    if family is BERNOULLI:
        return stats.bernoulli.logpmf(y, stats.logistic.cdf(eta))
    if family is ORDINAL:
        c = np.array([np.full(eta.shape[1], -np.inf), *(values[f"c[{k}]"] for k in (1, 2, 3))])
        c = np.vstack([c, np.full(eta.shape[1], np.inf)])
        return np.log(
            stats.logistic.cdf(c[y[:, 0]] - eta) - stats.logistic.cdf(c[y[:, 0] - 1] - eta)
        )
    return stats.poisson.logpmf(y, np.exp(eta) * columns.get("exposure", np.ones(y.size))[:, None])


@every_family
def test_log_likelihoods_agree_with_scipy(family, truth, rng):
    columns, values = family.simulate(truth, 4, 6, rng)
    draws = {name: value + 0.1 * rng.random(7) for name, value in values.items()}
    person = columns["participant"]
    eta = np.array([draws[f"r_participant[{j},Intercept]"] for j in person])
    eta = eta + columns["x"][:, None] * np.array([draws[f"r_participant[{j},x]"] for j in person])
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
    thresholds = {f"c[{k}]": np.array([c]) for k, c in enumerate(C, start=1)}
    result = ORDINAL.log_likelihood(values | thresholds, columns)
    np.testing.assert_allclose(result[:, 0], [0, -801])


# Observed data

TABLE = {
    "who": np.array([1, 1, 2]),
    "day": np.array([0.0, 1.0, 2.0]),
    "time": np.array([1, 2, 0.5]),
}


def read(family, y, time=(1, 2, 0.5), standardize=False):
    names = {"outcome": "y", "predictor": "day", "participant": "who"}
    if family is EXPOSED:
        names["exposure"] = "time"
    table = TABLE | {"y": np.array(y), "time": np.array(time)}
    return family.read_observed(table, family.ObservedColumns(**names), standardize)


def test_observed_outcomes_are_integers_and_never_standardized():
    columns = read(BERNOULLI, [0.0, 1.0, 1.0], standardize=True)
    assert columns["y"].tolist() == [0, 1, 1]
    assert np.issubdtype(columns["y"].dtype, np.integer)
    assert columns["x"].tolist() == [-1, 0, 1]
    assert read(EXPOSED, [0, 4, 2], standardize=True)["exposure"].tolist() == [1, 2, 0.5]


@pytest.mark.parametrize(
    ("family", "y", "words"),
    [
        (BERNOULLI, [0, 1, 2], "column 'y' must hold only 0 and 1"),
        (
            POISSON,
            [0, 1, 0.5],
            "column 'y' must hold counts: whole numbers from 0 to 2,147,483,647",
        ),
        (POISSON, [0, -1, 1], "column 'y' must hold counts"),
        (POISSON, [0, 2**31, 1], "column 'y' must hold counts"),
        (ORDINAL, [0, 1, 2], "column 'y' must hold only categories, whole numbers from 1 to 4"),
        (ORDINAL, [1, 2, 5], "column 'y' must hold only categories"),
        (ROBUST, ["a", "b", "c"], "column 'y' must hold numbers"),
    ],
)
def test_observed_outcomes_of_another_type_are_refused_with_a_message(family, y, words):
    with pytest.raises(ValueError, match=words):
        read(family, y)


def test_exposures_must_be_above_0():
    with pytest.raises(ValueError, match="column 'time' must hold only numbers above 0"):
        read(EXPOSED, [0, 1, 2], time=(1, 0, 2))
