"""Measures of one parameter in one cell: closed forms, published values, repeated studies."""

from dataclasses import replace

import numpy as np
import pytest
from replicates_of_errors import LEVEL, Z, replicates
from scipy import stats

from recovery.score.measures import performance_measures
from recovery.score.measures.replicates import Replicates

REPETITIONS = 4000


THREE = replicates([1.0, 2.0, 6.0], truth=-2.0)


# Closed forms


def test_bias_is_the_mean_error_with_the_standard_error_of_a_mean():
    assert performance_measures.bias(THREE)[:2] == pytest.approx((3.0, np.sqrt(7) / np.sqrt(3)))


def test_relative_bias_is_bias_over_truth():
    assert performance_measures.relative_bias(THREE)[:2] == pytest.approx(
        (3 / -2, np.sqrt(7 / 3) / 2)
    )


@pytest.mark.parametrize("truth", [0.0, [1.0, 2.0, 1.0]])
def test_relative_bias_is_absent_if_truth_is_0_or_varies(truth):
    assert np.isnan(performance_measures.relative_bias(replicates([1, 2, 6], truth)).value)


def jackknife(statistic, values) -> float:
    """The jackknife standard error of the logarithm of a statistic, by leaving out each value."""
    n = len(values)
    left_out = np.log([statistic(np.delete(values, i)) for i in range(n)])
    return np.sqrt((n - 1) / n * np.sum((left_out - left_out.mean()) ** 2))


def test_empirical_se_is_the_sd_of_errors_with_a_jackknife_mcse():
    mcse = np.sqrt(7) * jackknife(lambda errors: np.std(errors, ddof=1), THREE.error)
    assert performance_measures.empirical_se(THREE)[:2] == pytest.approx((np.sqrt(7), mcse))


def test_for_normal_errors_the_mcse_of_empirical_se_is_that_of_morris(rng):
    result = performance_measures.empirical_se(replicates(rng.normal(0, 3, size=100_000)))
    assert result.mcse == pytest.approx(result.value / np.sqrt(2 * 99_999), rel=0.02)


def test_empirical_se_does_not_include_the_variance_of_truths():
    assert performance_measures.empirical_se(
        replicates([1, 2, 6], [100, -50, 0])
    ).value == pytest.approx(np.sqrt(7))


def test_model_se_is_the_root_mean_square_of_posterior_sds():
    result = performance_measures.model_se(replicates([0, 0, 0], sd=[1.0, 1.0, 2.0]))
    assert result[:2] == pytest.approx((np.sqrt(2), np.sqrt(3 / (4 * 3 * 2))))


def test_for_normal_errors_the_mcse_of_the_error_of_model_se_is_that_of_morris(rng):
    n = 100_000
    x = replicates(rng.normal(size=n), sd=rng.uniform(0.9, 1.4, size=n))
    empirical, model = (
        performance_measures.empirical_se(x).value,
        performance_measures.model_se(x).value,
    )
    spread = np.var(x.sd**2, ddof=1) / (4 * n * model**4) + 1 / (2 * (n - 1))
    result = performance_measures.relative_error_of_model_se(x)
    assert result.value == pytest.approx(model / empirical - 1)
    assert result.mcse == pytest.approx(model / empirical * np.sqrt(spread), rel=0.02)


def test_mse_is_squared_bias_plus_variance(rng):
    x = replicates(rng.normal(1, 2, size=50))
    result = performance_measures.mse(x)
    assert result.value == pytest.approx(x.error.mean() ** 2 + x.error.var())
    morris = np.sqrt(np.sum((x.error**2 - result.value) ** 2) / (50 * 49))
    assert result.mcse == pytest.approx(morris)


def test_rmse_is_the_root_of_mse_with_a_jackknife_mcse():
    mcse = np.sqrt(41 / 3) * jackknife(lambda errors: np.sqrt(np.mean(errors**2)), THREE.error)
    assert performance_measures.rmse(THREE)[:2] == pytest.approx((np.sqrt(41 / 3), mcse))


def test_with_many_replicates_the_mcse_of_rmse_is_that_of_the_delta_method(rng):
    x = replicates(rng.normal(1, 2, size=10_000))
    expected = performance_measures.mse(x).mcse / (2 * performance_measures.rmse(x).value)
    assert performance_measures.rmse(x).mcse == pytest.approx(expected, rel=0.001)


def test_estimates_without_error_have_rmse_0_and_mcse_0():
    assert performance_measures.rmse(replicates(np.zeros(3)))[:2] == (0, 0)


def test_z_score_is_the_error_in_posterior_sds():
    result = performance_measures.z_score(replicates([1.0, 2.0, 6.0], sd=[1.0, 2.0, 2.0]))
    assert result[:2] == pytest.approx((5 / 3, stats.sem([1, 1, 3])))


def test_contraction_is_1_minus_posterior_over_prior_variance():
    result = performance_measures.contraction(
        replicates([0, 0, 0], sd=[1.0, 1.0, 2.0], prior_sd=4.0)
    )
    assert result[:2] == pytest.approx((1 - 2 / 16, stats.sem([1 / 16, 1 / 16, 4 / 16])))


