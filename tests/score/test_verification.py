"""Verification of a share of the fits by another engine: which fits, and whether both agree."""

from importlib.metadata import version

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from conftest import make_design, make_study
from scipy import stats

from recovery import tables
from recovery.common.errors import StudyError
from recovery.plan.seeds import fit_seed
from recovery.score import verification

HALF = ("verify", {"engine": "stanli", "share": 0.5})
CELL = ("moderate-4x3", "pooled", "weak")


def chosen(*places):
    result = make_design(HALF, *places).verified(CELL)
    return [replicate for replicates in result.values() for replicate in replicates]


def test_a_share_of_the_replicates_is_verified():
    n = len(chosen(("replicates", 4000)))
    assert stats.binomtest(n, 4000, 0.5).pvalue > 1e-4  # type I error rate
    assert make_design().verified(CELL) == {}
    assert (
        len(
            make_design(("verify", {"engine": "stanli", "share": 1})).verified(CELL)[
                make_design().batches(CELL)[0]
            ]
        )
        == 25
    )


def test_a_share_that_rounds_to_no_fit_leaves_nothing_to_compare():
    design = make_design(("verify", {"engine": "stanli", "share": 1e-12}))
    result = verification.summary(design)
    assert set(result["model"]) == {"pooled", "centered"}
    assert set(result["verdict"]) == {verification.NO_FIT}


def test_the_choice_of_verified_fits_depends_only_on_seed_and_cell():
    assert chosen(("batch", 7)) == chosen() == chosen(("models", ["centered", "pooled"]))
    longer = chosen(("replicates", 80))
    assert [replicate for replicate in longer if replicate <= 40] == chosen()
    assert chosen(("seed", 2)) != chosen()


def test_a_verifying_fit_has_a_separate_seed_and_identity():
    design = make_design(HALF)
    batch = design.batches(CELL)[0]
    fit, verification = design.fit(*CELL, batch), design.verification(*CELL, batch)
    assert fit["identity"] != verification["identity"]
    assert fit_seed(fit, 1) != fit_seed(verification, 1)
    assert make_design().fit(*CELL, batch) == fit


def table(z, parameter="sigma"):
    rows = {"model": "pooled", "parameter": parameter, "z": z}
    return pd.DataFrame(rows)


def verdicts(*tables):
    result = pd.concat(tables, ignore_index=True)
    names = list(result["parameter"].dropna().unique())
    return verification.compare_engines(result, {"pooled": names})["verdict"].tolist()


@pytest.mark.slow
def test_engines_that_agree_rarely_get_the_verdict_disagree(rng, monkeypatch):
    monkeypatch.setattr("gc.collect", lambda: 0)  # statsmodels calls it at every correction
    alarms = sum(
        "disagree" in verdicts(*(table(rng.normal(size=30), name) for name in "abcd"))
        for _ in range(400)
    )
    assert stats.binomtest(alarms, 400, 0.01, alternative="greater").pvalue > 1e-4


def test_a_shift_and_a_difference_in_spread_are_detected(rng):
    z = rng.normal(size=100)
    assert verdicts(table(z + 0.6)) == ["disagree"]
    assert verdicts(table(z * 1.7)) == ["disagree"]
    assert verdicts(table(np.full(100, 0.0))) == ["agree"]


def test_fits_that_converged_with_one_engine_only_are_counted_and_not_compared(rng):
    alone = table([np.nan, np.nan], parameter=None)
    result = verification.compare_engines(
        pd.concat([table(rng.normal(size=5)), alone]), {"pooled": ["sigma"], "centered": ["sigma"]}
    )
    assert result["n_fits"].tolist() == [5, 0]
    assert result["n_one_sided"].tolist() == [2, 0]
    assert result["verdict"].tolist() == ["agree", "no fit to compare"]


@pytest.mark.parametrize("share", [0, 1.5, -1])
def test_a_share_must_be_above_0_and_at_most_1(share):
    with pytest.raises(StudyError, match=r"verify\.share: got"):
        make_study(("verify", {"engine": "stanli", "share": share}))


@pytest.fixture
def finished(verified_study):
    return verified_study


@pytest.mark.workflow
def test_a_study_verifies_a_share_of_its_fits_and_reports_agreement(finished):
    results = finished.folder / "results/small"
    result = pd.read_parquet(results / "summary/verification.parquet")
    files = list((results / "verified/diagnostics").rglob("*.parquet"))
    fits = pd.concat(map(pd.read_parquet, files))
    assert 8 <= len(fits) <= 32  # of 40
    assert set(result["n_verified"]) == {len(fits)}
    assert set(result["n_fits"] + result["n_one_sided"]) == {len(fits)}
    assert result["n_one_sided"].max() <= 2  # so short a fit may not converge with one engine
    assert set(result["verdict"]) == {"agree"}
    page = (results / "report.html").read_text()
    engine = f"stanli {version('stanli')}"
    (compared,) = set(result["n_fits"])
    assert f"{compared} of the fits were repeated with {engine}, and the engines agree" in page
    assert (results / "figures/verification.svg").exists()
    assert finished.planned() == {}


@pytest.mark.slow
@pytest.mark.workflow
def test_a_disagreement_is_shown_at_the_top(finished, tmp_path):
    changed = finished.copy(tmp_path / "changed")
    for file in (tmp_path / "changed/results/small/verified/estimates").rglob("*.parquet"):
        result, identity = tables.read_frame([file]), tables.read_identity(file)
        wrong = result.assign(mean=result["mean"] + 0.2)
        seconds, replicates = tables.read_seconds(file), tables.read_replicates(file)
        tables.write(wrong, file, pq.read_schema(file), identity, seconds, replicates)
    page = tmp_path / "changed/results/small/report.html"
    page.unlink()
    done = changed.snakemake("--cores", "2", "--forcerun", "summarise", "figures")
    assert done.returncode == 0, done.stderr
    text = page.read_text()
    assert "<strong>The engines disagree.</strong> Pooled, b_Intercept; Pooled, b_x" in text
    assert text.index("The engines disagree") < text.index("Summary of models")
