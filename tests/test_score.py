"""A table of estimates made elsewhere is scored, or refused with a message."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from recovery import score


@pytest.fixture
def table(rng) -> pd.DataFrame:
    mean = rng.normal(0.1, 1, size=40)
    rows = {"scenario": "s", "model": "m", "prior": "p", "replicate": np.arange(40)}
    rows |= {"parameter": "b", "truth": 0.0, "mean": mean, "sd": 1.0}
    return pd.DataFrame(rows | {"q2_5": mean - 1.96, "q97_5": mean + 1.96})


def value(found, measure) -> float:
    return found.set_index("measure").loc[measure, "value"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_both_formats_give_the_same_scores(table, suffix, tmp_path):
    file = tmp_path / f"made{suffix}"
    table.to_csv(file, index=False) if suffix == ".csv" else table.to_parquet(file)
    found = score.score(file, [0.95])
    assert value(found, "bias") == pytest.approx(table["mean"].mean())
    assert value(found, "coverage") == np.mean(table["mean"].abs() <= 1.96)


def test_the_documented_command_prints_csv(table, tmp_path):
    table.to_csv(tmp_path / "made.csv", index=False)
    command = [sys.executable, "-m", "recovery.score", tmp_path / "made.csv", "--levels", "0.95"]
    done = subprocess.run(
        command, cwd=ROOT / "workflow/scripts", capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("scenario,model,prior,parameter,subset,measure,level,value,mcse")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t.drop(columns=["truth", "q2_5"]), "lacks the columns truth, q2_5"),
        (lambda t: t.assign(sd="much"), "column sd must hold a finite number"),
        (lambda t: t.assign(mean=t["mean"].where(t["mean"] > 0)), "column mean must hold"),
        (lambda t: t.assign(mean=np.inf), "column mean must hold a finite number"),
        (lambda t: t.assign(sd=-1.0), "column sd must not be negative"),
        (lambda t: t.assign(q2_5=t["q97_5"] + 1), "column q2_5 must not be above q97_5"),
        (lambda t: t.assign(parameter=""), "column parameter must have a value in every row"),
        (lambda t: t.iloc[:0], "has no rows"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "two rows for one cell, replicate and parameter"),
    ],
)
def test_a_table_that_cannot_be_scored_is_refused(table, spoil, message, tmp_path):
    spoil(table).to_csv(tmp_path / "made.csv", index=False)
    with pytest.raises(ValueError, match=message):
        score.score(tmp_path / "made.csv", [0.95])


@pytest.mark.parametrize("name", ["None", "NA", "null"])
def test_a_prior_may_have_a_name_that_looks_like_nothing(table, name, tmp_path):
    table.assign(prior=name).to_csv(tmp_path / "made.csv", index=False)
    assert set(score.score(tmp_path / "made.csv", [0.95])["prior"]) == {name}


def test_a_positive_parameter_has_no_rejection_rate(table, tmp_path):
    table.to_csv(tmp_path / "made.csv", index=False)
    found = score.score(tmp_path / "made.csv", [0.95], ["b"])
    assert np.isnan(value(found, "rejection_rate"))


def test_a_level_must_be_a_share(table, tmp_path):
    with pytest.raises(ValueError, match="levels: got 95, must be between 0 and 1"):
        score.score(tmp_path / "made.csv", [95])


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"none\.csv: cannot be read"):
        score.score(tmp_path / "none.csv", [0.95])