def test_contraction_is_absent_if_the_prior_sd_is_unknown():
    assert np.isnan(performance_measures.contraction(THREE).value)


def test_mcmc_error_is_in_posterior_sds():
    assert performance_measures.mcmc_error(replicates([0, 1], sd=[1.0, 3.0]))[:2] == pytest.approx(
        (0.02, 0)
    )


def test_coverage_counts_intervals_that_contain_the_truth_also_at_an_end():
    lower, upper = np.array([0.0, 1.0, 2.0, -5.0]), np.array([1.0, 3.0, 3.0, -4.0])
    ones = np.ones(4)
    x = Replicates(np.arange(4), ones, ones, ones, ones, {LEVEL: (lower, upper)})
    assert performance_measures.coverage(x, LEVEL)[:2] == pytest.approx((0.5, np.sqrt(0.25 / 4)))


def test_bias_eliminated_coverage_ignores_a_constant_bias(rng):
    error = rng.normal(size=500)
    plain, shifted = replicates(error - error.mean()), replicates(error + 7, truth=3.0)
    assert performance_measures.coverage(shifted, LEVEL).value == 0
    expected = performance_measures.coverage(plain, LEVEL)[:2]
    assert performance_measures.bias_eliminated_coverage(shifted, LEVEL)[:2] == pytest.approx(
        expected
    )


def test_interval_width_is_the_mean_width():
    result = performance_measures.interval_width(replicates([0, 0, 0], sd=[0.5, 1.0, 3.0]), LEVEL)
    assert result[:2] == pytest.approx((3 * Z, 2 * Z * stats.sem([0.5, 1, 3])))


def test_the_interval_score_of_a_normal_forecast_has_its_closed_form(rng):
    # Errors are standard normal: the width is 2 z, and each side adds 2 / alpha times the mean
    # excess over z, phi(z) - z (1 - Phi(z)).
    beyond = stats.norm.pdf(Z) - Z * stats.norm.sf(Z)
    expected = 2 * Z + 2 * 2 / (1 - LEVEL) * beyond
    result = performance_measures.interval_score(replicates(rng.normal(size=100_000)), LEVEL)
    assert abs(result.value - expected) < 4 * result.mcse  # type I error: 6e-5


def test_rejection_rate_is_the_share_of_intervals_that_exclude_0():
    x = replicates([0.0, 1.0, -4.0, 2.0])
    assert performance_measures.rejection_rate(x, LEVEL)[:2] == pytest.approx(
        (0.5, np.sqrt(0.25 / 4))
    )


@pytest.mark.parametrize("measure", ["rejection_rate", "type_s_error", "type_m_error"])
def test_a_parameter_that_cannot_be_negative_is_not_tested_against_0(measure):
    x = replicates([3.0, 4.0, 5.0], truth=1.0, one_sided=True)
    assert np.isnan(performance_measures.INTERVAL_MEASURES[measure](x, LEVEL).value)


def test_type_s_and_type_m_errors_are_those_of_gelman_and_carlin(rng):
    # Their example of a true effect of 2 with standard error 8.1, at the 95 % level: power
    # 0.06, type S 0.24; the exaggeration ratio is from the mean of a normal outside two points.
    error = rng.normal(0, 8.1, size=200_000)
    mean, z = 2 + error, stats.norm.ppf(0.975) * 8.1
    ones = np.ones(error.size)
    bounds = {0.95: (mean - z, mean + z)}
    x = Replicates(np.arange(error.size), 2 * ones, mean, 8.1 * ones, ones, bounds)
    power, wrong, magnified = (
        performance_measures.INTERVAL_MEASURES[name](x, 0.95)
        for name in ("rejection_rate", "type_s_error", "type_m_error")
    )
    normal, m, q = stats.norm, 2 / 8.1, stats.norm.ppf(0.975)
    upper, lower = normal.sf(q - m), normal.sf(q + m)
    beyond = normal.pdf(q - m) + m * upper + normal.pdf(q + m) - m * lower
    assert abs(power.value - (upper + lower)) < 4 * power.mcse
    assert abs(wrong.value - lower / (upper + lower)) < 4 * wrong.mcse
    assert abs(magnified.value - beyond / (upper + lower) / m) < 4 * magnified.mcse
    assert (round(power.value, 2), round(wrong.value, 2)) == (0.06, 0.24)


@pytest.mark.parametrize("truth", [0.0, [1.0, 2.0, 3.0]])
def test_type_m_error_is_absent_if_truth_is_0_or_varies(truth):
    assert np.isnan(performance_measures.type_m_error(replicates([5, 6, 7], truth), LEVEL).value)


def test_type_s_and_type_m_errors_are_absent_if_no_interval_excludes_0():
    x = replicates([0.0, 0.1, 0.2], truth=0.5)
    assert np.isnan(performance_measures.type_s_error(x, LEVEL).value)
    assert np.isnan(performance_measures.type_m_error(x, LEVEL).value)


