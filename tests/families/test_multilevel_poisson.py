"""The family multilevel_poisson: exposures, and counts that are too large."""

import numpy as np
import pytest
from conftest import SMALL, STAN, changed

from recovery import families
from recovery.common.errors import StudyError
from recovery.families.family import SimulationError
from recovery.fit import datasets
from recovery.run import preflight
from recovery.study.parse import parse

POISSON = families.find("multilevel_poisson")
EXPOSED = families.find(
    {
        "name": "multilevel_poisson",
        "formula": "y ~ x + offset(log(exposure)) + (x | participant)",
        "design": {"x": {"normal": [0, 1]}, "exposure": {"uniform": [0.5, 1.5]}},
    }
)
PRIORS = {"Intercept": "normal(0, 1)", "b": "normal(0, 1)", "sd": "exponential(1)", "cor": "lkj(1)"}
PRIOR = POISSON.Prior(**PRIORS)


def alike(intercept, slope=0):
    """The values of a truth of participants without differences."""
    return {
        "b": {"Intercept": intercept, "x": slope},
        "sd": {"participant": {"Intercept": 0, "x": 0}},
        "cor": {"participant": 0},
    }


ALIKE = alike(0.5, -1.0)


def test_exposures_of_an_observed_design_are_used(rng):
    observed = {
        "participant": np.array([1, 1, 2]),
        "x": np.zeros(3),
        "exposure": np.array([1e6, 2e6, 3e6]),
        "y": np.zeros(3, dtype=int),
    }
    columns, _ = EXPOSED.simulate(EXPOSED.Truth(**ALIKE), 3, observed, rng)
    assert columns["exposure"].tolist() == [1e6, 2e6, 3e6, 1e6, 2e6]
    assert np.allclose(columns["y"] / columns["exposure"], np.exp(0.5), rtol=0.01)
    offsets = EXPOSED.stan_data(columns, PRIOR, "pooled")["offsets"]
    np.testing.assert_allclose(offsets, np.log(columns["exposure"]), rtol=1e-15)
    assert EXPOSED.line_grid(columns)["exposure"][[0, -1]].tolist() == [1.5e6, 1.5e6]


def test_counts_without_exposures_have_offsets_of_0(rng):
    columns, _ = POISSON.simulate(POISSON.Truth(**ALIKE), 3, 2, rng)
    assert "exposure" not in columns
    assert POISSON.stan_data(columns, PRIOR, "pooled")["offsets"].tolist() == [0] * 6


# Counts that are too large


def test_counts_above_the_integers_of_stan_are_refused_with_a_message(rng):
    truth = POISSON.Truth(**alike(25.0))
    with pytest.raises(SimulationError, match=r"expected count is exp\(25\), must be at most 2"):
        POISSON.simulate(truth, 2, 2, rng)


def _poisson_study(intercept: str, b: str):
    priors = {"weak": PRIORS | {"Intercept": intercept, "b": b}}
    truth = alike(0) | {"sd": {"participant": {"Intercept": 1, "x": 1}}}
    raw = changed(
        SMALL,
        ("family", "multilevel_poisson"),
        ("priors", priors),
        ("truths", {"few": truth}),
    )
    return parse(raw, families.find)


def test_a_replicate_that_cannot_be_simulated_is_a_failed_row_with_its_reason():
    specification = {
        "family": "multilevel_poisson",
        "root_seed": 1,
        "replicates": "3-4",
        "truth": {"values": alike(25)},
        "participants": 2,
        "observations": 2,
    }
    data, truth = datasets.simulate_batch(specification)
    assert {name: len(values) for name, values in data.items()} == {
        "replicate": 0,
        "participant": 0,
        "x": 0,
        "y": 0,
    }
    assert truth["replicate"].tolist() == [3, 4]
    assert truth["parameter"].tolist() == [None, None]
    assert all(error.startswith("an expected count is exp(25)") for error in truth["error"])


def test_the_programs_of_a_wide_prior_are_still_tried():
    preflight.try_programs(_poisson_study("normal(0, 30)", "normal(0, 30)"), STAN, "stanli")


def test_a_prior_that_gives_only_counts_that_are_too_large_is_refused_with_a_message():
    study = _poisson_study("normal(1e3, 1)", "normal(1e3, 1)")
    with pytest.raises(StudyError, match="none of 100 datasets of the first prior can be drawn"):
        preflight.try_programs(study, STAN, "stanli")
