"""A study with a decision by Bayes factors, run to its report."""

import numpy as np
import pandas as pd
import pytest
from conftest import run_once

pytestmark = pytest.mark.workflow
RULE = {"of": "x", "null": 0, "bf": 3}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    study = run_once(tmp_path_factory, "evidence_study", decisions={"effect": RULE})
    return study.folder / "results/small"


def test_the_rates_are_those_of_the_bayes_factors(results):
    evidence = pd.concat(map(pd.read_parquet, (results / "evidence").rglob("*.parquet")))
    assert (evidence["parameter"] == "b_x").all()
    evidence = evidence[evidence["log_bf"].notna()]  # of tiny fits some are unknown
    assert len(evidence) >= 8
    yes = (evidence["log_bf"] >= np.log(3)).groupby([evidence["scenario"], evidence["model"]])
    table = pd.read_parquet(results / "summary/decisions.parquet")
    table = table[(table["outcome"] == "yes") & (table["subset"] == "all")]
    found = table.set_index(["scenario", "model"])["rate"]
    pd.testing.assert_series_equal(found.sort_index(), yes.mean().sort_index(), check_names=False)
    assert table["n_replicates"].sum() == len(evidence)
