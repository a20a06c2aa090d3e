"""Only what changed is computed again: what Snakemake would do after each kind of change."""

import os
import re
import shutil
import time
from itertools import product

import pytest
from workflow_runs import SMALL, SUMMARY, assert_same

from recovery import tables

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


def fits_made_by(checkout, *arguments) -> set[tuple]:
    """The fits that a run of the changed study makes: scenario, model, prior, replicate."""
    before = checkout.fits_made()
    done = checkout.snakemake("--cores", "2", *arguments, SUMMARY)
    assert done.returncode == 0, done.stdout + done.stderr
    return {fit for fit, time in checkout.fits_made().items() if before.get(fit) != time}


def fits(models=("pooled", "noncentered"), priors=("weak", "tight"), replicates=(1, 2, 3)):
    return set(product(["plain-4x5"], models, priors, replicates))


def test_more_replicates_make_only_their_own_fits(checkout):
    checkout.change(replicates=4)  # 00003-00004 has one more
    assert checkout.planned(SUMMARY) == {"simulate": 1, "fit": 1, **SUMMARISED}
    assert fits_made_by(checkout) == fits(replicates=[4])
    assert checkout.planned(SUMMARY) == {}


def test_more_replicates_make_only_their_own_fits_where_results_were_copied(checkout):
    """Snakemake has no record there of how the tables were made."""
    shutil.rmtree(checkout.folder / ".snakemake")
    checkout.change(replicates=4)
    assert checkout.planned(SUMMARY) == {"simulate": 1, "fit": 1, **SUMMARISED}
    assert fits_made_by(checkout) == fits(replicates=[4])
    assert checkout.planned(SUMMARY) == {}


@pytest.mark.slow
def test_fewer_replicates_make_no_fit(checkout):
    checkout.change(replicates=1)
    assert fits_made_by(checkout) == set()
    cell = "results/small/diagnostics/plain-4x5/pooled/weak/00001-00002.parquet"
    assert tables.read(checkout.folder / cell)["replicate"].tolist() == [1]
    checkout.change(replicates=3)
    assert fits_made_by(checkout) == fits(replicates=[2])  # 00003-00004 stands


@pytest.mark.slow
def test_a_new_participant_count_runs_only_its_own(checkout):
    checkout.change(participants=[4, 5])
    assert checkout.planned(SUMMARY) == {"simulate": 2, "fit": 1, **SUMMARISED}


def test_a_changed_prior_makes_only_its_own_fits(checkout):
    priors = checkout.study()["priors"]
    checkout.change(priors={**priors, "tight": {**priors["tight"], "cor": "lkj(3)"}})
    assert checkout.planned(SUMMARY) == {"fit": 1, **SUMMARISED}
    assert fits_made_by(checkout) == fits(priors=["tight"])


@pytest.mark.slow
def test_a_new_prior_makes_only_its_own_fits(checkout):
    priors = checkout.study()["priors"]
    checkout.change(priors={"wide": {**priors["tight"], "b": "normal(0, 3)"}, **priors})
    assert fits_made_by(checkout) == fits(priors=["wide"])


@pytest.mark.slow
def test_forced_fits_are_made_again(checkout):
    assert fits_made_by(checkout, "--forcerun", "fit", "--") == fits()


@pytest.mark.slow
def test_a_changed_truth_runs_its_simulations_and_fits(checkout):
    plain = {**SMALL["truths"]["plain"], "sigma": 2}
    checkout.change(truths={"plain": plain})
    assert checkout.planned(SUMMARY) == {"simulate": 2, "fit": 1, **SUMMARISED}


@pytest.mark.parametrize(
    ("file", "models"),
    [
        ("stan/multilevel_linear/pooled.stan", ["pooled"]),
        pytest.param("stan/functions/multilevel.stan", ["noncentered"], marks=pytest.mark.slow),
        ("workflow/scripts/recovery/fit/posterior.py", ["pooled", "noncentered"]),
    ],
)
def test_an_edited_file_makes_the_fits_that_it_decides(checkout, file, models):
    edited = checkout.folder / file
    edited.write_text(edited.read_text() + "\n")
    assert fits_made_by(checkout) == fits(models=models)


def test_an_edited_figure_runs_no_fit(checkout):
    module = checkout.folder / "workflow/scripts/recovery/figures/performance_plots.py"
    module.write_text(module.read_text() + "\n# edited\n")
    assert "fit" not in checkout.planned()


@pytest.mark.slow
def test_another_engine_runs_all_fits_and_no_simulation(checkout, cmdstan_home):
    checkout.change(engine="cmdstan")
    assert checkout.planned(SUMMARY) == {"compile": 2, "fit": 1, **SUMMARISED}


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
def test_a_table_of_another_prior_is_made_again(checkout):
    before = checkout.numbers()
    results = checkout.folder / "results/small"
    cell = results / "estimates/plain-4x5/noncentered"
    shutil.copy(cell / "weak/00001-00002.parquet", cell / "tight/00001-00002.parquet")
    made = fits_made_by(checkout, "--forcerun", "summarise", "--")
    assert made == fits(models=["noncentered"], priors=["tight"], replicates=[1, 2])
    assert_same(checkout.numbers(), before)


@pytest.mark.slow
def test_results_of_another_study_are_refused_even_without_snakemakes_memory(checkout):
    shutil.rmtree(checkout.folder / ".snakemake")
    checkout.change(seed=2)
    done = checkout.snakemake("--cores", "1", "--forcerun", "fit", "--", SUMMARY)
    assert done.returncode != 0
    assert re.search(r"\nrm .*results/small/data/", done.stderr + done.stdout)


def test_a_job_that_failed_goes_on_with_what_stands(checkout):
    """Its second cell cannot be written to; the first has its new fit then."""
    first = checkout.fits_made()
    checkout.change(replicates=4)
    cells = checkout.folder / "results/small/diagnostics/plain-4x5"
    (blocked,) = cells.glob("noncentered/tight/00003-00004.parquet")
    obstacle = blocked.with_suffix(".parts")
    obstacle.write_text("a file is where the folder of parts should be")
    done = checkout.snakemake("--cores", "2", SUMMARY)
    assert done.returncode != 0
    obstacle.unlink()
    before = checkout.fits_made()
    assert first.items() <= before.items()
    assert fits_made_by(checkout) <= fits(replicates=[4])
    assert set(checkout.fits_made()) == fits(replicates=[1, 2, 3, 4])
    assert checkout.planned(SUMMARY) == {}
    assert not list(checkout.folder.rglob("results/**/*.parts"))


def test_touching_removes_no_fit(checkout):
    before = checkout.fits_made()
    done = checkout.snakemake("--cores", "1", "--touch", "--forceall", SUMMARY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert checkout.fits_made() == before
