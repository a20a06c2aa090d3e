"""Effects of crossed factors on means of cells: against R, exact tests and brute force."""

import json
from itertools import product

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from scipy import special, stats
from statsmodels.stats.multivariate import test_mvmean as hotelling

from recovery.score import factorial_effects
from recovery.score.factorial_effects import Moments, contrasts, degrees, shares, terms, wald

R = json.loads((ROOT / "tests/reference/design_effects.json").read_text())
FACTORS = ("truth", "participants", "model", "prior")
SIZES = {"truth": 2, "participants": 3, "model": 3, "prior": 2}


def moments(datasets) -> Moments:
    """Moments of scenarios, from one array of shape (n, n_cells) each."""
    covariances = [np.atleast_2d(np.cov(each.T)) / len(each) for each in datasets]
    means = np.array([each.mean(axis=0) for each in datasets])
    return Moments(means, np.array(covariances), np.array([len(each) for each in datasets]))


def outcome(data, term, sizes):
    return wald(moments(data), contrasts(term, sizes, len(data)))


# Against R


@pytest.fixture(scope="module")
def levels():
    return {name: list(dict.fromkeys(R["data"][name])) for name in FACTORS}


@pytest.fixture(scope="module")
def by_scenario(levels):
    """The data of the R script: an array for each scenario, a column for each cell."""
    table = pd.DataFrame(R["data"]).set_index([*FACTORS, "dataset"])["value"].sort_index()
    cells = list(product(levels["model"], levels["prior"]))
    return [
        np.column_stack([table.loc[(*scenario, *cell)].to_numpy() for cell in cells])
        for scenario in product(levels["truth"], levels["participants"])
    ]


def test_terms_are_main_effects_and_pairs_of_the_factors_with_several_levels():
    assert terms({"a": 2, "b": 1, "c": 3}) == [("a",), ("c",), ("a", "c")]
    assert {":".join(term) for term in terms(SIZES)} == set(R["wald"])


@pytest.mark.parametrize("name", R["wald"])
def test_wald_statistics_are_those_of_cluster_robust_regression(by_scenario, name):
    term, expected = tuple(name.split(":")), R["wald"][name]
    found = outcome(by_scenario, term, SIZES)
    q = degrees(term, SIZES)
    assert found.df == q == expected["df"]
    nu = found.df_error + q - 1
    assert found.statistic * nu / found.df_error == pytest.approx(expected["f"], rel=1e-9)


@pytest.mark.parametrize("factor", FACTORS)
def test_differences_of_marginal_means_are_those_of_emmeans(by_scenario, levels, factor):
    expected = R["differences"][factor]
    found = factorial_effects.largest_difference(moments(by_scenario), factor, SIZES)
    assert (found.value, found.mcse) == pytest.approx((expected["value"], expected["se"]))
    names = levels[factor][found.smallest], levels[factor][found.largest]
    assert names == (expected["from"], expected["to"])


def test_without_noise_shares_are_those_of_an_analysis_of_variance_of_the_means(by_scenario):
    exact = moments(by_scenario)
    exact = exact._replace(covariance=np.zeros_like(exact.covariance))
    total = sum(R["squares"].values())
    expected = {name: R["squares"][name] / total for name in R["wald"]}
    found = {":".join(term): share for term, share in shares(exact, SIZES).items()}
    assert found == pytest.approx(expected)


# Exact tests, and the approximation of degrees of freedom


def test_one_contrast_of_two_scenarios_has_welchs_test(rng):
    first, second = rng.normal(size=(7, 1)), 3 * rng.normal(size=(12, 1)) + 1
    found = outcome([first, second], ("n",), {"n": 2, "model": 1})
    expected = stats.ttest_ind(first[:, 0], second[:, 0], equal_var=False)
    assert found.statistic == pytest.approx(expected.statistic**2)
    assert found.df_error == pytest.approx(expected.df)
    assert found.p_value == pytest.approx(expected.pvalue)


