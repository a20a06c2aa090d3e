"""Recovery of groups' coefficients, over datasets."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from recovery.score import measures

CENTERED, MARGINAL, POOLED = ("centered", "weak"), ("marginal", "weak"), ("pooled", "weak")


def recovered(rmse):
    """One row per fit, with the same other scores in every row."""
    rows = {
        "replicate": np.arange(1, len(rmse) + 1),
        "factor": "participant",
        "coefficient": "r_participant[,Intercept]",
        "rmse": rmse,
    }
    rows |= {"correlation": 0.5, "shrinkage_slope": 0.8, "level": 0.89, "coverage": 0.9}
    return pd.DataFrame(rows)


@pytest.fixture
def result():
    fits = {
        CENTERED: recovered([1.0, 2.0, 6.0]),
        MARGINAL: recovered([3.0, 3.0, 5.0]),
        POOLED: recovered([]),
    }
    converged = {CENTERED: np.array([1, 2]), MARGINAL: np.array([2, 3]), POOLED: np.array([1])}
    table = measures.groups(fits, converged)
    return table.set_index(["model", "subset", "measure"])


def test_a_score_is_averaged_over_datasets(result):
    row = result.loc[("centered", "all", "rmse")]
    assert (row["value"], row["n_fits"]) == (3.0, 3)
    assert row["mcse"] == pytest.approx(np.sqrt(7 / 3))
    assert np.isnan(row["level"])
    assert result.loc[("centered", "all", "coverage"), "level"] == 0.89


def test_subsets_are_the_fits_that_converged_here_and_under_every_model_with_the_coefficient(
    result,
):
    assert result.loc[("centered", "converged", "rmse"), "value"] == 1.5
    assert result.loc[("marginal", "converged", "rmse"), "value"] == 4.0
    assert result.loc[("marginal", "common", "rmse"), "n_fits"] == 1


def test_every_grouping_factor_has_its_own_rows():
    items = recovered([3.0, 5.0]).assign(factor="item", coefficient="r_item[,Intercept]")
    table = pd.concat([recovered([1.0, 2.0]), items])
    result = measures.groups({CENTERED: table}, {CENTERED: np.array([1, 2])})
    rmse = result[(result["measure"] == "rmse") & (result["subset"] == "all")]
    assert rmse[["factor", "coefficient", "value", "n_fits"]].to_numpy().tolist() == [
        ["participant", "r_participant[,Intercept]", 1.5, 2],
        ["item", "r_item[,Intercept]", 4.0, 2],
    ]


def test_a_score_of_one_fit_is_absent(result):
    assert np.isnan(result.loc[("centered", "common", "rmse"), "value"])


def test_a_model_without_groups_coefficients_has_no_row(result):
    assert "pooled" not in result.index.get_level_values("model")


def test_a_fit_without_a_score_is_left_out_of_its_mean():
    table = recovered([1.0, 2.0, 3.0]).assign(correlation=[0.2, np.nan, 0.4])
    result = measures.groups({CENTERED: table}, {CENTERED: np.array([1, 2, 3])})
    row = result[(result["measure"] == "correlation") & (result["subset"] == "all")].iloc[0]
    assert (row["value"], row["n_fits"]) == (pytest.approx(0.3), 2)


def intervals(shares) -> np.ndarray:
    """The interval of mean coverage of every cell; a row of `shares` has the fits of a cell."""
    shares = np.array(shares)
    table = recovered(np.ones(shares.size)).assign(coverage=shares.ravel())
    names = np.repeat(np.arange(len(shares)), shares.shape[1])
    result = measures.groups({CENTERED: table.assign(coefficient=names)}, {CENTERED: []})
    coverage = (result["measure"] == "coverage") & (result["subset"] == "all")
    return result.loc[coverage, ["lower", "upper"]].to_numpy()


@pytest.mark.parametrize(("share", "n"), [(1.0, 20), (0.0, 5), (0.9, 10)])
def test_coverage_that_is_equal_in_all_fits_has_the_wilson_interval(share, n):
    wilson = proportion_confint(share * n, n, method="wilson")
    assert intervals([[share] * n])[0] == pytest.approx(wilson)


@pytest.mark.parametrize(
    "alike", [1.0, 30.0]
)  # the smaller, the more alike are participants of a dataset
def test_the_interval_of_coverage_contains_the_true_coverage_at_its_rate(rng, alike):
    studies, n, people, true = 400, 20, 8, 0.8
    shares = rng.beta(true * alike, (1 - true) * alike, (studies, n))
    hits = rng.binomial(people, shares) / people
    lower, upper = intervals(hits).T
    # The standard error of the rate is 1.1 %: these bounds are exceeded once in 3,000 tests.
    assert 0.91 < ((lower <= true) & (true <= upper)).mean() < 0.99


def test_other_scores_have_students_t_interval(result):
    row = result.loc[("centered", "all", "rmse")]
    half = stats.t.isf(0.025, 2) * np.sqrt(7 / 3)
    assert (row["lower"], row["upper"]) == pytest.approx((0, 3 + half))  # 3 - half is below 0
    row = result.loc[("centered", "all", "shrinkage_slope")]
    assert (row["lower"], row["upper"]) == pytest.approx((0.8, 0.8))
