"""Statistics of many columns at once are those of ArviZ, which takes one column at a time."""

import numpy as np
import pytest
from arviz_stats.base import array_stats

from recovery.fit import chain_statistics

SHAPES = [(4, 1000), (2, 100), (4, 101), (1, 50), (3, 9), (4, 8)]
AUTOCORRELATIONS = [-0.9, -0.3, 0.0, 0.3, 0.9, 0.999]


def autoregressive(rng, shape, phi, n_columns=40):
    """Return chains of normal draws with autocorrelation phi at lag 1."""
    noise = rng.normal(size=(n_columns, *shape))
    values = np.empty_like(noise)
    values[:, :, 0] = noise[:, :, 0]
    for draw in range(1, shape[1]):
        values[:, :, draw] = phi * values[:, :, draw - 1] + noise[:, :, draw]
    return values


def of_arviz(column):
    """Return the statistics of one column; ArviZ has no rhat of one chain."""
    rhat = {"rhat": array_stats.rhat(column, method="rank")} if len(column) > 1 else {}
    return rhat | {
        "ess_bulk": array_stats.ess(column, method="bulk"),
        "ess_tail": array_stats.ess(column, method="tail", prob=(0.05, 0.95)),
        "mcse_mean": array_stats.mcse(column, method="mean"),
    }


PROBABILITIES = [0.025, 0.055, 0.25, 0.5, 0.75, 0.945, 0.975]


def assert_errors_as_arviz(values):
    """Of quantiles; ArviZ's error of the SD is another one (`test_the_error_of_the_sd_...`)."""
    result = chain_statistics.quantile_errors(values, PROBABILITIES)
    for place, column in enumerate(values):
        for error, probability in zip(result[:, place], PROBABILITIES, strict=True):
            expected = array_stats.mcse(column, method="quantile", prob=probability)
            np.testing.assert_allclose(error, expected, rtol=1e-10)


def assert_as_arviz(values):
    result = chain_statistics.convergence(values)
    for place, column in enumerate(values):
        for name, expected in of_arviz(column).items():
            np.testing.assert_allclose(result[name][place], expected, rtol=1e-10, err_msg=name)


@pytest.mark.parametrize("phi", AUTOCORRELATIONS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_statistics_equal_those_of_arviz(rng, shape, phi):
    values = autoregressive(rng, shape, phi)
    assert_as_arviz(values)
    if values[0].size >= 200:  # of fewer, a sum of autocorrelations is often 0 but for rounding
        assert_errors_as_arviz(values)


@pytest.mark.parametrize(
    "change",
    [
        lambda values: np.round(values),  # many ties
        lambda values: np.exp(3 * values),  # long tails
        lambda values: 1e-30 * values,
        lambda values: 1e8 + values,
        lambda values: np.where(values > 2.5, 1.0, 0.0),  # nearly constant
        lambda values: values + 5 * np.arange(4)[:, None],  # chains apart
    ],
)
def test_unusual_draws_have_the_statistics_of_arviz(rng, change):
    values = change(autoregressive(rng, (4, 200), 0.5))
    varying = values[np.ptp(values, axis=(1, 2)) > 0]
    assert_as_arviz(varying)
    assert_errors_as_arviz(varying)


def test_split_rhat_of_one_chain_compares_its_halves():
    chain = np.concatenate([np.linspace(0, 1, 50), np.linspace(10, 11, 50)])
    assert chain_statistics.convergence(chain[None, None])["rhat"][0] > 2


def test_constant_and_non_finite_columns(rng):
    values = rng.normal(size=(4, 2, 100))
    values[1] = 7.0
    values[2, 0, 3] = np.inf
    values[3, 1, 0] = np.nan
    result = chain_statistics.convergence(values)
    assert np.isnan([column[1] for column in result.values()]).all()
    for place in (2, 3):
        assert [result[name][place] for name in ("rhat", "ess_bulk", "ess_tail")] == [np.inf, 0, 0]
    alone = chain_statistics.convergence(values[:1])
    assert all(result[name][0] == alone[name][0] for name in result)


def test_chains_that_do_not_move_have_an_infinite_rhat():
    values = np.repeat(np.array([1.0, 2.0])[:, None], 50, axis=1)
    assert chain_statistics.convergence(values[None])["rhat"][0] == np.inf


def test_no_columns_have_no_statistics():
    assert chain_statistics.convergence(np.empty((0, 4, 100)))["rhat"].shape == (0,)


@pytest.mark.parametrize("phi", [-0.6, 0.0, 0.6])
def test_the_errors_are_the_spread_of_the_statistics_over_repeated_chains(rng, phi):
    """Over 2,000 sets of chains; the formula for quantiles is a little wide."""
    values = autoregressive(rng, (4, 250), phi, n_columns=2000)
    flat = values.reshape(2000, -1)
    found = {
        "sd": (chain_statistics.sd_errors(values), flat.std(axis=1, ddof=1)),
        **{
            p: (chain_statistics.quantile_errors(values, [p])[0], np.quantile(flat, p, axis=1))
            for p in (0.055, 0.5)
        },
    }
    for name, (errors, statistics) in found.items():
        assert np.sqrt(np.mean(errors**2)) == pytest.approx(statistics.std(), rel=0.15), name


def test_the_error_of_the_sd_of_independent_draws_is_known(rng):
    errors = chain_statistics.sd_errors(rng.normal(size=(200, 4, 1000)))
    assert errors.mean() == pytest.approx(1 / np.sqrt(2 * 4000), rel=0.03)


def test_constant_and_non_finite_columns_have_no_errors(rng):
    values = rng.normal(size=(3, 2, 100))
    values[1] = 7.0
    values[2, 0, 3] = np.inf
    errors = [chain_statistics.sd_errors(values), *chain_statistics.quantile_errors(values, [0.1])]
    for each in errors:
        assert np.isnan(each).tolist() == [False, True, True]


@pytest.mark.parametrize("size", [2, 3, 99, 4000])
def test_quantiles_of_sorted_columns_are_those_of_numpy(rng, size):
    values = np.sort(rng.normal(size=(5, size)), axis=1)
    probabilities = [0.0, 0.025, 0.05, 0.25, 0.5, 0.945, 0.95, 1.0]
    found = chain_statistics.quantiles_of(values, probabilities)
    assert (found == np.quantile(values, probabilities, axis=1)).all()


def test_highest_density_intervals_are_those_of_arviz(rng):
    values = np.sort(rng.gamma(2.0, size=(5, 1001)), axis=1)
    for level in (0.5, 0.89, 0.95):
        low, high = chain_statistics.highest_density(values, level)
        for row, *bounds in zip(values, low, high, strict=True):
            np.testing.assert_array_equal(bounds, array_stats.hdi(row, level))


def test_the_highest_density_interval_of_an_exponential_begins_at_0(rng):
    """100,000 draws; in closed form [0, -log(1 - level)]."""
    values = np.sort(rng.exponential(size=(1, 100_000)), axis=1)
    low, high = chain_statistics.highest_density(values, 0.9)
    assert low[0] < 0.01
    assert high[0] == pytest.approx(-np.log(0.1), abs=0.03)
