"""Only what changed is computed again: what Snakemake would do after each kind of change."""

import os
import re
import shutil
import time

import pytest
from workflow_runs import SMALL, SUMMARY

pytestmark = pytest.mark.workflow

SUMMARISED = {"summarise": 1}


@pytest.fixture
def checkout(batched_study, tmp_path):
    return batched_study.copy(tmp_path / "changed")


def test_nothing_runs_when_nothing_changed(checkout):
    assert checkout.planned(SUMMARY) == {}


def test_touched_files_run_nothing(checkout):
    later = time.time() + 10
    for place, file in enumerate(sorted(checkout.folder.rglob("*"))):
        if ".snakemake" not in file.parts:
            os.utime(file, (later + place, later + place))
    assert checkout.planned(SUMMARY) == {}


@pytest.mark.slow
def test_touched_and_copied_results_run_nothing_up_to_the_report(small_study, tmp_path):
    whole = small_study.copy(tmp_path / "copied")
    shutil.rmtree(whole.folder / ".snakemake")
    later = time.time() + 10
    for place, file in enumerate(sorted(whole.folder.rglob("*"), reverse=True)):
        os.utime(file, (later + place, later + place))
    assert whole.planned() == {}


def test_copied_results_run_nothing_in_a_fresh_clone(checkout):
    shutil.rmtree(checkout.folder / ".snakemake")
    assert checkout.planned(SUMMARY) == {}


def test_more_replicates_run_only_batches_that_they_are_in(checkout):
    checkout.change(replicates=5)  # 00003-00004 has one more, 00005-00006 is new
    assert checkout.planned(SUMMARY) == {"simulate": 2, "fit": 8, **SUMMARISED}


@pytest.mark.slow
def test_a_new_participant_count_runs_only_its_own(checkout):
    checkout.change(participants=[4, 5])
    assert checkout.planned(SUMMARY) == {"simulate": 2, "fit": 8, **SUMMARISED}


def test_a_changed_prior_runs_only_its_own_fits(checkout):
    priors = checkout.study()["priors"]
    checkout.change(priors={**priors, "tight": {**priors["tight"], "lkj_eta": 3}})
    assert checkout.planned(SUMMARY) == {"fit": 4, **SUMMARISED}


@pytest.mark.slow
def test_a_changed_truth_runs_its_simulations_and_fits(checkout):
    plain = {**SMALL["truths"]["plain"], "sigma": 2}
    checkout.change(truths={"plain": plain})
    assert checkout.planned(SUMMARY) == {"simulate": 2, "fit": 8, **SUMMARISED}


@pytest.mark.parametrize(
    ("file", "fits"),
    [
        ("stan/multilevel_linear/pooled.stan", 4),  # its own
        ("stan/functions/multilevel.stan", 4),  # of the program that includes it
        ("workflow/scripts/recovery/fit/posterior.py", 8),  # it decides all fits' numbers
    ],
)
def test_an_edited_file_runs_the_fits_that_it_decides(checkout, file, fits):
    edited = checkout.folder / file
    edited.write_text(edited.read_text() + "\n")
    assert checkout.planned(SUMMARY) == {"fit": fits, **SUMMARISED}


def test_an_edited_figure_runs_no_fit(checkout):
    module = checkout.folder / "workflow/scripts/recovery/figures/performance_plots.py"
    module.write_text(module.read_text() + "\n# edited\n")
    assert "fit" not in checkout.planned()


@pytest.mark.slow
def test_another_engine_runs_all_fits_and_no_simulation(checkout, cmdstan_home):
    checkout.change(engine="cmdstan")
    assert checkout.planned(SUMMARY) == {"compile": 2, "fit": 8, **SUMMARISED}


@pytest.mark.slow
def test_deleted_figures_and_summaries_are_made_again_without_a_fit(small_study, tmp_path):
    whole = small_study.copy(tmp_path / "changed")
    results = whole.folder / "results/small"
    (results / "figures/bias-plain-x5.png").unlink()
    assert whole.planned() == {"figures": 1, "all": 1}
    (results / "summary/performance.csv").unlink()
    assert whole.planned() == {"summarise": 1, "figures": 1, "all": 1}
    assert whole.make_study().returncode == 0
    assert whole.planned() == {}


@pytest.mark.slow
def test_a_table_of_another_study_is_refused_by_name(checkout):
    results = checkout.folder / "results/small"
    cell = results / "estimates/plain-4x5/noncentered"
    shutil.copy(cell / "weak/00001-00002.parquet", cell / "tight/00001-00002.parquet")
    wrong = "results/small/estimates/plain-4x5/noncentered/tight/00001-00002.parquet"
    done = checkout.snakemake("--cores", "1", "--forcerun", "summarise", "--", SUMMARY)
    assert done.returncode != 0
    assert f"rm {wrong}\n" in done.stderr + done.stdout
    (checkout.folder / wrong).unlink()  # the cure
    assert checkout.snakemake("--cores", "1", SUMMARY).returncode == 0


@pytest.mark.slow
def test_results_of_another_study_are_refused_even_without_snakemakes_memory(checkout):
    shutil.rmtree(checkout.folder / ".snakemake")
    checkout.change(seed=2)
    done = checkout.snakemake("--cores", "1", "--forcerun", "fit", "--", SUMMARY)
    assert done.returncode != 0
    assert re.search(r"\nrm .*results/small/data/", done.stderr + done.stdout)
