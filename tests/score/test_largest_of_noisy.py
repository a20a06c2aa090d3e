"""Replicates needed by the cell that needs most, from many noisy numbers."""

import numpy as np
import pandas as pd
import pytest
from replicates_of_errors import replicates
from slow_cases import slow_after

from recovery.score import measures, precision
from recovery.score.measures import Fits, performance_measures
from recovery.study.settings import Precision

LEVEL = 0.9
TARGETS = Precision(bias_relative_to_sd=0.05)
NEED = 400  # replicates, for z-scores with variance 1


def scored(errors) -> tuple[pd.DataFrame, dict]:
    """Rows of `performance` for z-scores and empirical SEs of cells, and the cells."""
    rows, cells = [], {}
    for place, error in enumerate(errors):
        x = replicates(error)
        key = {"model": f"m{place}", "prior": "p", "parameter": "b", "subset": "all"}
        key |= {"level": np.nan}
        cells[key["model"], "p"] = Fits({"b": x}, x.replicate)
        for name in ("z_score", "empirical_se"):
            result = performance_measures.ESTIMATE_MEASURES[name](x)
            numbers = {"value": result.value, "mcse": result.mcse, "n_replicates": result.n}
            rows.append(key | {"measure": name} | numbers)
    return pd.DataFrame(rows), cells


def needed(errors, n, independent=True) -> pd.Series:
    table, cells = scored(errors)
    return precision.replicates_needed(
        table, TARGETS, LEVEL, n, None if independent else cells
    ).iloc[0]


def repeated(draw, n, repeats, independent=True) -> tuple[np.ndarray, np.ndarray]:
    result = [needed(draw(), n, independent) for _ in range(repeats)]
    return tuple(
        np.array([row[name] for row in result], dtype=float)
        for name in ("n_needed", "n_needed_mcse")
    )


@pytest.mark.parametrize(
    ("cells", "n"),
    [
        (6, 20),
        *(
            pytest.param(*each, marks=pytest.mark.slow)
            for each in [(60, 20), (20, 50), (6, 100), (60, 100)]
        ),
    ],
)
def test_if_all_cells_need_the_same_number_this_is_the_number_needed(cells, n, rng):
    result, message = repeated(lambda: rng.normal(size=(cells, n)), n, 300)
    # Without pooling, the largest would be 18 to 91 % too large.
    assert result.mean() == pytest.approx(NEED, rel=0.1)
    # Cells are separated by chance rarely, but then by much, so the SD over studies is uncertain.
    assert np.sqrt(np.mean(message**2)) == pytest.approx(result.std(), rel=0.6)


@pytest.mark.parametrize(("cells", "n"), slow_after(1, [(6, 20), (60, 20), (20, 50), (60, 100)]))
def test_a_cell_that_needs_four_times_as_many_is_not_pooled(cells, n, rng):
    scale = np.where(np.arange(cells) == 1, 2.0, 1.0)[:, None]
    result, message = repeated(lambda: scale * rng.normal(size=(cells, n)), n, 100)
    assert result.mean() > 0.9 * 4 * NEED
    assert result.mean() < 1.1 * 4 * NEED
    assert np.sqrt(np.mean(message**2)) == pytest.approx(result.std(), rel=0.4)


def test_half_of_the_cells_that_need_four_times_as_many_are_pooled_separately(rng):
    scale = np.where(np.arange(20) % 2, 2.0, 1.0)[:, None]
    result, _ = repeated(lambda: scale * rng.normal(size=(20, 50)), 50, 60)
    assert result.mean() == pytest.approx(4 * NEED, rel=0.1)


def test_skewed_z_scores_are_noisier_and_therefore_pooled(rng):
    result, message = repeated(lambda: rng.exponential(size=(6, 50)) - 1, 50, 100)
    assert result.mean() == pytest.approx(NEED, rel=0.15)  # without pooling: 56 % too large
    assert np.sqrt(np.mean(message**2)) == pytest.approx(result.std(), rel=0.3)


