"""Agreement of groups' estimates with their true values."""

import numpy as np
import pytest
from scipy import stats

from recovery.fit.group_agreement import agreement


@pytest.mark.parametrize("slope", [1.0, 0.4, -0.5])
def test_estimates_on_a_line_of_truth_have_its_slope(slope):
    truth = np.array([-1.0, 0.0, 2.0, 5.0])
    result = agreement(0.3 + slope * truth, truth)
    assert result["shrinkage_slope"] == pytest.approx(slope)
    assert result["correlation"] == pytest.approx(np.sign(slope))


def test_agreement_is_that_of_scipy(rng):
    truth, noise = rng.normal(size=(2, 30))
    result = agreement(truth + noise, truth)
    line = stats.linregress(truth, truth + noise)
    assert result["shrinkage_slope"] == pytest.approx(line.slope)
    assert result["correlation"] == pytest.approx(line.rvalue)
    assert result["rmse"] == pytest.approx(np.sqrt(np.mean(noise**2)))


def test_with_full_shrinkage_the_slope_is_0_and_there_is_no_correlation():
    result = agreement(np.ones(3), np.array([0.0, 1.0, 2.0]))
    assert result["shrinkage_slope"] == 0
    assert np.isnan(result["correlation"])


def test_true_values_that_do_not_vary_have_neither_slope_nor_correlation():
    result = agreement(np.array([0.0, 1.0]), np.ones(2))
    assert np.isnan(result["shrinkage_slope"])
    assert np.isnan(result["correlation"])
    assert result["rmse"] == pytest.approx(np.sqrt(0.5))


def test_true_values_that_differ_only_by_rounding_have_no_slope():
    result = agreement(np.array([0.1, 0.2, 0.4]), np.full(3, 0.1))
    assert np.isnan(result["shrinkage_slope"])
    assert np.isnan(result["correlation"])