def test_two_models_in_one_scenario_have_the_test_of_pairs(rng):
    data = rng.normal(size=(9, 2))
    found = outcome([data], ("model",), {"model": 2})
    expected = stats.ttest_rel(*data.T)
    assert found.statistic == pytest.approx(expected.statistic**2)
    assert found.p_value == pytest.approx(expected.pvalue)


@pytest.mark.parametrize("levels", [3, 4])
def test_one_scenario_has_hotellings_test(rng, levels):
    data = rng.normal(size=(9, levels)) + np.arange(levels) / 4
    found = outcome([data], ("model",), {"model": levels})
    expected = hotelling(np.diff(data, axis=1), np.zeros(levels - 1))
    assert found.statistic == pytest.approx(expected.statistic)
    assert (found.df, found.df_error) == pytest.approx(expected.df)
    assert found.p_value == pytest.approx(expected.pvalue)


def test_the_error_degrees_match_the_spread_of_covariance_matrices(rng):
    n, spreads = np.array([6, 10, 15]), (1.0, 0.3, 2.0)
    covariances = [spread * (np.eye(2) + 0.5) for spread in spreads]
    sizes, term = {"n": 3, "model": 2}, ("n", "model")
    weights = contrasts(term, sizes, 3)
    exact = Moments(rng.normal(size=(3, 2)), np.array(covariances) / n[:, None, None], n)
    nu = wald(exact, weights).df_error + 1
    parts = [
        stats.wishart(size - 1, covariance / (size - 1) / size).rvs(40_000, random_state=rng)
        for size, covariance in zip(n, covariances, strict=True)
    ]
    drawn = sum(w @ part @ w.T for w, part in zip(weights.swapaxes(0, 1), parts, strict=True))
    root = np.linalg.inv(np.linalg.cholesky(drawn.mean(axis=0)))
    spread = (root @ drawn @ root.T).var(axis=0).sum()
    assert 6 / spread == pytest.approx(nu, rel=0.03)  # q (q + 1) of q = 2; 3 % is 4 of its SDs


# False alarms


RHO = 0.9  # correlation of the values of two cells on the same dataset
FALSE_ALARMS = 0.05
SPREAD = np.array([1.0, 0.7, 0.4, 2.0, 1.2, 0.8])  # of the six scenarios


def nothing(rng, kind, n=20):
    """Datasets of six scenarios with six cells each, all with the same mean."""
    shared, own = rng.normal(size=(6, n, 1)), rng.normal(size=(6, n, 6))
    z = np.sqrt(RHO) * shared + np.sqrt(1 - RHO) * own
    return {
        "error": SPREAD[:, None, None] * z,
        "squared error": z**2,
        "width": SPREAD[:, None, None] * (np.exp(0.3 * z) - np.exp(0.045)),
        "coverage": (np.abs(z) < special.ndtri(0.945)).astype(float),
    }[kind]


@pytest.mark.parametrize("kind", ["error", "squared error", "width", "coverage"])
def test_false_alarms_at_20_datasets(kind):
    """At 5 %, the rate of each term lies in 1 to 8 %.

    If the rate is 5 %, more than 64 false alarms in 800 studies have a chance of 1 in 9,000, for
    each of the 40 terms here. The rate may be lower, as that of rare misses of coverage is.
    """
    rng = np.random.default_rng(20261127)
    p_values = {term: [] for term in terms(SIZES)}
    weights = {term: contrasts(term, SIZES, 6) for term in p_values}
    for _ in range(800):
        study = moments(nothing(rng, kind))
        for term, found in p_values.items():
            found.append(wald(study, weights[term]).p_value)
    for term, found in p_values.items():
        rate = np.mean(np.array(found) < FALSE_ALARMS)
        assert 0.01 <= rate <= 0.08, (term, rate)


# Directions without variance


