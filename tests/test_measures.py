"""Performance measures, against closed forms and against what repeated studies show."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from recovery import measures, tables

LEVELS = {0.9: ("q5", "q95")}
CELL = ("s", "m", "p")
REPETITIONS = 4000


def estimates(mean, truth=0.0, sd=1.0, parameter="beta[1]", cell=CELL) -> pd.DataFrame:
    """Estimates of one parameter in one cell: a row a replicate, intervals mean -+ 1.645 sd."""
    mean = np.asarray(mean, dtype=float)
    table = pd.DataFrame({"mean": mean, "truth": truth, "sd": sd, "parameter": parameter})
    table = table.assign(q5=mean - 1.645 * sd, q95=mean + 1.645 * sd)
    table["replicate"] = np.arange(1, mean.size + 1)
    return table.assign(**dict(zip(measures.CELL, cell, strict=True)))


def flags(table: pd.DataFrame, converged=True) -> pd.DataFrame:
    return table[[*measures.CELL, "replicate"]].drop_duplicates().assign(converged=converged)


def scores(table, converged=True, subset="all", parameter="beta[1]") -> pd.DataFrame:
    """The rows of `performance` of one parameter and subset, by measure."""
    found = measures.performance(table, flags(table, converged), LEVELS)
    found = found[(found["subset"] == subset) & (found["parameter"] == parameter)]
    return found.set_index("measure")


# Closed forms


def test_bias_is_the_mean_error_with_the_standard_error_of_a_mean():
    error = np.array([1.0, 2.0, 6.0])
    assert measures.bias(error)[:2] == pytest.approx((3.0, np.sqrt(7) / np.sqrt(3)))


def test_relative_bias_is_bias_over_truth():
    error, truth = np.array([1.0, 2.0, 6.0]), np.full(3, -2.0)
    found, plain = measures.relative_bias(error, truth), measures.bias(error)
    assert found[:2] == pytest.approx((plain.value / -2, plain.mcse / 2))


@pytest.mark.parametrize("truth", [[0.0, 0.0, 0.0], [1.0, 2.0, 1.0]])
def test_relative_bias_is_absent_where_truth_is_0_or_varies(truth):
    found = measures.relative_bias(np.array([1.0, 2.0, 6.0]), np.array(truth))
    assert np.isnan(found).all()


def test_empirical_se_is_the_sd_of_errors():
    found = measures.empirical_se(np.array([1.0, 2.0, 6.0]))
    assert found[:2] == pytest.approx((np.sqrt(7), np.sqrt(7) / 2))


def test_model_se_is_the_root_mean_square_of_posterior_sds():
    found = measures.model_se(np.array([1.0, 1.0, 2.0]))
    assert found[:2] == pytest.approx((np.sqrt(2), np.sqrt(3 / (4 * 3 * 2))))


def test_mse_is_squared_bias_plus_variance(rng):
    error = rng.normal(1, 2, size=50)
    found = measures.mse(error)
    assert found.value == pytest.approx(error.mean() ** 2 + error.var())
    morris = np.sqrt(np.sum((error**2 - found.value) ** 2) / (50 * 49))
    assert found.mcse == pytest.approx(morris)


def test_rmse_is_the_root_of_mse_with_the_delta_methods_mcse():
    error = np.array([1.0, 2.0, 6.0])
    squared, found = measures.mse(error), measures.rmse(error)
    assert found[:2] == pytest.approx((np.sqrt(41 / 3), squared.mcse / (2 * np.sqrt(41 / 3))))


def test_estimates_without_error_have_rmse_0_and_mcse_0():
    assert measures.rmse(np.zeros(3))[:2] == (0, 0)


def test_interval_width_is_a_mean():
    found = measures.interval_width(np.array([0.0, 0.0, 1.0]), np.array([1.0, 2.0, 7.0]))
    assert found[:2] == pytest.approx((3.0, np.sqrt(7 / 3)))


def test_coverage_counts_intervals_that_hold_the_truth_their_ends_too():
    lower, upper = np.array([0.0, 1.0, 2.0, -5.0]), np.array([1.0, 3.0, 3.0, -4.0])
    found = measures.coverage(lower, upper, np.ones(4))
    assert found[:2] == pytest.approx((0.5, np.sqrt(0.25 / 4)))


@pytest.mark.parametrize(("hits", "n"), [(0, 20), (1, 20), (19, 20), (20, 20), (890, 1000), (1, 2)])
def test_proportions_have_the_wilson_interval(hits, n):
    found = measures.proportion(np.arange(n) < hits)
    wilson = stats.binomtest(hits, n).proportion_ci(0.95, method="wilson")
    assert found[2:] == pytest.approx((wilson.low, wilson.high), abs=1e-12)


def test_the_example_of_morris_is_reproduced():
    # Morris, White & Crowther (2019), section 5.2: a coverage near 95 % estimated with an
    # MCSE of 0.5 % takes 1900 replicates.
    assert measures.proportion(np.arange(1900) < 1805).mcse == pytest.approx(0.005, rel=1e-3)


# Monte Carlo errors are what repeated studies show


@pytest.mark.parametrize(
    "measure",
    [measures.bias, measures.empirical_se, measures.mse, measures.rmse],
    ids=lambda measure: measure.__name__,
)
def test_the_mcse_is_the_spread_of_repeated_studies(measure, rng):
    found = np.array([measure(rng.normal(0.5, 1, size=60))[:2] for _ in range(REPETITIONS)])
    # The spread of 4000 values is known to 1.1 %; MCSEs are themselves biased by order 1/60.
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(), rel=0.05)


def test_the_mcse_of_coverage_is_the_spread_of_repeated_studies(rng):
    hits = rng.random((REPETITIONS, 100)) < 0.85
    found = np.array([measures.proportion(study)[:2] for study in hits])
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(), rel=0.05)


def test_the_mcse_of_model_se_is_the_spread_of_repeated_studies(rng):
    sds = np.sqrt(rng.gamma(20, 1 / 20, size=(REPETITIONS, 60)))
    found = np.array([measures.model_se(study)[:2] for study in sds])
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(), rel=0.05)


# Performance of cells


def test_every_measure_has_a_row_for_each_subset():
    table = estimates([1, 2, 6])
    found = measures.performance(table, flags(table), LEVELS)
    names = ["bias", "relative_bias", "empirical_se", "model_se", "mse", "rmse", "coverage"]
    assert found["measure"].tolist() == [*names, "interval_width"] * 2
    assert found["subset"].tolist() == ["all"] * 8 + ["converged"] * 8
    assert found.loc[found["measure"] == "coverage", "level"].tolist() == [0.9, 0.9]


def test_the_converged_subset_leaves_the_others_out():
    table, converged = estimates([1, 2, 9, 6]), [True, True, False, True]
    assert scores(table, converged).loc["bias", ["value", "n_replicates"]].tolist() == [4.5, 4]
    found = scores(table, converged, "converged").loc["bias", ["value", "n_replicates"]]
    assert found.tolist() == [3.0, 3]


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_replicates_have_neither_value_nor_mcse(n):
    found = scores(estimates([1, 2, 6]), [i < n for i in range(3)], "converged")
    assert found[["value", "mcse", "lower", "upper"]].isna().all(axis=None)
    assert set(found["n_replicates"]) == {n}
    assert len(found) == 8


def test_a_truth_that_varies_is_scored_by_each_replicates_own():
    truth = np.array([10.0, 20.0, 30.0])
    found = scores(estimates(truth + np.array([1, 2, 6]), truth))
    assert found.loc["bias", "value"] == pytest.approx(3)
    assert found.loc["coverage", "value"] == pytest.approx(1 / 3)
    assert np.isnan(found.loc["relative_bias", "value"])


def test_parameters_that_a_model_lacks_have_no_rows():
    cells = ("s", "pooled", "p"), ("s", "centered", "p")
    table = pd.concat(
        [
            estimates([1, 2], cell=cells[0]),
            estimates([1, 2], cell=cells[1]),
            estimates([1, 2], parameter="sigma_p[1]", cell=cells[1]),
        ]
    )
    found = measures.performance(table, flags(table), LEVELS)
    pairs = found[["model", "parameter"]].drop_duplicates().itertuples(index=False, name=None)
    assert set(pairs) == {
        ("pooled", "beta[1]"),
        ("centered", "beta[1]"),
        ("centered", "sigma_p[1]"),
    }


def test_the_order_of_rows_does_not_change_a_number(rng):
    table = pd.concat([estimates(rng.normal(size=30)), estimates(rng.normal(size=30), cell="xyz")])
    shuffled = table.sample(frac=1, random_state=1)
    keys = [*measures.CELL, "subset", "measure"]
    sort = [
        measures.performance(each, flags(table), LEVELS).sort_values(keys, ignore_index=True)
        for each in (table, shuffled)
    ]
    pd.testing.assert_frame_equal(*sort, check_exact=True)


# How fits went


@pytest.fixture
def diagnostics(tmp_path):
    """As they come from Parquet: a cell of three fits and one failure, and one of failures."""
    ok = {"status": "ok", "warmup_seconds": 1.0, "n_leapfrog": 70, "min_ess_bulk": 400.0}
    failed = {"status": "failed", "error": "why", "converged": False}
    good, bad = (
        dict(zip(measures.CELL, "abc", strict=True)),
        dict(zip(measures.CELL, "xyz", strict=True)),
    )
    rows = [
        good | ok | {"converged": True, "n_divergent": 0, "sampling_seconds": 1.0},
        good | ok | {"converged": True, "n_divergent": 0, "sampling_seconds": 3.0},
        good | ok | {"converged": False, "n_divergent": 5, "sampling_seconds": 7.0},
        good | failed,
        *[bad | failed] * 4,
    ]
    file = tmp_path / "d.parquet"
    tables.write(tables.from_rows(rows, tables.DIAGNOSTICS), file, tables.DIAGNOSTICS, "")
    return tables.read_frame([file])


def went(diagnostics, cell) -> pd.Series:
    planned = [("x", "y", "z"), ("a", "b", "c")]
    found = measures.convergence(diagnostics, planned, 4)
    assert list(found[measures.CELL].itertuples(index=False, name=None)) == planned
    return found.set_index(measures.CELL).loc[cell]


def test_fits_are_counted_failed_ones_too(diagnostics):
    row = went(diagnostics, ("a", "b", "c"))
    counts = row[["n_planned", "n_ok", "n_failed", "n_converged"]]
    assert counts.tolist() == [4, 3, 1, 2]


@pytest.mark.parametrize(("rate", "hits"), [("failed", 1), ("converged", 2), ("divergent", 1)])
def test_rates_are_shares_of_the_planned_fits(diagnostics, rate, hits):
    row = went(diagnostics, ("a", "b", "c"))
    wilson = stats.binomtest(hits, 4).proportion_ci(0.95, method="wilson")
    assert row[f"{rate}_rate"] == hits / 4
    assert row[f"{rate}_rate_mcse"] == pytest.approx(np.sqrt(hits / 4 * (1 - hits / 4) / 4))
    assert row[f"{rate}_rate_lower"] == pytest.approx(wilson.low)
    assert row[f"{rate}_rate_upper"] == pytest.approx(wilson.high)


def test_costs_are_means_over_the_fits_that_went_well(diagnostics):
    row = went(diagnostics, ("a", "b", "c"))
    assert row["seconds"] == pytest.approx(np.mean([2, 4, 8]))
    assert row["seconds_mcse"] == pytest.approx(stats.sem([2, 4, 8]))
    assert row["n_leapfrog"] == 70
    assert row["ess_per_second"] == pytest.approx(np.mean([200, 100, 50]))


def test_a_cell_of_failures_has_a_row_of_nulls(diagnostics):
    row = went(diagnostics, ("x", "y", "z"))
    assert row[["n_ok", "n_failed", "n_converged"]].tolist() == [0, 4, 0]
    assert row["failed_rate"] == 1
    assert row[["seconds", "seconds_mcse", "n_leapfrog", "ess_per_second"]].isna().all()


def test_a_cell_without_any_fit_has_a_row_of_nulls(diagnostics):
    row = went(diagnostics[diagnostics["scenario"] == "a"], ("x", "y", "z"))
    assert row[["n_planned", "n_ok", "n_failed"]].tolist() == [4, 0, 0]
    assert np.isnan(row["failed_rate"])


def test_a_planned_cell_without_estimates_has_rows_without_values():
    table = estimates([1.0, 2.0, 6.0])
    planned = [(*CELL, "beta[1]"), ("s", "gone", "p", "beta[1]")]
    found = measures.performance(table, flags(table), LEVELS, planned)
    gone = found[found["model"] == "gone"]
    assert set(gone["measure"]) == set(found["measure"])
    assert (gone["n_replicates"] == 0).all()
    assert gone["value"].isna().all()


def test_an_interval_at_a_higher_level_is_wider():
    low, high = measures.proportion_interval(0.7, 20, 0.95)
    wider = measures.proportion_interval(0.7, 20, 0.999)
    expected = stats.binomtest(14, 20).proportion_ci(0.999, method="wilson")
    assert wider == pytest.approx((expected.low, expected.high))
    assert wider[0] < low < high < wider[1]
