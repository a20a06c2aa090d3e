"""A whole study with CmdStan: a family of one's own around the program of the package prophet.

Its executable is a real one; what compiles it is `cmdstan_stand_in`.
"""

import shutil

import pandas as pd
import pytest
from cmdstan_stand_in import compilations, libraries, stand_in
from workflow_runs import SUMMARY, check_out

pytestmark = pytest.mark.workflow
FAMILY = '''
"""y ~ normal(m, sigma_obs): prophet's program without trend and regressors."""

import numpy as np

from recovery.families.own import Frozen, Model, Positive, Real

MODELS = {"flat": Model("prophet.stan", pooling="complete")}
PARAMETERS = {"m": (), "sigma_obs": ()}
POSITIVE = ("sigma_obs",)
COLUMNS = {"participant": "integer", "y": "real"}
OUTCOME = "y"


class Truth(Frozen):
    """Mean and standard deviation."""

    m: Real
    sigma_obs: Positive


class Prior(Frozen):
    """beta ~ normal(0, beta_sd), which nothing rests on."""

    beta_sd: Positive


def draw_truth(prior, rng):
    return Truth(m=rng.normal(0, 5), sigma_obs=abs(rng.normal(0, 0.5)) + 1e-3)


def simulate(truth, participants, observations, rng):
    participant = np.repeat(np.arange(1, participants + 1), observations)
    y = truth.m + truth.sigma_obs * rng.normal(size=participant.size)
    return {"participant": participant, "y": y}, {}


def stan_data(observations, prior):
    n = observations["y"].size
    zeros, ones = [0.0] * n, [1.0] * n
    regressor = {"K": 1, "X": [[0.0]] * n, "sigmas": [prior.beta_sd], "s_a": [1.0], "s_m": [0.0]}
    flat = {"S": 0, "t_change": [], "tau": 1.0, "trend_indicator": 2, "t": zeros, "cap": ones}
    return {"T": n, "y": observations["y"], **flat, **regressor}
'''
STUDY = {
    "family": "config/families/flat.py",
    "engine": "cmdstan",
    "truths": {"typical": {"m": 0.5, "sigma_obs": 0.5}},
    "participants": [4],
    "observations": [5],
    "batch": 3,
    "models": ["flat"],
    "estimators": ["laplace_flat", "pathfinder_flat"],
    "priors": {"weak": {"beta_sd": 1}},
}


@pytest.fixture
def checkout(tmp_path, newer_cmdstan_files, monkeypatch):
    folder = tmp_path / "checkout"
    folder.mkdir()
    checkout = check_out(folder)
    families = folder / "config/families"
    families.mkdir(exist_ok=True)
    (families / "flat.py").write_text(FAMILY)
    shutil.copy(newer_cmdstan_files / "prophet.stan", families / "prophet.stan")
    monkeypatch.setenv("CMDSTAN", str(stand_in(tmp_path / "cmdstan", newer_cmdstan_files)))
    monkeypatch.setenv("LD_LIBRARY_PATH", libraries(newer_cmdstan_files))
    return checkout


def diagnostics(checkout):
    files = (checkout.folder / "results/small/diagnostics").rglob("*.parquet")
    return pd.concat(map(pd.read_parquet, files))


def test_a_study_with_cmdstan(checkout, tmp_path):
    checkout.write(**STUDY)
    done = checkout.make_study(SUMMARY)
    assert done.returncode == 0, done.stdout + done.stderr
    found = diagnostics(checkout)
    assert set(found["status"]) == {"ok"}
    assert set(found["engine_version"]) == {"2.37.0"}
    assert found["pareto_k"].notna().sum() == 3  # Pathfinder's
    assert checkout.planned(SUMMARY) == {}

    # Its executable serves a replay and another study.
    before = compilations(tmp_path / "cmdstan")
    done = checkout.python("workflow/replay.py", "study.yaml", "typical-4x5/flat/weak/2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The same as in the study's tables" in done.stdout
    checkout.change(name="other")
    done = checkout.snakemake("--cores", "2", "--until", "compile", "--", "all")
    assert done.returncode == 0, done.stderr
    assert (checkout.folder / "results/other/programs").is_dir()
    assert compilations(tmp_path / "cmdstan") == before


@pytest.mark.slow
def test_a_machine_without_libraries_and_cmdstan_elsewhere(
    checkout, tmp_path, monkeypatch, newer_cmdstan_files
):
    # Without the executable's libraries no fit has failed, and the next run goes on.
    checkout.write(**STUDY)
    monkeypatch.delenv("LD_LIBRARY_PATH")
    done = checkout.make_study(SUMMARY)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "error while loading shared libraries" in said
    assert "Traceback" not in said
    assert not list((checkout.folder / "results/small").rglob("diagnostics/**/*.parquet"))
    monkeypatch.setenv("LD_LIBRARY_PATH", libraries(newer_cmdstan_files))
    done = checkout.make_study(SUMMARY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(diagnostics(checkout)["status"]) == {"ok"}

    # CmdStan elsewhere: nothing is fitted again, and what is new has it compiled again.
    before = compilations(tmp_path / "cmdstan")
    moved = shutil.move(tmp_path / "cmdstan", tmp_path / "moved")
    monkeypatch.setenv("CMDSTAN", str(moved))
    assert checkout.planned(SUMMARY) == {}
    checkout.change(replicates=4, estimators=[])
    done = checkout.snakemake("--cores", "2", "--until", "fit", "--", "all")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(diagnostics(checkout).query("model == 'flat'")) == 4
    assert compilations(moved) == before + 1
