"""Outcomes of the fits of a cell: failures, convergence and rates."""

import numpy as np
import pytest
from scipy import stats

from recovery import tables
from recovery.score import measures

OK = {"attempt": 1, "status": "ok", "n_divergent": 0, "n_max_treedepth": 0, "min_ebfmi": 0.9}
ROWS = [
    OK | {"replicate": 1, "converged": True},
    OK | {"replicate": 2, "converged": True},
    OK | {"replicate": 3, "converged": False, "n_divergent": 5, "min_ebfmi": 0.1},
    OK | {"replicate": 4, "converged": False, "n_max_treedepth": 9},
    {"replicate": 5, "attempt": 1, "status": "failed", "error": "why", "converged": False},
]
HITS = {
    "failed": 1,
    "converged": 2,
    "not_converged": 2,
    "divergent": 1,
    "max_treedepth": 1,
    "low_ebfmi": 1,
}


@pytest.fixture
def diagnostics(tmp_path):
    """Diagnostics with the types of Parquet: a failure, and four fits of which two converged."""
    file = tmp_path / "d.parquet"
    tables.write(tables.from_rows(ROWS, tables.DIAGNOSTICS), file, tables.DIAGNOSTICS, "")
    return tables.read_frame([file])


def first(diagnostics, attempt="first"):
    """The row of first attempts, or of final attempts."""
    return measures.convergence(diagnostics, 5, 0.3).set_index("attempt").loc[attempt]


def test_all_fits_are_counted_also_failed_ones(diagnostics):
    row = first(diagnostics)
    assert [row[f"n_{what}"] for what in ("planned", "ok", "failed", "converged")] == [5, 4, 1, 2]


@pytest.mark.parametrize(("rate", "hits"), HITS.items())
def test_rates_are_shares_of_all_fits_or_of_the_fits_with_draws(diagnostics, rate, hits):
    row, n = first(diagnostics), 4 if rate in ("divergent", "max_treedepth", "low_ebfmi") else 5
    wilson = stats.binomtest(hits, n).proportion_ci(0.95, method="wilson")
    assert row[f"{rate}_rate"] == hits / n
    assert row[f"{rate}_rate_mcse"] == pytest.approx(np.sqrt(hits / n * (1 - hits / n) / n))
    assert row[f"{rate}_rate_lower"] == pytest.approx(wilson.low)
    assert row[f"{rate}_rate_upper"] == pytest.approx(wilson.high)


def test_a_cell_in_which_all_fits_failed_has_failed_rate_1(diagnostics):
    row = first(diagnostics[diagnostics["status"] == "failed"])
    assert [row[name] for name in ("n_ok", "n_failed", "n_converged")] == [0, 1, 0]
    assert row["failed_rate"] == 1
    assert row[["divergent_rate", "max_treedepth_rate", "low_ebfmi_rate"]].isna().all()


def test_a_cell_without_any_fit_has_no_rates(diagnostics):
    row = first(diagnostics.iloc[:0])
    assert [row[name] for name in ("n_planned", "n_ok", "n_failed")] == [5, 0, 0]
    assert np.isnan(row["failed_rate"])


def test_converged_replicates_are_given_by_their_numbers(diagnostics):
    assert measures.converged_replicates(diagnostics).tolist() == [1, 2]


def test_the_final_attempt_converged_or_is_the_last_that_did_not_fail(tmp_path):
    bad, failed = OK | {"converged": False}, {"status": "failed", "converged": False}
    attempts = {
        1: [OK | {"converged": True}],
        2: [bad, OK | {"converged": True}],
        3: [bad, failed, bad],
        4: [bad, failed],
        5: [failed, failed],
    }
    rows = [
        row | {"replicate": replicate, "attempt": number}
        for replicate, tried in attempts.items()
        for number, row in enumerate(tried, start=1)
    ]
    file = tmp_path / "d.parquet"
    tables.write(tables.from_rows(rows, tables.DIAGNOSTICS), file, tables.DIAGNOSTICS, "")
    table = tables.read_frame([file])
    final = measures.final_attempts(table).set_index("replicate")["attempt"]
    assert final.sort_index().to_dict() == {1: 1, 2: 2, 3: 3, 4: 1, 5: 2}
    assert first(table)[["n_ok", "n_failed", "n_converged", "n_refitted"]].tolist() == [4, 1, 1, 4]
    assert first(table, "final")[["n_ok", "n_failed", "n_converged"]].tolist() == [4, 1, 2]