@pytest.mark.parametrize(("hits", "n"), [(0, 20), (1, 20), (19, 20), (20, 20), (890, 1000), (1, 2)])
def test_proportions_have_the_wilson_interval(hits, n):
    result = performance_measures.proportion(np.arange(n) < hits)
    wilson = stats.binomtest(hits, n).proportion_ci(0.95, method="wilson")
    assert (result.lower, result.upper) == pytest.approx((wilson.low, wilson.high), abs=1e-12)


def test_the_example_of_morris_is_reproduced():
    # Morris, White & Crowther (2019), section 5.2: a coverage near 95 % estimated with an
    # MCSE of 0.5 % needs 1900 replicates.
    assert performance_measures.proportion(np.arange(1900) < 1805).mcse == pytest.approx(
        0.005, rel=1e-3
    )


def test_an_interval_at_a_higher_level_is_wider():
    low, high = performance_measures.proportion_interval(0.7, 20, 0.95)
    wider = performance_measures.proportion_interval(0.7, 20, 0.999)
    expected = stats.binomtest(14, 20).proportion_ci(0.999, method="wilson")
    assert wider == pytest.approx((expected.low, expected.high))
    assert wider[0] < low < high < wider[1]


# Monte Carlo errors against repeated studies


def study(rng, n=160) -> Replicates:
    """Biased estimates of 1 with SDs that vary and are too small, so every measure is defined."""
    sd = 0.9 * np.sqrt(rng.gamma(20, 1 / 20, size=n))
    return replicates(rng.normal(0.2, 1, size=n), truth=1.0, sd=sd, prior_sd=3.0)


def skewed(rng, n=400) -> Replicates:
    """The same with skewed errors, like those of standard deviations."""
    sd = 0.9 * np.sqrt(rng.gamma(20, 1 / 20, size=n))
    return replicates(rng.gamma(2, 0.7, size=n) - 1.2, truth=1.0, sd=sd, prior_sd=3.0)


def of(name):
    """A measure by its name, at the level if it has levels."""
    measure = (performance_measures.ESTIMATE_MEASURES | performance_measures.INTERVAL_MEASURES)[
        name
    ]
    return (
        (lambda x: measure(x, LEVEL)) if name in performance_measures.INTERVAL_MEASURES else measure
    )


RANDOM = [
    name
    for name in performance_measures.ESTIMATE_MEASURES | performance_measures.INTERVAL_MEASURES
    if name != "mcmc_error"
]


@pytest.mark.parametrize("name", [name for name in RANDOM if name != "type_s_error"])
def test_the_mcse_equals_the_sd_over_repeated_studies(name, rng):
    measure = of(name)
    result = np.array([measure(study(rng))[:2] for _ in range(REPETITIONS)])
    # The SD of 4000 values has a relative standard error of 1.1 %; MCSEs have a bias of 1/160.
    # The MCSE of bias-eliminated coverage ignores that the bias is estimated.
    allowed = 0.15 if name == "bias_eliminated_coverage" else 0.05
    assert result[:, 1].mean() == pytest.approx(result[:, 0].std(), rel=allowed)


SPREAD = ["empirical_se", "relative_error_of_model_se", "mse", "rmse", "interval_score"]


@pytest.mark.parametrize("name", SPREAD)
def test_the_mcse_equals_the_sd_over_repeated_studies_with_skewed_errors(name, rng):
    result = np.array([of(name)(skewed(rng))[:2] for _ in range(REPETITIONS)])
    assert result[:, 1].mean() == pytest.approx(result[:, 0].std(), rel=0.07)


def test_a_single_interval_that_excludes_0_gives_no_type_s_error():
    x = replicates([5.0, 0.1, 0.2], truth=1.0, sd=[1.0, 1.0, 1.0])
    assert np.isnan(performance_measures.type_s_error(x, LEVEL).value)


def test_mcmc_error_uses_the_fits_with_a_known_mcmc_error():
    x = replace(replicates([0.0] * 10), mcse_mean=np.array([0.5] * 9 + [np.nan]))
    assert performance_measures.mcmc_error(x).value == 0.5


@pytest.mark.parametrize("name", [name for name in RANDOM if name != "bias_eliminated_coverage"])
def test_influence_values_are_the_effects_of_leaving_out_each_replicate(name, rng):
    # Leaving out a replicate changes a measure by its influence / (n - 1) (the jackknife).
    x, measure = study(rng, 400), of(name)
    whole = measure(x)
    if np.isnan(whole.value):
        pytest.skip("nothing to measure here")
    left_out = [measure(x.subset(np.delete(x.replicate, i))).value for i in range(25)]
    change = (whole.value - np.array(left_out)) * (len(x) - 1)
    scale = np.abs(whole.influence).max() or 1
    np.testing.assert_allclose(whole.influence[:25], change, atol=0.03 * scale)
    assert whole.influence.mean() == pytest.approx(0, abs=1e-10 * scale)


def test_a_subset_selects_replicates_by_number():
    part = THREE.subset(np.array([1, 3, 9]))
    assert part.error.tolist() == [1, 6]
    assert [bound.size for bound in part.bounds[LEVEL]] == [2, 2]
