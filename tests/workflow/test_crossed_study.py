"""A study of participants, items and sessions, run to its report, with a count of items added."""

import pandas as pd
import pytest
from workflow_runs import SMALL, SUMMARY, check_out

pytestmark = pytest.mark.workflow

SIZES = {"item": [3], "session": {"in": "participant", "each": [2]}}
STUDY = {
    "formula": "y ~ condition + (condition | participant) + (1 | item) + (1 | session)",
    "design": {
        "condition": {
            "levels": ["easy", "hard"],
            "coding": "difference",
            "within": ["participant", "item"],
            "latin": "item",
        }
    },
    "sizes": SIZES,
    "truths": {
        "plain": {
            "means": {"easy": 0, "hard": 1},
            "sd": {
                "participant": {"Intercept": 1, "condition": 0.5},
                "item": {"Intercept": 0.5},
                "session": {"Intercept": 0.2},
            },
            "cor": {"participant": 0.3},
            "sigma": 1,
        }
    },
    "replicates": 2,
    "observations": [1],
    "models": ["noncentered"],
    "planning": {"b_condition": {"power": 0.8}},
    "sampler": {"chains": 2, "warmup": 50, "draws": 50},
}
SCENARIOS = {
    f"plain-{participants}x1-item{items}": (participants, items)
    for participants in SMALL["participants"]
    for items in (3, 4)
}
DEVIATIONS = {  # by their keys in the table of groups
    "r_participant[,Intercept]": "participant",
    "r_participant[,condition]": "participant",
    "r_item[,Intercept]": "item",
    "r_session[,Intercept]": "session",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The study with 3 items, then with 4 too, to its report; and the fits with 3 items."""
    checkout = check_out(tmp_path_factory.mktemp("crossed"))
    checkout.write(**STUDY)
    done = checkout.make_study(SUMMARY)
    assert done.returncode == 0, done.stdout + done.stderr
    with_3 = checkout.fits_made()
    checkout.change(sizes={**SIZES, "item": [3, 4]})
    done = checkout.make_study()
    assert done.returncode == 0, done.stdout + done.stderr
    return checkout, with_3


@pytest.fixture
def results(run):
    return run[0].folder / "results/small"


def test_another_count_of_items_refits_nothing(run):
    checkout, with_3 = run
    after = checkout.fits_made()
    assert with_3.items() <= after.items()
    assert {key[0] for key in with_3} == {name for name in SCENARIOS if name.endswith("item3")}
    assert {key[0] for key in after} == set(SCENARIOS)
    assert len(after) == 2 * len(with_3) == 2 * len(SCENARIOS)
    assert checkout.planned() == {}


@pytest.mark.parametrize(("scenario", "sizes"), SCENARIOS.items())
def test_every_participant_meets_every_item_in_one_condition(results, scenario, sizes):
    (file,) = (results / "data" / scenario).glob("*.parquet")
    data = pd.read_parquet(file)
    columns = ["replicate", "participant", "item", "session", "condition", "y"]
    assert data.columns.tolist() == columns
    participants, items = sizes
    for _, rows in data.groupby("replicate"):
        assert len(rows) == participants * items * 2
        assert rows.groupby("participant")["session"].nunique().eq(2).all()
        assert rows.groupby("session")["participant"].nunique().eq(1).all()
        assert not rows.duplicated(["session", "item"]).any()
        assert rows.groupby(["participant", "item"])["condition"].nunique().eq(1).all()
        for group in ("participant", "item"):
            assert rows.groupby(group)["condition"].nunique().eq(2).all()


@pytest.mark.parametrize(("scenario", "sizes"), SCENARIOS.items())
def test_every_fit_has_the_agreement_of_all_groups(results, scenario, sizes):
    (file,) = (results / "groups" / scenario).rglob("*.parquet")
    table = pd.read_parquet(file)
    participants, items = sizes
    numbers = {"participant": participants, "item": items, "session": 2 * participants}
    for _, rows in table.groupby("replicate"):
        assert dict(zip(rows["coefficient"], rows["factor"], strict=True)) == DEVIATIONS
    assert (table["n_groups"] == table["factor"].map(numbers)).all()
    assert table["rmse"].notna().all()


@pytest.mark.parametrize("table", ["performance", "groups", "convergence", "planning"])
def test_summary_tables_have_the_number_of_items(results, table):
    found = pd.read_parquet(results / f"summary/{table}.parquet")
    assert set(found["n_item"]) == {3, 4}
    if "scenario" in found:
        sizes = found.groupby("scenario")[["participants", "n_item"]].agg(["min", "max"])
        wanted = {name: [each[0]] * 2 + [each[1]] * 2 for name, each in SCENARIOS.items()}
        assert dict(zip(sizes.index, sizes.to_numpy().tolist(), strict=True)) == wanted


def test_coefficients_follow_from_the_means_of_cells(results):
    table = pd.read_parquet(results / "summary/performance.parquet")
    assert set(table["parameter"]) == {
        *("b_Intercept", "b_condition", "sigma", "cor_participant__Intercept__condition"),
        *("sd_participant__Intercept", "sd_participant__condition"),
        *("sd_item__Intercept", "sd_session__Intercept"),
    }
    (file,) = (results / "truth/plain-4x1-item3").glob("*.parquet")
    truth = pd.read_parquet(file).set_index(["replicate", "parameter"])["truth"]
    for replicate in (1, 2):
        assert truth[replicate, "b_Intercept"] == pytest.approx(0.5)
        assert truth[replicate, "b_condition"] == pytest.approx(1)


def test_participants_are_planned_for_every_number_of_items(results):
    table = pd.read_parquet(results / "summary/planning.parquet")
    assert table[["parameter", "measure", "n_item"]].to_numpy().tolist() == [
        ["b_condition", "power", 3],
        ["b_condition", "power", 4],
    ]
    assert (table["smallest"] == 4).all()
    assert (table["largest"] == 6).all()


def test_the_page_has_the_sizes(results):
    page = (results / "report.html").read_text()
    assert '<h2 id="planning">' in page
    assert "4 and 6 participants, 3 and 4 groups of item" in page
    assert "(condition | participant) + (1 | item) + (1 | session)" in page
    assert '<td class="n">normal(0, 1)</td>' in page
