"""Two priors with the same values are one posterior: fitted once, shown under both names."""

import pandas as pd
import pytest
from workflow_runs import SMALL, check_out

pytestmark = pytest.mark.workflow
WEAK = SMALL["priors"]["weak"]
TIGHT = {**WEAK, "b": "normal(0, 0.5)"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    checkout = check_out(tmp_path_factory.mktemp("twins"))
    checkout.write(
        participants=[4],
        truths={"drawn": {"prior": "third"}},
        models=["pooled", "noncentered"],
        estimators=["reml", "optimize_pooled"],
        priors={"first": WEAK, "second": TIGHT, "third": WEAK},
        verify={"engine": "stanli", "share": 1},
        selection={"leave_out": "observation"},
    )
    done = checkout.make_study()
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout + done.stderr
    line = "priors with the same values are fitted once and shown under each name: first, third"
    assert f"small: {line}" in said
    assert "small: 21 of 21 fits gave estimates." in said  # 2 x (2 + 1) x 3 + 3
    return checkout


def summary(checkout, table) -> pd.DataFrame:
    return pd.read_parquet(checkout.folder / f"results/small/summary/{table}.parquet")


def test_the_twin_has_no_fits_of_its_own(finished):
    assert {key[2] for key in finished.fits_made()} == {"first", "second", "no_prior"}
    assert not list((finished.folder / "results").rglob("third"))


@pytest.mark.parametrize(
    "table", ["performance", "groups", "convergence", "calibration", "efficiency"]
)
def test_every_table_has_the_same_numbers_under_both_names(finished, table):
    found = summary(finished, table)
    twins = [found[found["prior"] == name].drop(columns="prior") for name in ("first", "third")]
    assert len(twins[0]) > 0
    pd.testing.assert_frame_equal(*(each.reset_index(drop=True) for each in twins))
    assert (found["prior"] == "second").any()


def test_selection_has_both(finished):
    found = summary(finished, "selection").set_index(["prior", "joint"])
    pd.testing.assert_series_equal(
        found.loc["first", "elpd_difference"], found.loc["third", "elpd_difference"]
    )


def test_differences_to_the_twin_are_those_to_the_other(finished):
    found = summary(finished, "comparison")
    models = found[found["compared"] == "model"]
    one, other = (
        models[models["given"] == name].drop(columns="given").reset_index(drop=True)
        for name in ("first", "third")
    )
    pd.testing.assert_frame_equal(one, other)


def test_a_fit_is_verified_once_and_costs_once(finished):
    table = summary(finished, "verification")
    assert table.groupby("model")["n_verified"].first().to_dict() == {"noncentered": 6, "pooled": 6}
    costs = summary(finished, "costs").set_index("step")["seconds"]
    files = (finished.folder / "results/small/diagnostics").rglob("*.parquet")
    rows = pd.concat(map(pd.read_parquet, files))
    sampled = rows[rows["model"].isin(["pooled", "noncentered"])]
    assert costs["draws"] == pytest.approx(sampled["sampling_seconds"].sum())


def test_the_page_says_so_in_a_line(finished):
    page = (finished.folder / "results/small/report.html").read_text()
    line = "Priors with the same values are fitted once and shown under each name: first, third."
    assert f"<p>{line}</p>" in page
    assert "A parameter-recovery study: 21 fits" in page


def test_a_fit_under_the_second_name_can_be_made_again(finished):
    done = finished.python("workflow/replay.py", "study.yaml", "drawn-4x5/noncentered/third/2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("The same as in the study's tables, to the last digit.\n")
