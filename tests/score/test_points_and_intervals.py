"""Posterior median, highest-density intervals and other scales beside the defaults."""

from dataclasses import replace

import numpy as np
import pytest
from replicates_of_errors import replicates
from scipy import stats

from recovery.fit import chain_statistics
from recovery.score import measures
from recovery.score.measures import Fits, other_scales, rows_of_measure

LEVEL = 0.9


def performance(x):
    cells = {("m", "p"): Fits({"a": x}, x.replicate)}
    return measures.performance(cells, len(x)).query("subset == 'all'")


def of(table, measure, point="mean", interval="central"):
    (row,) = rows_of_measure(table, measure, LEVEL, point, interval).to_dict("records")
    return row


@pytest.fixture
def x(rng):
    """Thirty replicates whose median is closer to the truth, with wider densest intervals."""
    error = rng.normal(0.3, 1, size=30)
    known = replicates(error, sd=1.0)
    low, high = known.bounds[LEVEL]
    return replace(known, median=known.mean - 0.3, highest_density={LEVEL: (low - 1, high + 1)})


def test_the_median_has_its_own_rows(x):
    table = performance(x)
    assert of(table, "bias")["value"] == pytest.approx(x.error.mean())
    assert of(table, "bias", "median")["value"] == pytest.approx(x.error.mean() - 0.3)
    assert of(table, "rmse", "median")["value"] == pytest.approx(
        np.sqrt(np.mean((x.error - 0.3) ** 2))
    )
    assert of(table, "bias", "median")["mcse"] == pytest.approx(of(table, "bias")["mcse"])


def test_highest_density_intervals_have_their_own_rows(x):
    table = performance(x)
    widths = [of(table, "interval_width", interval=kind)["value"] for kind in KINDS]
    assert widths[1] - widths[0] == pytest.approx(2)
    covered = [np.mean(np.abs(x.error) <= 1.6448536269514722 + more) for more in (0, 1)]
    assert [of(table, "coverage", interval=kind)["value"] for kind in KINDS] == covered


KINDS = ("central", "highest_density")


def test_rows_say_what_they_are_of(x):
    table = performance(x)
    kinds = {
        name: {tuple(None if each != each else each for each in kind) for kind in part.to_numpy()}
        for name, part in table.groupby("measure")[["point", "interval"]]
    }
    assert kinds["bias"] == {("mean", None), ("median", None)}
    assert kinds["model_se"] == {(None, None)}
    assert kinds["coverage"] == {(None, "central"), (None, "highest_density")}
    assert kinds["bias_eliminated_coverage"] == {
        ("mean", "central"),
        ("median", "central"),
        ("mean", "highest_density"),
    }
    assert kinds["coverage_lower_bound"] == {(None, "central"), (None, "highest_density")}
    assert not table.duplicated(["measure", "level", "point", "interval"]).any()


def test_one_point_and_no_densest_interval(x):
    """Of an estimator, whose median is its estimate."""
    table = performance(replace(x, median=x.mean, highest_density={LEVEL: (x.mean * np.nan,) * 2}))
    assert set(table["point"].dropna()) == {"mean"}
    assert set(table["interval"].dropna()) == {"central"}


def test_a_comparison_has_the_mean_and_central_intervals_only(x):
    cells = {("m", "p"): Fits({"a": x}, x.replicate), ("n", "p"): Fits({"a": x}, x.replicate)}
    table = measures.comparison(cells)
    assert "point" not in table
    assert not table.duplicated(["subset", "measure", "level"]).any()
    assert not set(table["measure"]) & set(other_scales.OTHER_SCALE_MEASURES)


@pytest.mark.parametrize(
    ("scale", "transform", "truth"), [("log", np.log, 2.0), ("fisher_z", np.arctanh, 0.4)]
)
def test_other_scales(rng, scale, transform, truth):
    estimate = truth * np.exp(rng.normal(0, 0.2, size=25))
    x = replace(replicates(estimate - truth, sd=1.0), scale=scale, truth=np.full(25, truth))
    x = replace(x, mean=estimate, median=0.9 * estimate)
    table = performance(x)
    for point, values in (("mean", estimate), ("median", 0.9 * estimate)):
        errors = transform(values) - transform(truth)
        bias, rmse = (of(table, f"{scale}_{name}", point) for name in ("bias", "rmse"))
        assert bias["value"] == pytest.approx(errors.mean())
        assert bias["mcse"] == pytest.approx(errors.std(ddof=1) / 5)
        assert rmse["value"] == pytest.approx(np.sqrt(np.mean(errors**2)))


@pytest.mark.parametrize(
    ("scale", "truth", "estimate"),
    [("log", 0.0, 1.0), ("log", 1.0, 0.0), ("fisher_z", 1.0, 0.5), ("fisher_z", 0.5, -1.0)],
)
def test_the_ends_of_a_scale_have_no_value(scale, truth, estimate):
    x = replicates(np.zeros(4), sd=1.0)
    x = replace(x, scale=scale, truth=np.full(4, truth), mean=np.array([estimate, 0.4, 0.5, 0.6]))
    table = performance(x)
    for name in other_scales.MEASURES[scale]:
        assert np.isnan(of(table, name)["value"])


def test_coverage_of_highest_density_intervals_is_nominal(rng):
    """Of 2,000 exact gamma posteriors: within 4 standard errors, type I error 6e-5."""
    shape, n, draws = 3.0, 2000, 2000
    rate = rng.gamma(2.0, 1.0, size=n)  # theta ~ gamma(2, 1), y | theta ~ gamma(3, theta)
    y = rng.gamma(shape, 1 / rate)
    posterior = rng.gamma(2.0 + shape, 1.0, size=(n, draws)) / (1.0 + y)[:, None]
    low, high = chain_statistics.highest_density(np.sort(posterior, axis=1), LEVEL)
    error = np.sqrt(LEVEL * (1 - LEVEL) / n)
    assert abs(np.mean((low <= rate) & (rate <= high)) - LEVEL) < 4 * error
    exact = stats.gamma(5.0).ppf([0.05, 0.95])
    assert np.mean((high - low) * (1 + y)) < np.diff(exact)[0]
