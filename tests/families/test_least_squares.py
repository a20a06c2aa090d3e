"""Least squares against closed forms, and data without classical estimates."""

import numpy as np
import pytest
from classical_fits import fitted, interval, simulated, unbalanced
from conftest import LINEAR
from scipy import stats


def test_one_line_for_all_participants_is_ordinary_least_squares():
    columns = simulated()
    value, error = fitted("ols", columns)
    expected = stats.linregress(columns["x"], columns["y"])
    assert value["b_Intercept"] == pytest.approx(expected.intercept)
    assert value["b_x"] == pytest.approx(expected.slope)
    assert error["b_Intercept"] == pytest.approx(expected.intercept_stderr)
    assert error["b_x"] == pytest.approx(expected.stderr)
    df = columns["y"].size - 2
    half = stats.t.isf(0.025, df) * expected.stderr
    bounds = [expected.slope - half, expected.slope + half]
    assert interval("ols", columns, "b_x") == pytest.approx(bounds)
    sigma = value["sigma"]
    assert sigma**2 * df == pytest.approx(
        np.linalg.lstsq(LINEAR.layout.design_matrix(columns), columns["y"])[1][0]
    )
    low, high = interval("ols", columns, "sigma")
    assert df * sigma**2 / np.array([high, low]) ** 2 == pytest.approx(
        stats.chi2.ppf([0.025, 0.975], df)
    )


def test_separate_lines_are_averaged_in_two_steps(rng):
    columns = unbalanced(simulated(), rng)
    value, error = fitted("least_squares", columns)
    result, left, df = [], 0.0, 0
    people = np.unique(columns["participant"])
    for person in people:
        rows = columns["participant"] == person
        line = stats.linregress(columns["x"][rows], columns["y"][rows])
        result.append((line.intercept, line.slope))
        fitted_y = line.intercept + line.slope * columns["x"][rows]
        left += np.sum((columns["y"][rows] - fitted_y) ** 2)
        df += rows.sum() - 2
    lines = np.array(result)
    for k, name in enumerate(("Intercept", "x")):
        assert value[f"b_{name}"] == pytest.approx(lines[:, k].mean())
        assert error[f"b_{name}"] == pytest.approx(stats.sem(lines[:, k]))
        low, high = interval("least_squares", columns, f"b_{name}")
        t = stats.t.isf(0.025, len(lines) - 1)
        assert (high - low) / 2 == pytest.approx(t * stats.sem(lines[:, k]))
        own = [value[f"r_participant[{person},{name}]"] for person in people]
        assert own == pytest.approx(lines[:, k] - lines[:, k].mean())
    assert value["sigma"] == pytest.approx(np.sqrt(left / df))


# Data without estimates


@pytest.mark.parametrize("name", LINEAR.ESTIMATORS)
def test_an_outcome_that_does_not_vary_has_no_estimates(name):
    columns = simulated() | {"y": np.full(192, 5.0)}
    with pytest.raises(RuntimeError, match="all residuals are 0, so sigma cannot be estimated"):
        LINEAR.ESTIMATORS[name].fit(columns)


@pytest.mark.parametrize("name", LINEAR.ESTIMATORS)
@pytest.mark.parametrize("x", [0.0, 3.0])
def test_a_predictor_that_does_not_vary_has_no_estimates(name, x):
    with pytest.raises(RuntimeError, match=r"are collinear|rank deficient"):
        LINEAR.ESTIMATORS[name].fit(simulated() | {"x": np.full(192, x)})


@pytest.mark.parametrize("name", ["reml", "ml", "least_squares"])
def test_too_few_observations_for_lines_have_no_estimates(name):
    with pytest.raises(RuntimeError, match="no degrees of freedom are left to estimate sigma"):
        LINEAR.ESTIMATORS[name].fit(simulated(observations=2))


def test_lines_without_residuals_have_no_maximum_likelihood():
    columns = simulated()
    columns["y"] = columns["participant"] * (1 + columns["x"])
    with pytest.raises(RuntimeError, match=r"it grows as sigma goes to 0|the fit is exact"):
        LINEAR.ESTIMATORS["reml"].fit(columns)
