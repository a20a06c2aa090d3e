"""The workflow, run as a user runs it: a small study from its file to its report."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from typeset import typeset
from workflow_runs import SECONDS, SMALL, SUMMARY, assert_same, check_out

pytestmark = pytest.mark.workflow


@pytest.fixture
def finished(small_study):
    """The small study, run to its report. Tests must not change it."""
    return small_study


@pytest.fixture
def changed(finished, tmp_path):
    """A copy of the finished study that a test may change."""
    return finished.copy(tmp_path / "changed")


@pytest.fixture
def page(finished):
    return (finished.folder / "results/small/report.html").read_text()


def test_every_planned_fit_has_a_row_with_attempt_1(finished):
    rows = finished.numbers()["diagnostics"]
    found = set(zip(rows["scenario"], rows["model"], rows["prior"], rows["replicate"], strict=True))
    planned = {
        (f"plain-{participants}x5", model, "weak", replicate)
        for participants in SMALL["participants"]
        for model in SMALL["models"]
        for replicate in range(1, SMALL["replicates"] + 1)
    }
    assert found == planned
    assert len(rows) == len(planned)
    assert (rows["attempt"] == 1).all()


def test_all_models_fit_the_same_datasets(finished):
    estimates = finished.numbers()["estimates"]
    truths = estimates.groupby(["scenario", "replicate", "parameter"])["truth"]
    assert (truths.nunique() == 1).all()
    seeds = finished.numbers()["truth"].groupby(["place", "replicate"])["data_seed"].nunique()
    assert (seeds == 1).all()


def test_the_tables_for_a_paper_compile(finished, tmp_path):
    written = sorted((finished.folder / "results/small/tables").iterdir())
    pages = {each.stem: typeset(Path(shutil.copy(each, tmp_path))).pages for each in written}
    assert pages == {"cells": 2, "comparison": 1, "models": 1, "priors": 1}


def test_the_page_asks_nothing_of_the_network(page):
    addresses = re.findall(r"(?:src|srcset|data|poster|action)\s*=\s*\"([^\"]*)\"", page)
    assert addresses
    assert all(address.startswith("data:") for address in addresses)
    assert not re.search(r"<link|@import|url\(|fetch\(|XMLHttpRequest", page)


def test_the_page_escapes_the_title_of_the_study(page):
    assert "A small study &lt;script&gt;" in page
    assert "<script>alert" not in page


def test_the_page_says_how_many_fits_failed_and_did_not_converge(page, finished):
    table = pd.read_parquet(finished.folder / "results/small/summary/convergence.parquet")
    table = table[table["attempt"] == "final"]
    failed, planned = table["n_failed"].sum(), table["n_planned"].sum()
    others = (table["n_ok"] - table["n_converged"]).sum()
    assert failed == 0
    assert others > 0
    assert f"All {planned} fits ran; {others} (" in page


@pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium on this machine")
def test_the_page_works_in_a_browser(finished, tmp_path):
    page = finished.folder / "results/small/report.html"
    flags = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking"
    shown = subprocess.run(
        ["chromium", *flags.split(), f"--user-data-dir={tmp_path}", "--dump-dom", f"file://{page}"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    ).stdout
    assert "<button>Coverage</button>" in shown  # tables can be sorted
    assert "<option>Non-centred</option>" in shown  # and filtered


def test_every_figure_is_there_in_three_formats(finished):
    figures = finished.folder / "results/small/figures"
    names = {file.stem for file in figures.glob("*.svg")}
    assert {"bias-plain-x5", "coverage-plain-x5", "prior_predictive"} <= names
    for name in names:
        assert (figures / f"{name}.svg").read_text().startswith("<?xml")
        assert (figures / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        assert (figures / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_every_prior_has_prior_predictive_lines_and_outcomes(finished):
    table = pd.read_parquet(finished.folder / "results/small/summary/prior_predictive.parquet")
    assert table.groupby("kind").size().to_dict() == {"line": 200, "outcome": 500}
    outcome = table[table["kind"] == "outcome"]
    # b, sd and sigma: (1 + 2)(1 + x^2) + 2; means of 5 outcomes a participant
    spread = ((3 * (1 + outcome["x"] ** 2) + 2).mean() / 100) ** 0.5
    assert abs(outcome["y"].mean()) < 4 * spread  # a false alarm in 16,000


def test_summary_tables_have_csv_twins(finished):
    summary = finished.folder / "results/small/summary"
    for table in summary.glob("*.parquet"):
        twin = pd.read_csv(table.with_suffix(".csv"))
        assert len(twin) == len(pd.read_parquet(table))


def test_the_manifest_tells_where_the_numbers_come_from(finished):
    manifest = json.loads((finished.folder / "results/small/manifest.json").read_text())
    assert manifest["study"]["truths"].keys() == {"plain"}
    assert manifest["engine"]["name"] == "stanli"
    assert manifest["hashes"]["programs"].keys() == set(SMALL["models"])


def test_nothing_of_the_default_study_leaks_in(finished):
    manifest = json.loads((finished.folder / "results/small/manifest.json").read_text())
    study = manifest["study"]
    assert study["truths"].keys() == {"plain"}
    assert study["priors"].keys() == {"weak"}
    assert study["models"] == SMALL["models"]
    assert study["participants"] == SMALL["participants"]
    assert sorted(path.name for path in (finished.folder / "results").iterdir()) == ["small"]


@pytest.mark.slow
def test_numbers_do_not_depend_on_batches_cores_or_other_cells(finished, tmp_path):
    other = check_out(tmp_path)
    other.write(batch=2, participants=[6, 4, 5], models=["noncentered", "centered", "pooled"])
    done = other.snakemake("--cores", "1", SUMMARY)
    assert done.returncode == 0, done.stderr
    here, there = finished.numbers(), other.numbers()
    for table, frame in here.items():
        mine = there[table][there[table]["place"].isin(frame["place"].unique())]
        pd.testing.assert_frame_equal(frame, mine.reset_index(drop=True), check_exact=True)


def test_a_killed_run_goes_on_and_ends_with_the_same_numbers(finished, tmp_path):
    other = check_out(tmp_path)
    other.write()
    command = [sys.executable, "workflow/run.py", "study.yaml", SUMMARY]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as run:
        while not list((tmp_path / "results").rglob("diagnostics/**/*.parquet")):
            assert run.poll() is None
        os.killpg(run.pid, signal.SIGKILL)
    assert not (tmp_path / SUMMARY).exists()
    done = other.make_study(SUMMARY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_same(finished.numbers(), other.numbers())


def test_two_runs_of_one_study_do_not_meet(changed):
    code = (
        "import fcntl, sys, time; lock = open('results/small/.lock', 'w');"
        "fcntl.flock(lock, fcntl.LOCK_EX); print('held', flush=True); time.sleep(3600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=changed.folder, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        done = changed.make_study()
        holder.kill()
    assert done.returncode != 0
    assert done.stderr == "results/small: another run of this study is using this folder.\n"


@pytest.mark.slow
def test_a_fit_over_its_time_limit_is_a_failed_row_and_the_report_comes(tmp_path):
    checkout = check_out(tmp_path)
    checkout.write(sampler={**SMALL["sampler"], "time_limit": 0.0001}, participants=[4])
    done = checkout.make_study()
    assert done.returncode != 0  # no fit gave estimates
    rows = checkout.numbers()["diagnostics"]
    assert (rows["status"] == "failed").all()
    assert rows["error"].str.contains("time limit").all()
    assert "6 of 6 fits failed" in (tmp_path / "results/small/report.html").read_text()


@pytest.mark.slow
def test_a_truth_drawn_from_a_prior_is_scored_by_each_replicates_own(tmp_path):
    checkout = check_out(tmp_path)
    design = {"x": {"sequence": [0, 1]}}
    checkout.write(truths={"drawn": {"prior": "weak"}}, design=design, participants=[4])
    done = checkout.make_study()
    assert done.returncode == 0, done.stdout + done.stderr
    estimates = checkout.numbers()["estimates"]
    assert estimates[estimates["parameter"] == "b_Intercept"]["truth"].nunique() == 3
    table = pd.read_parquet(tmp_path / SUMMARY)
    assert table[table["measure"] == "relative_bias"]["value"].isna().all()
    assert table[(table["measure"] == "bias") & (table["subset"] == "all")]["value"].notna().all()


def test_large_tables_are_written_as_csv_on_request(small_study, tmp_path):
    checkout = small_study.copy(tmp_path / "large")
    library = checkout.folder / "workflow/scripts/recovery/plan/design.py"
    library.write_text(library.read_text().replace("IN_CSV = 100", "IN_CSV = 3"))
    done = checkout.make_study(SUMMARY)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = checkout.folder / "results/small/summary"
    large = {"performance", "comparison"}
    tables = {file.stem for file in summary.glob("*.parquet")}
    assert {file.stem for file in summary.glob("*.csv")} == tables - large
    done = checkout.snakemake("--cores", "1", "results/small/summary/comparison.csv")
    assert done.returncode == 0, done.stdout + done.stderr
    written = pd.read_csv(summary / "comparison.csv")
    assert len(written) == len(pd.read_parquet(summary / "comparison.parquet"))
    assert checkout.planned("results/small/summary/comparison.csv") == {}