def test_cells_that_always_agree_have_no_effect_and_leave_other_contrasts_tested(rng):
    values = rng.normal(size=(10, 1))
    same = [np.hstack([values, values])]
    assert outcome(same, ("model",), {"model": 2})[0::3] == (0.0, 1.0)
    other = rng.normal(size=(10, 1))
    three = outcome([np.hstack([values, values, other])], ("model",), {"model": 3})
    two = outcome([np.hstack([values, other])], ("model",), {"model": 2})
    assert three == pytest.approx(two)


def test_a_difference_that_is_the_same_in_every_dataset_has_the_p_value_of_equal_signs():
    hits = [np.tile([1.0, 0.0], (n, 1)) for n in (8, 5)]
    found = outcome(hits, ("model",), {"n": 2, "model": 2})
    assert found.p_value == 2**-4
    assert np.isnan(found.statistic)


def test_there_is_no_test_with_too_few_datasets(rng):
    data = rng.normal(size=(4, 5))
    assert np.isnan(outcome([data], ("model",), {"model": 5}).p_value)
    assert not np.isnan(outcome([rng.normal(size=(5, 5))], ("model",), {"model": 5}).p_value)


# Shares and their noise


def test_shares_are_right_on_average_where_noise_is_large(rng):
    """Simulated studies have the shares of the true means, which plain sums of squares lack."""
    sizes = {"n": 3, "model": 2, "prior": 2}
    truth = np.array([[0.0, 2.0, 0.0, 0.0], [1.0, 3.0, 2.0, 1.0], [1.0, 3.0, 5.0, 7.0]])
    exact = Moments(truth, np.zeros((3, 4, 4)), np.full(3, 12))
    expected = np.array(list(shares(exact, sizes).values()))
    found, plain = [], []
    for _ in range(1200):
        noise = 2.0 * (rng.normal(size=(3, 12, 1)) * 0.5 + rng.normal(size=(3, 12, 4)))
        study = moments(truth[:, None, :] + noise)
        found.append(list(shares(study, sizes).values()))
        without_noise = study._replace(covariance=np.zeros((3, 4, 4)))
        plain.append(list(shares(without_noise, sizes).values()))
    error, plain_error = (np.abs(np.mean(each, axis=0) - expected) for each in (found, plain))
    assert error.max() < 0.015  # that of a ratio, whose denominator is noisy too
    assert error.sum() < plain_error.sum() / 2


def test_shares_add_up_to_1_with_the_interactions_of_more_factors(rng):
    sizes = {"n": 3, "model": 2, "prior": 2}
    study = moments(list(rng.normal(size=(3, 8, 4)) + rng.normal(size=(3, 1, 4))))
    found = shares(study, sizes)
    assert 0 < sum(found.values()) <= 1
    two = {"n": 3, "cell": 4}
    assert sum(shares(study, two).values()) == pytest.approx(1)


def test_without_any_difference_there_are_no_shares():
    alike = Moments(np.ones((2, 2)), np.zeros((2, 2, 2)), np.array([5, 5]))
    assert np.isnan(list(shares(alike, {"n": 2, "model": 2}).values())).all()


def test_the_mcse_of_a_difference_is_that_of_a_bootstrap_of_datasets(rng):
    data = [rng.normal(size=(15, 1)) * spread + rng.normal(size=(15, 4)) for spread in (3, 1)]
    sizes = {"n": 2, "model": 2, "prior": 2}
    for factor, weight in (("model", [-0.5, -0.5, 0.5, 0.5]), ("n", [0.25] * 4)):
        found = factorial_effects.largest_difference(moments(data), factor, sizes)
        drawn = []
        for _ in range(4000):
            means = [each[rng.integers(15, size=15)].mean(axis=0) @ weight for each in data]
            drawn.append(np.mean(means) if factor == "model" else means[1] - means[0])
        # The bootstrap divides by n. 5 % is more than 4 SDs of its 4000 draws.
        assert np.std(drawn) * np.sqrt(15 / 14) == pytest.approx(found.mcse, rel=0.05)
