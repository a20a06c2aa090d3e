"""A study that keeps its draws."""

import numpy as np
import pandas as pd
import pytest

from recovery.fit.inference_data import inference_data

pytestmark = pytest.mark.workflow
CELL = "plain-4x5/noncentered/weak/00001-00250.parquet"


@pytest.fixture
def results(observed_study):
    return observed_study.folder / "results" / "small"


def test_kept_draws_have_the_estimates_of_the_table(results):
    estimates = pd.read_parquet(results / "estimates" / CELL).query("replicate == 2")
    means = estimates.set_index("parameter")["mean"]
    posterior = inference_data(results / "draws" / CELL, 2).posterior
    for name in ("b_Intercept", "b_x", "sigma"):
        assert posterior[name].shape == (2, 100)
        np.testing.assert_allclose(posterior[name].mean(), means[name])


def test_every_replicate_has_its_participants_estimates(results):
    estimates = pd.read_parquet(results / "estimates" / CELL)
    own = estimates[estimates["parameter"].str.startswith("r_participant[")]
    assert own.groupby("replicate").size().to_dict() == {1: 8, 2: 8, 3: 8}
    assert own["rhat"].isna().all()
    assert own[["truth", "mean", "q5_5", "q94_5"]].notna().all(axis=None)
