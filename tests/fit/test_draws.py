"""Kept draws are read as InferenceData of ArviZ, bit by bit."""

import arviz_base
import numpy as np
import pytest

from recovery import tables
from recovery.engines.protocol import SAMPLER_COLUMNS, Draws
from recovery.fit import draws
from recovery.fit.inference_data import inference_data

NAMES = [
    "b_Intercept",
    "b_x",
    "sigma",
    "r_participant[1,Intercept]",
    "r_participant[2,Intercept]",
    "r_participant[1,x]",
    "r_participant[2,x]",
]


@pytest.fixture
def kept(rng) -> Draws:
    sampler = {name: rng.integers(0, 2, size=(2, 5)).astype(float) for name in SAMPLER_COLUMNS}
    return Draws(NAMES, rng.normal(size=(2, 5, len(NAMES))), sampler, 1.0, 1.0)


@pytest.fixture
def file(kept, tmp_path):
    """Draws of replicates 3 and 5; those of 5 are the negative of those of 3."""
    path = tmp_path / "00001-00010.parquet"
    with draws.writer(path, "identity") as keep:
        keep(3, kept)
        keep(5, Draws(NAMES, -kept.values, kept.sampler, 1.0, 1.0))
    return path


def test_variables_have_their_dimensions_after_chain_and_draw(file, kept):
    posterior = inference_data(file, 3).posterior
    np.testing.assert_array_equal(posterior["sigma"], kept.values[:, :, 2])
    np.testing.assert_array_equal(posterior["b_x"], kept.values[:, :, 1])
    deviations = posterior["r_participant"]
    assert deviations["r_participant_dim_0"].values.tolist() == ["1", "2"]
    assert deviations["r_participant_dim_1"].values.tolist() == ["Intercept", "x"]
    assert deviations.shape == (2, 5, 2, 2)
    np.testing.assert_array_equal(deviations[:, :, 1, 0], kept.values[:, :, 4])
    np.testing.assert_array_equal(deviations[:, :, 0, 1], kept.values[:, :, 5])


def test_the_samplers_columns_have_arvizs_names(file, kept):
    statistics = inference_data(file, 3).sample_stats
    assert set(statistics.data_vars) == {"lp", "diverging", "tree_depth", "n_steps", "energy"}
    assert statistics["diverging"].dtype == bool
    np.testing.assert_array_equal(statistics["energy"], kept.sampler["energy__"])


def test_a_replicate_has_its_own_draws(file, kept):
    posterior = inference_data(file, 5).posterior
    np.testing.assert_array_equal(posterior["sigma"], -kept.values[:, :, 2])


def test_arviz_can_extract_kept_draws(file):
    expected = {"b_Intercept", "b_x", "sigma", "r_participant"}
    assert set(arviz_base.extract(inference_data(file, 3))) == expected


def test_a_replicate_without_draws_is_named_in_the_error(file):
    with pytest.raises(KeyError, match="no draws of replicate 4"):
        inference_data(file, 4)


def test_a_batch_without_any_draws_has_an_empty_table(tmp_path):
    with draws.writer(tmp_path / "a.parquet", "identity"):
        pass
    assert tables.read_identity(tmp_path / "a.parquet") == "identity"
    assert tables.read(tmp_path / "a.parquet")["replicate"].size == 0


def test_an_interrupted_batch_leaves_no_draws(tmp_path, kept):
    def keep_and_fail():
        with draws.writer(tmp_path / "a.parquet", "identity") as keep:
            keep(1, kept)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        keep_and_fail()
    assert list(tmp_path.iterdir()) == []


def test_without_a_file_no_draws_are_kept():
    with draws.writer(None, "identity") as keep:
        assert keep is None