@pytest.mark.parametrize("same", [1, 5])
def test_the_error_of_the_number_needed_accounts_for_shared_datasets(same, rng):
    # Six cells with equal errors count as one cell, and six groups of five equal cells as six.
    def draw():
        return np.repeat(rng.normal(size=(30 // same, 40)), same, axis=0)

    result, message = repeated(draw, 40, 100, independent=False)
    # The SD of 100 numbers has a relative standard error of 7 %.
    assert np.sqrt(np.mean(message**2)) == pytest.approx(result.std(), rel=0.35)


def test_a_cell_in_which_half_of_the_fits_failed_needs_twice_as_many(rng):
    errors = [rng.normal(size=100) for _ in range(9)] + [rng.normal(size=50)]
    row = needed(errors, 100)
    assert row["model"] == "m9"
    assert row["n_needed"] == pytest.approx(2 * NEED, rel=0.2)


@pytest.mark.parametrize("targets", [{"coverage": 0.01}, {"bias_relative_to_sd": 0.05}])
def test_the_error_of_the_number_needed_includes_the_share_of_fits_with_intervals(targets, rng):
    def row(n):
        x = Fits({"b": replicates(rng.normal(size=n))}, np.arange(1, n + 1))
        table = measures.performance({("m", "p"): x}, 60)
        return precision.replicates_needed(table, Precision(**targets), LEVEL, 60).iloc[0]

    rows = [row(rng.binomial(60, 0.4)) for _ in range(200)]
    result, message = np.array([[each["n_needed"], each["n_needed_mcse"]] for each in rows]).T
    # The SD of 200 numbers has a relative standard error of 5 %, or 10 % if they are skewed.
    assert np.sqrt(np.mean(message**2)) == pytest.approx(result.std(), rel=0.3)


@pytest.mark.parametrize(("cells", "n"), slow_after(1, [(6, 20), (60, 20), (60, 100)]))
def test_if_all_cells_lack_equally_many_intervals_this_gives_the_number_needed(cells, n, rng):
    share, need = 0.6, LEVEL * (1 - LEVEL) / 0.01**2 / 0.6

    def of_one_scenario():
        rows = {"model": np.arange(cells), "prior": "p", "parameter": "b", "subset": "all"}
        rows |= {"measure": "coverage", "level": LEVEL, "value": 0.9, "mcse": 0.1}
        table = pd.DataFrame(rows).assign(n_replicates=rng.binomial(n, share, size=cells))
        return precision.replicates_needed(table, Precision(coverage=0.01), LEVEL, n)

    result = [of_one_scenario()["n_needed"].item() for _ in range(100)]
    assert np.mean(result) == pytest.approx(need, rel=0.1)  # without pooling: 20 to 110 % more
    scenarios = [pd.concat(of_one_scenario() for _ in range(10)) for _ in range(20)]
    assert np.mean(list(map(precision.most_needed, scenarios))) == pytest.approx(need, rel=0.1)


def test_cells_that_lack_some_replicates_are_matched_by_replicate_number(rng):
    table, cells = scored([rng.normal(size=20), rng.normal(size=18)])
    row = precision.replicates_needed(table, TARGETS, LEVEL, 20, cells).iloc[0]
    assert np.isfinite(row["n_needed_mcse"])


@pytest.mark.parametrize("errors", [[[0.0] * 5] * 3, [[1.0, 1, 1], [2.0, 2, 2]]])
def test_errors_that_do_not_vary_need_the_minimum_of_replicates(errors):
    row = needed(np.array(errors), len(errors[0]))
    assert row["n_needed"] == 2
    assert row["n_needed_mcse"] == 0


def test_scenarios_of_a_study_are_pooled(rng):
    one = pd.DataFrame({"measure": "bias", "n_needed": rng.normal(400, 80, size=30)})
    table = one.assign(n_needed_mcse=80.0)
    assert table["n_needed"].max() > 500
    assert precision.most_needed(table) == pytest.approx(400, rel=0.1)
    coverage = pd.DataFrame({"measure": "coverage", "n_needed": [700], "n_needed_mcse": [0.0]})
    assert precision.most_needed(pd.concat([table, coverage])) == 700
    assert precision.most_needed(table.assign(n_needed=np.nan)) is None


def test_the_largest_mcse_is_not_that_of_the_noisiest_cell(rng):
    table, _ = scored(rng.normal(size=(60, 20)))
    shares = rng.binomial(20, LEVEL, size=60) / 20
    hits = pd.DataFrame({"measure": "coverage", "subset": "all", "level": LEVEL, "value": shares})
    hits = hits.assign(mcse=np.sqrt(shares * (1 - shares) / 20), n_replicates=20)
    table = pd.concat([table, hits], ignore_index=True)
    result = precision.largest_mcse(table, LEVEL)
    assert table.loc[table["measure"] == "z_score", "mcse"].max() > 0.28
    assert result["z_score"]["mcse"] == pytest.approx(1 / np.sqrt(20), rel=0.1)
    assert hits["mcse"].max() > 0.08
    assert result["coverage"]["mcse"] == pytest.approx(np.sqrt(LEVEL * (1 - LEVEL) / 20))
    table.loc[table.index[-1], "value"] = 0.5  # clearly below the level: 10 of 20
    result = precision.largest_mcse(table, LEVEL)
    assert result["coverage"] == {"mcse": pytest.approx(np.sqrt(0.25 / 20)), "n_replicates": 20}
    nothing = precision.largest_mcse(table.assign(mcse=np.nan), LEVEL)
    assert np.isnan(nothing["coverage"]["mcse"])
    assert np.isnan(nothing["z_score"]["mcse"])
