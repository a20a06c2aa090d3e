"""Performance and paired comparisons of the cells of a scenario."""

import numpy as np
import pytest
from replicates_of_errors import LEVEL, compare, fits, replicates, rows
from scipy import stats

from recovery.score import measures
from recovery.score.measures import paired_differences, performance_measures

REPETITIONS = 2000


# Performance


@pytest.fixture
def cells():
    """Two models under one prior: replicate 2 converged in the first only, 3 in neither."""
    return {
        ("m", "p"): fits((1, 2, 4), beta=replicates([1.0, 2.0, 6.0, 3.0])),
        ("n", "p"): fits((1, 4), beta=replicates([2.0, 2.0, 2.0, 3.0]), sigma=replicates([1, 2])),
        ("m", "q"): fits((1, 2, 3, 4), beta=replicates([0.0, 0.0, 0.0, 1.0])),
    }


@pytest.mark.parametrize(
    ("subset", "number", "bias"), [("all", 4, 3.0), ("converged", 3, 2.0), ("common", 2, 2.0)]
)
def test_each_subset_has_its_own_replicates(cells, subset, number, bias):
    result = rows(measures.performance(cells, 4), model="m", prior="p", subset=subset)
    assert (result["n_replicates"] == number).all()
    assert result.loc["bias", "value"] == pytest.approx(bias)


def test_for_a_parameter_of_one_model_common_replicates_are_those_where_it_converged(cells):
    result = rows(measures.performance(cells, 4), parameter="sigma", subset="common")
    assert result.loc["bias", "n_replicates"] == 1


def test_every_measure_has_a_row_for_each_subset(cells):
    result = measures.performance(cells, 4)
    names = [*performance_measures.ESTIMATE_MEASURES, *performance_measures.INTERVAL_MEASURES]
    names += ["coverage_lower_bound", "coverage_upper_bound"]
    for _, part in result.groupby(["model", "prior", "parameter", "subset"]):
        assert part["measure"].tolist() == names


def test_coverage_bounds_count_missing_replicates_as_misses_and_as_hits(cells):
    # 10 replicates are planned, 3 have estimates, and one of their intervals contains the truth.
    result = rows(measures.performance(cells, 10), model="m", prior="p", subset="converged")
    assert result.loc["coverage", "value"] == pytest.approx(1 / 3)
    assert result.loc["coverage_lower_bound", "value"] == pytest.approx(1 / 10)
    assert result.loc["coverage_upper_bound", "value"] == pytest.approx(8 / 10)


def test_a_cell_without_estimates_has_rows_without_values_and_bounds_of_0_and_1():
    empty = {("m", "p"): fits((), beta=replicates([]))}
    result = rows(measures.performance(empty, 5), subset="all")
    assert (result["n_replicates"] == 0).all()
    bounds = result.loc[["coverage_lower_bound", "coverage_upper_bound"], "value"]
    assert bounds.tolist() == [0, 1]
    assert result.drop(bounds.index)["value"].isna().all()


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_replicates_have_neither_value_nor_mcse(n):
    result = rows(
        measures.performance({("m", "p"): fits(beta=replicates([1.0] * n))}, 5), subset="all"
    )
    assert (
        result.loc[list(performance_measures.ESTIMATE_MEASURES), ["value", "mcse"]]
        .isna()
        .all(axis=None)
    )


# Comparisons


def test_all_pairs_of_models_and_all_pairs_of_priors_are_compared(cells):
    cells[("n", "q")] = fits(beta=replicates([1.0, 1.0]))
    result = measures.comparison(cells)
    pairs = result[result["parameter"] == "beta"]
    pairs = pairs[["compared", "first", "second", "given"]].drop_duplicates()
    assert set(pairs.itertuples(index=False, name=None)) == {
        ("model", "m", "n", "p"),
        ("model", "m", "n", "q"),
        ("prior", "p", "q", "m"),
        ("prior", "p", "q", "n"),
    }


def test_a_parameter_that_one_cell_lacks_is_not_compared(cells):
    assert set(measures.comparison(cells)["parameter"]) == {"beta"}


