"""Data that a researcher's own family returns, and its use of data that it receives."""

import numpy as np
import pytest
from own_families import tried_in_vain

from recovery import families
from recovery.common.errors import StudyError
from recovery.families.family import SimulationError

pytestmark = pytest.mark.usefixtures("in_the_repository")

RETURNED = 'return {"participant": participant, "y": y}, {"theta": theta}'
TRUTH = {"mu": 0.5, "tau": 1, "sigma": 1}


def simulated(begin, *changes):
    family = families.find(begin(*changes)["family"])
    return family.simulate(family.Truth(**TRUTH), 3, 4, np.random.default_rng(1))


def returning(participant="participant", y="y", theta="theta"):
    data = f'return {{"participant": {participant}, "y": {y}}}, {{"theta": {theta}}}'
    return ("family.py", RETURNED, f"import pandas as pd\n    {data}")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (returning(y="np.ma.masked_array(y, mask=y > 0)"), "column 'y' has masked values"),
        (
            returning(y="pd.array([*y[:-1], None], dtype='Float64')"),
            "column 'y' has masked values",
        ),
        (
            returning(participant="participant.astype('u8') + np.uint64(2**63)"),
            "column 'participant' holds 9223372036854775811, must be at most 9223372036854775807",
        ),
    ],
)
def test_a_column_with_a_value_that_is_not_a_number_is_refused(begin, change, message):
    with pytest.raises(StudyError, match=f"simulate: {message}"):
        simulated(begin, change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (returning(y="np.where(y > 0, np.nan, y)"), "column 'y' holds a value that is not finite"),
        (returning(y="y * np.longdouble('1e400')"), "column 'y' holds a value that is not finite"),
        (returning(theta="np.ma.masked_array(theta, mask=theta > 0)"), "theta: is not finite"),
    ],
)
def test_a_dataset_that_is_not_finite_cannot_be_simulated(begin, change, message):
    with pytest.raises(SimulationError, match=message):
        simulated(begin, change)


def test_columns_may_be_pandas_or_masked_arrays_without_missing_values(begin):
    plain, _ = simulated(begin)
    for y in ("pd.Series(y)", "pd.array(y, dtype='Float64')", "np.ma.masked_array(y)"):
        columns, _ = simulated(begin, returning(y=y))
        np.testing.assert_array_equal(columns["y"], plain["y"])


@pytest.mark.parametrize("function", ["simulate", "draw_truth"])
def test_a_function_that_draws_nothing_from_its_rng_is_refused(begin, function):
    """Otherwise every replicate would have the same data."""
    begins = {"simulate": "    theta = truth.mu", "draw_truth": "    return Truth("}[function]
    change = ("family.py", begins, f"    rng = np.random.default_rng(1)\n{begins}")
    message = tried_in_vain(begin(change))
    assert f"means.py: {function}: draws nothing from `rng`, must draw all random" in message


def test_generators_spawned_from_the_rng_count_as_draws(begin):
    before = "    theta = truth.mu"
    simulated(begin, ("family.py", before, f"    rng = rng.spawn(1)[0]\n{before}"))


def test_changes_by_stan_data_in_place_do_not_affect_the_next_call(begin):
    before = "def stan_data(observations, prior):\n"
    change = ("family.py", before, f"{before}    observations['y'] *= 2\n")
    raw = begin(change)
    family = families.find(raw["family"])
    truth, rng = family.Truth(**TRUTH), np.random.default_rng(1)
    columns, _ = family.simulate(truth, 3, 4, rng)
    prior = family.Prior(**next(iter(raw["priors"].values())))
    y = columns["y"].copy()
    for _ in range(2):
        data = family.stan_data(columns, prior, next(iter(family.MODELS)))
        np.testing.assert_array_equal(data["y"], 2 * y)
    np.testing.assert_array_equal(columns["y"], y)
