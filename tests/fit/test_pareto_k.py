"""Pareto k of Pathfinder: in the row of the fit, in convergence, and on the page."""

import numpy as np
import pandas as pd
import pytest
from conftest import LINEAR, STAN, make_design

from recovery import engines, tables
from recovery.engines.protocol import Approximation, Program
from recovery.fit import approximation, batches, datasets
from recovery.plan.batch_size import Batch
from recovery.report.sections import results_section
from recovery.score import measures

SCENARIO, BATCH = "moderate-4x3", Batch(1, 3, 3)
DESIGN = make_design(("engine", "cmdstan"), ("estimators", ["pathfinder_pooled"]))
NAMES = ["b_Intercept", "b_x", "sigma"]


def diagnostics(monkeypatch, rng, *shapes):
    """Rows of fits, one per tail shape of the importance ratios; None for no tail."""
    left = list(shapes)

    def approximate(loaded, data, seed, algorithm, draws):
        shape = left.pop(0)
        ratios = None if shape is None else -shape * np.log(rng.random(4000))
        return Approximation(NAMES, rng.random((draws, 3)) + 1, 0.1, ratios)

    engine = engines.find("cmdstan")
    monkeypatch.setattr(engine, "load", lambda program: program)
    monkeypatch.setattr(engine, "approximate", approximate)
    program = Program(str(STAN / "multilevel_linear/pooled.stan"), str(STAN))
    fitter = approximation.fitter_of(
        DESIGN.fit(SCENARIO, "pathfinder_pooled", "weak", BATCH), program
    )
    fitter.n_attempts = 1
    data, truth = datasets.simulate_batch(DESIGN.simulation(SCENARIO, BATCH))
    rows = []
    for task in batches._tasks(data, truth):
        rows.append(fitter(task).diagnostics | {"replicate": task.replicate, "attempt": 1})
    return rows


def test_a_fit_with_a_high_k_has_not_converged_and_has_the_reason(monkeypatch, rng):
    good, bad, without = diagnostics(monkeypatch, rng, 0.2, 1.5, None)
    assert good["converged"]
    assert good["pareto_k"] == pytest.approx(0.2, abs=0.2)
    assert "error" not in good
    assert not bad["converged"]
    assert bad["status"] == "ok"
    assert bad["pareto_k"] > 0.7
    assert bad["error"].startswith(f"Pareto k is {bad['pareto_k']:.2g}, above 0.7")
    assert without["converged"]
    assert "pareto_k" not in without


def test_fits_with_a_high_k_are_counted_and_reported(monkeypatch, rng, tmp_path):
    rows = diagnostics(monkeypatch, rng, 0.2, 1.5, 1.2)
    file = tmp_path / "diagnostics.parquet"
    tables.write(tables.from_rows(rows, tables.DIAGNOSTICS), file, tables.DIAGNOSTICS, "")
    convergence = measures.convergence(tables.read_frame([file]), 3, 0.3)
    assert convergence["n_high_pareto_k"].tolist() == [2, 2]
    assert convergence["n_converged"].tolist() == [1, 1]
    assert convergence["max_pareto_k"].iloc[0] == max(row["pareto_k"] for row in rows)
    reported = convergence.assign(model="pathfinder_pooled")
    (row,) = results_section.pareto_k(LINEAR, reported)
    assert (row["n"], row["fits"], row["largest"]) == (2, 3, reported["max_pareto_k"].iloc[0])
    assert row["model"].startswith("Pathfinder, ")


def test_models_have_no_report_of_pareto_k():
    table = pd.DataFrame({"attempt": ["final"], "model": ["pooled"], "n_ok": [3]})
    assert (
        results_section.pareto_k(LINEAR, table.assign(n_high_pareto_k=0, max_pareto_k=np.nan)) == []
    )
