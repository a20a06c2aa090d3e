"""Costs of fits and of studies."""

import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from recovery import tables
from recovery.common import jobs
from recovery.report.sections import cost_section
from recovery.score import efficiency

OK = {"attempt": 1, "status": "ok", "warmup_seconds": 1.0, "n_leapfrog": 70, "other_seconds": 0.02}
ROWS = [
    OK | {"replicate": 1, "sampling_seconds": 1.0, "min_ess_bulk": 400.0},
    OK | {"replicate": 2, "sampling_seconds": 3.0, "min_ess_bulk": 400.0},
    OK | {"replicate": 3, "sampling_seconds": 7.0, "min_ess_bulk": 800.0},
    {"replicate": 4, "attempt": 1, "status": "failed", "error": "why", "converged": False},
]


@pytest.fixture
def diagnostics(tmp_path) -> pd.DataFrame:
    """Diagnostics of three fits and a failure, with the types that Parquet gives."""
    file = tmp_path / "d.parquet"
    tables.write(tables.from_rows(ROWS, tables.DIAGNOSTICS), file, tables.DIAGNOSTICS, "")
    return tables.read_frame([file])


def test_sums_are_over_the_fits_that_did_not_fail(diagnostics):
    row = efficiency.cell_costs(diagnostics, 2.5, 4000)
    assert row["n_measured"] == 3
    assert row["sampler_seconds"] == pytest.approx(2 + 4 + 8)
    assert row["other_seconds"] == pytest.approx(0.06)
    assert row["job_seconds"] == 2.5


def test_later_attempts_are_in_the_sums_but_not_in_the_means(tmp_path):
    again = OK | {"replicate": 1, "attempt": 2, "sampling_seconds": 9.0, "min_ess_bulk": 10.0}
    file = tmp_path / "d.parquet"
    rows = tables.from_rows([*ROWS, again], tables.DIAGNOSTICS)
    tables.write(rows, file, tables.DIAGNOSTICS, "")
    row = efficiency.cell_costs(tables.read_frame([file]), 2.5, 4000)
    assert row["sampler_seconds"] == pytest.approx(2 + 4 + 8 + 10)
    assert row["seconds"] == pytest.approx(14 / 3)
    assert row["bytes_per_fit"] == 1000


def test_bytes_per_fit_count_failed_fits_too(diagnostics):
    assert efficiency.cell_costs(diagnostics, 2.5, 4000)["bytes_per_fit"] == 1000


def test_means_have_the_standard_error_of_a_mean(diagnostics):
    row = efficiency.cell_costs(diagnostics, 2.5, 4000)
    expected = {
        "seconds": [2, 4, 8],
        "n_leapfrog": [70, 70, 70],
        "ess_per_second": [200, 100, 100],
        "ess_per_gradient": [400 / 70, 400 / 70, 800 / 70],
    }
    for name, values in expected.items():
        assert row[name] == pytest.approx(np.mean(values))
        assert row[f"{name}_mcse"] == pytest.approx(stats.sem(values))


def test_a_cell_in_which_all_fits_failed_has_no_means(diagnostics):
    row = efficiency.cell_costs(diagnostics[diagnostics["status"] == "failed"], 1.0, 1000)
    assert (row["n_measured"], row["sampler_seconds"]) == (0, 0)
    assert np.isnan([row["seconds"], row["seconds_mcse"], row["ess_per_gradient"]]).all()


def test_processor_time_is_that_of_this_process_and_its_finished_children():
    used, own = jobs.processor_seconds(), time.process_time()
    subprocess.run([sys.executable, "-c", "sum(range(3_000_000))"], check=True)
    assert jobs.processor_seconds() - used > time.process_time() - own


def test_shares_of_the_cost_are_of_all_steps():
    table = efficiency.costs({"warmup": 30.0, "draws": 50.0, "fits": 15.0, "start": 5.0})
    rows = cost_section.rows(table)
    assert [row["share"] for row in rows] == pytest.approx([0.3, 0.5, 0.15, 0.05])
    assert cost_section.in_sampler(table) == pytest.approx(0.8)


def test_a_process_that_snakemake_did_not_start_has_no_starting_cost():
    assert cost_section.by_snakemake() == {}
