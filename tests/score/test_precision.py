"""Replicates needed for a target MCSE, and the increase to this number."""

import numpy as np
import pandas as pd
import pytest
from conftest import make_study
from workflow_runs import SUMMARY, check_out

from recovery.common.errors import StudyError
from recovery.score import precision
from recovery.score.measures import Fits, Replicates, performance
from recovery.study.settings import Precision

LEVEL = 0.95


def scored(*errors, sd=1.0):
    """Performance of one parameter in cells with these errors and intervals of +-1.96 sd."""
    cells = {}
    for place, error in enumerate(errors):
        n = len(error)
        replicates = Replicates(
            replicate=np.arange(1, n + 1),
            truth=np.zeros(n),
            mean=error,
            sd=np.full(n, sd),
            mcse_mean=np.full(n, np.nan),
            bounds={LEVEL: (error - 1.96 * sd, error + 1.96 * sd)},
        )
        fits = Fits({"beta": replicates}, replicates.replicate)
        cells[f"model{place}", "prior"] = fits
    return performance(cells, len(errors[0]))


def test_coverage_needs_the_1900_replicates_of_morris_white_and_crowther(rng):
    # Section 5.3: a Monte Carlo SE of 0.5 % for 95 % coverage needs 95 x 5 / 0.5^2 = 1,900.
    table = scored(rng.normal(size=50))
    (row,) = precision.replicates_needed(table, Precision(coverage=0.005), LEVEL, 50).to_dict(
        "records"
    )
    assert row["n_needed"] == 1900
    assert row["reached"] == pytest.approx(np.sqrt(0.95 * 0.05 / 50))
    assert row["n_needed_mcse"] == 0


def test_an_observed_coverage_of_100_percent_still_needs_replicates():
    table = scored(np.zeros(10), sd=5)
    assert (
        precision.replicates_needed(table, Precision(coverage=0.01), LEVEL, 10)["n_needed"].item()
        == 475
    )


def test_failed_fits_are_compensated_by_more_replicates(rng):
    table = scored(rng.normal(size=40), rng.normal(size=20))
    needed = precision.replicates_needed(table, Precision(coverage=0.005), LEVEL, 40)
    assert needed["n_needed"].item() == 3800
    assert needed["model"].item() == "model1"


def test_bias_needs_replicates_by_the_square_of_its_mcse_over_the_target(rng):
    errors = rng.normal(size=100)
    small = scored(errors, errors * 3)
    (row,) = precision.replicates_needed(
        small, Precision(bias_relative_to_sd=0.05), LEVEL, 100
    ).to_dict("records")
    expected = np.var(errors * 3, ddof=1) / 0.05**2
    assert row["model"] == "model1"
    assert row["n_needed"] == np.ceil(expected)


@pytest.mark.slow
def test_the_mcse_of_the_number_needed_equals_its_sd_over_repeated_studies(rng):
    target = Precision(bias_relative_to_sd=0.05)
    result = [
        precision.replicates_needed(scored(rng.normal(size=60)), target, LEVEL, 60).iloc[0]
        for _ in range(400)
    ]
    spread = np.std([row["n_needed"] for row in result], ddof=1)
    message = np.sqrt(np.mean([row["n_needed_mcse"] ** 2 for row in result]))
    # The SD of 400 has a standard error of 3.5 %; 4.5 of them are exceeded once in 150,000 tests.
    assert abs(spread / message - 1) < 4.5 * 0.035


def test_one_replicate_gives_no_number():
    table = scored(np.zeros(1))
    needed = precision.replicates_needed(table, Precision(bias_relative_to_sd=0.05), LEVEL, 1)
    assert needed["n_needed"].isna().all()


@pytest.mark.parametrize("sd", [1e-9, 1e-50])
def test_a_number_above_the_maximum_is_null(rng, sd):
    table = scored(rng.normal(size=20), sd=sd)
    result = precision.replicates_needed(table, Precision(bias_relative_to_sd=1e-4), LEVEL, 20)
    assert result["n_needed"].isna().all()


@pytest.mark.parametrize("target", [{"coverage": 9e-5}, {"bias_relative_to_sd": 1e-200}])
def test_a_target_mcse_that_is_too_small_is_refused(target):
    with pytest.raises(StudyError, match=r"precision\.\w+: got \S+, must be at least 0\.0001"):
        make_study(("precision", target))


def test_a_precision_without_a_target_is_refused():
    with pytest.raises(StudyError, match=r"precision: got no key, must have `coverage` or"):
        make_study(("precision", {}))


@pytest.fixture
def checkout(tmp_path):
    return check_out(tmp_path)


def enough(checkout):
    return checkout.python("workflow/enough.py", "study.yaml")


@pytest.mark.workflow
def test_more_replicates_are_written_to_the_file_and_existing_results_are_kept(
    verified_study, tmp_path
):
    # 0.89 x 0.11 / 0.06^2 = 27.2; the study has 20 in batches of 8
    page = (verified_study.folder / "results/small/report.html").read_text()
    assert "about 28 replicates are needed, and the study has 20" in page
    checkout = verified_study.copy(tmp_path / "changed")
    before, file = checkout.study(), checkout.folder / "study.yaml"
    file.write_text("# A comment\n" + file.read_text())
    fits = checkout.folder / "results/small/diagnostics/plain-4x5/pooled/weak"
    first = (fits / "00001-00008.parquet").read_bytes()
    assert enough(checkout).stdout == "study.yaml: replicates increased from 20 to 28.\n"
    assert file.read_text().startswith("# A comment\n")
    assert checkout.study() == {**before, "replicates": 28}
    assert checkout.make_study(SUMMARY).returncode == 0
    assert (fits / "00001-00008.parquet").read_bytes() == first
    assert len(pd.concat(map(pd.read_parquet, fits.iterdir()))) == 28
    assert enough(checkout).stdout == "study.yaml: 28 replicates are enough.\n"


@pytest.mark.workflow
def test_a_study_without_results_cannot_give_the_number_needed(checkout):
    checkout.write(precision={"coverage": 0.15})
    assert enough(checkout).stderr.startswith(
        "results/small/summary/precision.parquet: does not exist"
    )


@pytest.mark.workflow
def test_without_target_mcses_replicates_are_not_increased(checkout):
    checkout.write()
    assert "study.yaml: precision: missing" in enough(checkout).stderr
