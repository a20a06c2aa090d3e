"""CmdStan's optimiser, Laplace and Pathfinder, run for real, against least squares.

The program is that of the package prophet. Without a trend, and with next to flat priors, it
is a regression y ~ normal(m + X beta, sigma_obs).
"""

import tempfile

import numpy as np
import pytest

from recovery import engines
from recovery.engines.protocol import Program

N, DRAWS = 400, 1000
NAMES = ["m", "beta[1]"]


@pytest.fixture(scope="module")
def cmdstan():
    return engines.find("cmdstan")


@pytest.fixture
def loaded(cmdstan, newer_cmdstan_files):
    executable = str(newer_cmdstan_files / "prophet_model.bin")
    return cmdstan.load(Program("prophet.stan", ".", executable))


@pytest.fixture
def data(rng):
    x = rng.normal(size=N)
    flat = {"trend_indicator": 2, "S": 0, "t_change": [], "tau": 1.0, "cap": np.ones(N)}
    regression = {"K": 1, "X": x[:, None], "sigmas": [10.0], "s_a": [1.0], "s_m": [0.0]}
    y = 0.3 + 0.5 * x + 0.4 * rng.normal(size=N)
    return {"T": N, "t": np.linspace(0, 1, N), "y": y, **flat, **regression}


@pytest.fixture
def least_squares(data):
    """Coefficients and their standard errors."""
    x, y = np.column_stack([np.ones(N), data["X"]]), data["y"]
    beta, (left,), *_ = np.linalg.lstsq(x, y, rcond=None)
    return beta, np.sqrt(left / (N - 2) * np.diag(np.linalg.inv(x.T @ x)))


def approximate(cmdstan, loaded, data, algorithm, seed=1):
    found = cmdstan.approximate(loaded, data, seed, algorithm, DRAWS)
    return found.values[:, [found.names.index(name) for name in NAMES]], found


def test_the_mode_is_least_squares(cmdstan, loaded, data, least_squares):
    values, found = approximate(cmdstan, loaded, data, "optimize")
    beta, error = least_squares
    assert values.shape == (1, 2)
    assert np.abs(values[0] - beta).max() < 0.01 * error.min()
    assert not any(name.endswith("__") for name in found.names)
    assert found.seconds > 0


@pytest.mark.parametrize("algorithm", ["laplace", "pathfinder"])
def test_draws_have_the_mean_and_spread_of_least_squares(
    cmdstan, loaded, data, least_squares, algorithm
):
    # Pathfinder draws a thousand of some thousands again, so their mean is less sure than
    # 1 / sqrt(1000) SDs: a fifth of an SD is 6 standard errors of 1,000 draws, 4 of half as many.
    values, _ = approximate(cmdstan, loaded, data, algorithm)
    beta, error = least_squares
    assert values.shape == (DRAWS, 2)
    assert np.abs((values.mean(axis=0) - beta) / error).max() < 0.2
    assert values.std(axis=0) == pytest.approx(error, rel=0.2)
    assert len(np.unique(values[:, 0])) > DRAWS / 4


@pytest.mark.parametrize("algorithm", ["optimize", "laplace", "pathfinder"])
def test_the_seed_decides_the_draws(cmdstan, loaded, data, algorithm):
    one, same = (approximate(cmdstan, loaded, data, algorithm, seed=7)[0] for _ in range(2))
    assert (one == same).all()
    if algorithm != "optimize":
        assert (approximate(cmdstan, loaded, data, algorithm, seed=9)[0] != one).any()


def test_the_error_of_a_failure_is_stans_message_without_settings(cmdstan, loaded, data):
    data = data | {"y": np.full(N, np.nan)}
    with pytest.raises(RuntimeError, match=r"(?s)^Rejecting initial value:.* is nan"):
        approximate(cmdstan, loaded, data, "laplace")


@pytest.mark.parametrize("algorithm", ["optimize", "laplace", "pathfinder"])
def test_data_that_stan_rejects_are_an_error_and_leave_no_file(
    cmdstan, loaded, data, algorithm, tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(RuntimeError, match="variable does not exist"):
        approximate(cmdstan, loaded, {"T": N}, algorithm)
    approximate(cmdstan, loaded, data, algorithm)
    left = [file for file in tmp_path.rglob("*") if file.is_file() and file.suffix == ".csv"]
    assert left == []
