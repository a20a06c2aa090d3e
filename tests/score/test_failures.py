"""Cells in which all fits failed come first; a study without estimates ends with an error."""

import pandas as pd
import pytest
from conftest import LINEAR
from workflow_runs import check_out

from recovery.score import failures, verification

CELLS = [
    ("a-4x3", "pooled", "weak", 0, 5, "first reason\nmore of it"),
    ("a-6x3", "pooled", "weak", 0, 5, "first reason\nmore, another"),
    ("a-4x3", "centered", "weak", 1, 4, "another reason"),
    ("a-6x3", "centered", "weak", 0, 5, "second reason"),
    ("a-4x3", "least_squares", "no_prior", 5, 0, None),
]


def convergence(cells=CELLS):
    columns = ["scenario", "model", "prior", "n_ok", "n_failed", "error"]
    final = pd.DataFrame(cells, columns=columns).assign(n_planned=5, attempt="final")
    return pd.concat([final.assign(attempt="first", n_ok=0), final])


def test_cells_without_estimates_are_grouped_by_their_first_error():
    first, second = failures.failed_cells(LINEAR, convergence())
    assert (first["error"], first["n_cells"], first["n_fits"]) == ("first reason", 2, 10)
    pooled = LINEAR.MODELS["pooled"].label
    assert first["cells"] == [f"{pooled} under weak in a-{n}x3" for n in (4, 6)]
    assert (second["error"], second["n_cells"]) == ("second reason", 1)


def test_there_are_no_failed_cells_if_every_cell_has_an_estimate():
    assert failures.failed_cells(LINEAR, convergence([CELLS[2], CELLS[4]])) == []


def verified(pooled, centered):
    """Verification of two models, with these numbers of failures among four verified fits."""
    rows = [
        {"model": m, "parameter": p, "verdict": v}
        for m, p, v in (
            ("pooled", "sigma", "agree"),
            ("pooled", "rho", "agree"),
            ("centered", "sigma", "no fit to compare"),
        )
    ]
    attempted = [
        {"model": model, "status": "failed" if n < failed else "ok", "error": f"reason {n}"}
        for model, failed in (("pooled", pooled), ("centered", centered))
        for n in range(4)
    ]
    return verification.with_failures(pd.DataFrame(rows), pd.DataFrame(attempted))


def test_failures_of_the_verifying_engine_are_counted_with_their_first_error():
    result = verified(pooled=1, centered=4)
    assert result["n_verified"].tolist() == [4, 4, 4]
    assert result["n_failed"].tolist() == [1, 1, 4]
    assert result["error"].tolist() == ["reason 0"] * 3
    assert result["verdict"].tolist() == ["agree", "agree", "all failed"]
    report = failures.verification_failures(result)
    assert (report["n"], report["n_failed"], report["error"]) == (8, 5, "reason 0")
    assert report["models"] == ["centered"]


def test_a_verifying_engine_without_failures_is_not_reported():
    result = verified(pooled=0, centered=0)
    assert result["verdict"].tolist() == ["agree", "agree", "no fit to compare"]
    assert result["error"].isna().all()
    assert failures.verification_failures(result) is None


# The workflow


def refuse(checkout, *models):
    """Change programs so that they reject every dataset."""
    for model in models:
        file = checkout.folder / f"stan/multilevel_linear/{model}.stan"
        source = file.read_text()
        broken = source.replace("\nmodel {", '\nmodel {\n  reject("no luck today");', 1)
        assert broken != source
        file.write_text(broken)


@pytest.fixture
def checkout(tmp_path):
    checkout = check_out(tmp_path)
    checkout.write(participants=[4], replicates=2, verify={"engine": "stanli", "share": 1.0})
    return checkout


@pytest.mark.slow
@pytest.mark.workflow
def test_a_study_without_estimates_has_a_report_and_ends_with_an_error(checkout):
    refuse(checkout, "pooled", "noncentered")
    for _ in range(2):  # the second run has no jobs but fails too
        done = checkout.make_study()
        message = done.stdout + done.stderr
        assert done.returncode != 0
        assert "small: All 4 fits failed; none gave estimates." in message
        assert "small: all fits failed in 2 cells (" in message
        assert "Traceback" not in message
        page = (checkout.folder / "results/small/report.html").read_text()
        top = page[: page.index('id="design"')]
        assert "<strong>All 4 fits failed; none gave estimates.</strong>" in top
        assert "<strong>Not verified: Pooled, Non-centred.</strong> All fits with stanli" in top
    assert (checkout.folder / "results/small/summary/performance.csv").exists()


@pytest.mark.slow
@pytest.mark.workflow
def test_a_cell_without_estimates_is_first_on_the_page_and_last_in_the_terminal(checkout):
    refuse(checkout, "pooled")
    done = checkout.make_study()
    message = done.stdout + done.stderr
    assert done.returncode == 0, message
    assert "small: 2 of 4 fits gave estimates.\nsmall: all fits failed in 1 cell (" in message
    page = (checkout.folder / "results/small/report.html").read_text()
    top = page[: page.index('id="design"')]
    assert "<strong>All fits failed in 1 cell</strong>" in top
    assert "initialization failed" in top
    result = pd.read_parquet(checkout.folder / "results/small/summary/verification.parquet")
    by_model = result.groupby("model")[["n_verified", "n_failed"]].max()
    assert by_model.loc["pooled"].tolist() == [2, 2]
    assert by_model.loc["noncentered"].tolist() == [2, 0]
    assert set(result.loc[result["model"] == "pooled", "verdict"]) == {"all failed"}
    assert checkout.planned() == {}
