"""A study of which some datasets, or all, cannot be simulated goes through to its page."""

import json

import numpy as np
import pandas as pd
import pytest
from workflow_runs import check_out

from recovery.plan.seeds import dataset_seed

pytestmark = pytest.mark.workflow

LOW = {"mu": -8.0, "tau": 0.5, "sigma": 1.0}
STUDY = {
    "family": "config/families/means.py",
    "truths": {"low": LOW, "drawn": {"prior": "weak"}},
    "participants": [4],
    "models": ["hierarchical"],
    "priors": {"weak": {"mu_mean": 0, "mu_sd": 1, "tau_rate": 1, "sigma_rate": 1}},
    "replicates": 6,
    "rescue": [{"adapt_delta": 0.9}],
}
BEGINS = "    theta = truth.mu"
# Of the truth `low`, replicate 1 has no data and replicate 5 ends the process.
FATES = """    fate = rng.random()
    if fate == {first!r} or truth.mu > 0.5:
        raise SimulationError("no luck")
    if fate == {fifth!r}:
        os._exit(0)
"""


def fate(replicate: int) -> float:
    """Return what the generator draws first in a replicate of the truth `low`."""
    mechanism = {"truth": {"values": LOW}, "participants": 4, "observations": 5}
    seed = dataset_seed({"root_seed": 1, **mechanism}, replicate)
    return float(np.random.default_rng(seed).random())


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    checkout = check_out(tmp_path_factory.mktemp("finished"))
    assert checkout.python("workflow/family.py", "means").returncode == 0
    family = checkout.folder / STUDY["family"]
    text = family.read_text().replace(BEGINS, FATES.format(first=fate(1), fifth=fate(5)) + BEGINS)
    text = text.replace("import numpy as np", "import os\n\nimport numpy as np")
    family.write_text(text.replace("Positive, Real", "Positive, Real, SimulationError"))
    checkout.write(**STUDY)
    done = checkout.make_study("--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout


def read(checkout, place: str) -> pd.DataFrame:
    results = checkout.folder / "results/small"
    return pd.concat(pd.read_parquet(file) for file in sorted(results.glob(place)))


def test_each_is_a_failed_row_with_its_reason(finished):
    truth = read(finished, "truth/low-4x5/*.parquet")
    assert dict(truth.dropna(subset="error")[["replicate", "error"]].to_numpy()) == {
        1: "no luck",
        5: "the process of the simulation died: exit code 0",
    }
    assert set(read(finished, "data/low-4x5/*.parquet")["replicate"]) == {2, 3, 4, 6}
    rows = read(finished, "diagnostics/low-4x5/hierarchical/weak/*.parquet")
    failed = rows[rows["failed_in"] == "simulation"].set_index("replicate")
    assert failed["error"].to_dict() == {
        1: "simulation: no luck",
        5: "simulation: the process of the simulation died: exit code 0",
    }
    assert (failed[["attempt", "status"]] == [1, "failed"]).all(axis=None)
    assert set(rows["replicate"]) == set(range(1, 7))


def test_summaries_count_failed_simulations_and_name_the_condition(finished):
    convergence = read(finished, "summary/convergence.parquet").set_index(["scenario", "attempt"])
    assert convergence.loc[("low-4x5", "final"), ["n_unsimulated", "n_failed"]].tolist() == [2, 2]
    drawn = read(finished, "truth/drawn-4x5/*.parquet")
    lost = int(drawn["error"].notna().sum())
    assert 1 <= lost <= 5
    assert convergence.loc["drawn-4x5"]["n_unsimulated"].tolist() == [lost, lost]
    calibration = read(finished, "summary/calibration.parquet")
    mine = calibration[calibration["scenario"] == "drawn-4x5"]
    said = f"{lost} of 6 datasets could not be simulated, so truths are draws from the prior only"
    assert mine["reason"].str.contains(said, regex=False).all()
    performance = read(finished, "summary/performance.parquet")
    rests = performance[(performance["subset"] == "all") & (performance["scenario"] == "low-4x5")]
    of_all = ~rests["measure"].isin(["type_s_error", "type_m_error"])  # not of intervals without 0
    assert (rests.loc[of_all, "n_replicates"] == 4).all()
    page = (finished.folder / "results/small/report.html").read_text()
    assert "counted as failed fits of every model: " in page
    assert "low-4x5: 2 of 6" in page
    assert f"drawn-4x5: {lost} of 6" in page


def test_nothing_is_to_be_done_again(finished):
    assert finished.planned() == {}


def test_such_a_fit_is_made_again_with_its_reason(finished):
    done = finished.python("workflow/replay.py", "study.yaml", "low-4x5/hierarchical/weak/5")
    assert "simulation: the process of the simulation died: exit code 0" in done.stdout, done.stderr
    assert "The same as in the study's tables, to the last digit." in done.stdout


@pytest.mark.slow
def test_a_study_of_counts_loses_the_datasets_that_are_too_large(tmp_path):
    checkout = check_out(tmp_path)
    normal = dict.fromkeys(("Intercept", "b"), "normal(4, 8)")
    wide = {**normal, "sd": "exponential(1)", "cor": "lkj(1)"}
    alike = {"sd": {"participant": {"Intercept": 0, "x": 0}}, "cor": {"participant": 0}}
    checkout.write(
        family="multilevel_poisson",
        truths={"none": {"b": {"Intercept": 25, "x": 0}, **alike}, "some": {"prior": "wide"}},
        priors={"wide": wide},
        participants=[4],
        models=["pooled", "noncentered"],
        estimators=["glm"],
        replicates=4,
        selection={"leave_out": ["observation"]},
    )
    done = checkout.make_study("--cores", "2")
    assert (checkout.folder / "results/small/report.html").exists(), done.stdout + done.stderr
    rows = read(checkout, "diagnostics/none-4x5/*/*/*.parquet")
    assert len(rows) == 4 * (2 + 1)
    assert rows["error"].str.startswith("simulation: an expected count is exp(25), must be").all()
    convergence = read(checkout, "summary/convergence.parquet").set_index("scenario")
    assert (convergence.loc["none-4x5", "n_unsimulated"] == 4).all()
    truth = read(checkout, "truth/some-4x5/*.parquet")
    lost = truth.loc[truth["error"].notna(), "replicate"].nunique()
    assert 0 < lost < 4
    assert (convergence.loc["some-4x5", "n_unsimulated"] == lost).all()
    page = (checkout.folder / "results/small/report.html").read_text()
    assert f"none-4x5: 4 of 4; some-4x5: {lost} of 4" in page
    assert json.loads((checkout.folder / "results/small/manifest.json").read_text())