def test_the_difference_in_bias_is_paired(rng):
    first, second = rng.normal(size=(2, 40))
    result = rows(compare(replicates(first), replicates(second)), subset="all").loc["bias"]
    assert result["value"] == pytest.approx((first - second).mean())
    assert result["mcse"] == pytest.approx(stats.sem(first - second))
    assert result["n_pairs"] == 40


def test_equal_estimates_differ_by_0_with_mcse_0(rng):
    error = rng.normal(size=30)
    result = rows(compare(replicates(error, truth=1.0), replicates(error, truth=1.0)), subset="all")
    values = result[["value", "mcse"]].dropna()
    assert len(values) > 10
    np.testing.assert_allclose(values, 0, atol=1e-7)


def test_only_replicates_of_both_cells_are_compared():
    first = replicates([1.0, 2.0, 6.0, 9.0]).subset(np.array([1, 2, 4]))
    second = replicates([1.0, 1.0, 1.0, 1.0]).subset(np.array([2, 3, 4]))
    result = rows(compare(first, second, ((1, 2, 4), (4,))), parameter="beta")
    assert result[result["subset"] == "all"].loc["bias", "n_pairs"] == 2
    assert result[result["subset"] == "all"].loc["bias", "value"] == pytest.approx(4.5)
    assert result[result["subset"] == "common"].loc["bias", "n_pairs"] == 1
    assert np.isnan(result[result["subset"] == "common"].loc["bias", "value"])


def test_for_normal_errors_the_mcse_of_relative_precision_is_that_of_morris(rng):
    first = rng.normal(size=100_000)
    second = 2 * first + rng.normal(size=100_000)
    value, mcse = paired_differences.relative_precision(replicates(first), replicates(second))
    ratio = (second.std(ddof=1) / first.std(ddof=1)) ** 2
    r = np.corrcoef(first, second)[0, 1]
    assert value == pytest.approx(ratio - 1)
    assert mcse == pytest.approx(2 * ratio * np.sqrt((1 - r**2) / 99_999), rel=0.02)


def test_relative_precision_uses_errors_if_truths_vary(rng):
    first, second = rng.normal(size=(2, 50))
    truth = rng.normal(0, 100, size=50)
    plain = paired_differences.relative_precision(replicates(first), replicates(second))
    varied = paired_differences.relative_precision(
        replicates(first, truth), replicates(second, truth)
    )
    assert varied == pytest.approx(plain)


@pytest.mark.parametrize(
    "name", ["bias", "empirical_se", "model_se", "rmse", "coverage", "interval_score"]
)
def test_the_mcse_of_a_difference_equals_the_sd_over_repeated_studies(name, rng):
    result = np.array([_one_difference(name, rng) for _ in range(REPETITIONS)])
    # The SD of 2000 values has a relative standard error of 1.6 %; the bias of MCSEs is about 1 %.
    assert result[:, 1].mean() == pytest.approx(result[:, 0].std(), rel=0.07)


def test_the_mcse_of_relative_precision_equals_the_sd_over_repeated_studies(rng):
    result = np.array([_one_difference("relative_precision", rng) for _ in range(REPETITIONS)])
    assert result[:, 1].mean() == pytest.approx(result[:, 0].std(), rel=0.1)


def _one_difference(name, rng) -> tuple[float, float]:
    """The difference of two estimators on the same 100 datasets; the second is slightly worse."""
    common, own = rng.normal(size=(2, 100))
    sds = np.sqrt(rng.gamma(20, 1 / 20, size=(2, 100)))
    first, second = replicates(common, sd=sds[0]), replicates(common + 0.5 * own, sd=sds[1])
    if name == "relative_precision":
        return paired_differences.relative_precision(first, second)
    measure = (performance_measures.ESTIMATE_MEASURES | performance_measures.INTERVAL_MEASURES)[
        name
    ]
    level = (LEVEL,) if name in performance_measures.INTERVAL_MEASURES else ()
    return paired_differences.difference(measure(first, *level), measure(second, *level))


def test_pairing_makes_the_mcse_of_a_difference_far_smaller(rng):
    error = rng.normal(size=200)
    first, second = replicates(error), replicates(error + rng.normal(0, 0.1, size=200))
    result = rows(compare(first, second), subset="all").loc["bias"]
    apart = np.hypot(performance_measures.bias(first).mcse, performance_measures.bias(second).mcse)
    assert result["mcse"] < apart / 5
