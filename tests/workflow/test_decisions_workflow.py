"""A study with decisions, run to its report: its tables are those that pandas makes by hand."""

import re

import numpy as np
import pandas as pd
import pytest
from conftest import run_once
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from workflow_runs import SLEEPSTUDY
from workflow_runs import SMALL as SMALL_RUN

pytestmark = pytest.mark.workflow
WEAK = SMALL_RUN["priors"]["weak"]
CHANGES = {
    "replicates": 8,
    "estimators": ["reml", "optimize_pooled"],
    "priors": {"weak": WEAK, "tight": WEAK | {"b": "normal(0, 0.3)"}},
    "estimands": {"at_two": "mean(x = 2)"},
    "observed": {"sleep": SLEEPSTUDY},
    "decisions": {
        "effect": {"of": "x", "interval": 0.95, "excludes": 0},
        "small": {"of": "x", "rope": [-0.9, 0.9], "interval": 0.8, "inside": True},
        "high": {"of": "at_two", "above": 1.5, "probability": 0.9},
    },
    "planning": {"effect": {"rate": 0.8}, "at_two": {"power": 0.8}},
}
CELL = ["scenario", "model", "prior"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return run_once(tmp_path_factory, "decided_study", **CHANGES)


@pytest.fixture(scope="module")
def results(study):
    return study.folder / "results/small"


def read(results, table):
    return pd.read_parquet(results / f"summary/{table}.parquet")


def fits(results, parameter):
    """The estimates of a parameter in every fit, and whether the fit converged."""
    estimates = pd.concat(map(pd.read_parquet, (results / "estimates").rglob("*.parquet")))
    attempts = pd.concat(map(pd.read_parquet, (results / "diagnostics").rglob("*.parquet")))
    converged = attempts.groupby([*CELL, "replicate"])["converged"].any().reset_index()
    return estimates[estimates["parameter"] == parameter].merge(converged)


def by_hand(results):
    """Decision -> the fits with an answer, `yes` and `right`, by the text of the study."""
    x, at_two = fits(results, "b_x").dropna(subset=["sd"]), fits(results, "at_two")
    assert set(x["truth"]) == {1.0}
    assert set(at_two["truth"]) == {2.5}
    at_two = at_two.dropna(subset=["sd"])
    above, below = x["q2_5"] > 0, x["q97_5"] < 0
    inside = x["q10"].ge(-0.9) & x["q90"].le(0.9)
    outside = x["q10"].gt(0.9) | x["q90"].lt(-0.9)
    high = at_two["q10"] > 1.5
    return {
        "effect": x.assign(yes=above | below, right=above),  # the truth is 1
        "small": x.assign(yes=inside, right=outside),  # which is outside -0.9 to 0.9
        "high": at_two.assign(yes=high, right=high),  # 0.5 + 2 is above 1.5
    }


def test_rates_are_those_of_the_estimates(results):
    table = read(results, "decisions")
    found = table.set_index([*CELL, "decision", "subset", "outcome"])
    checked = 0
    for decision, every in by_hand(results).items():
        for subset, rows in (("all", every), ("converged", every[every["converged"]])):
            for cell, each in rows.groupby(CELL):
                for outcome in ("yes", "right"):
                    row, hits = found.loc[(*cell, decision, subset, outcome)], each[outcome]
                    assert row["n_replicates"] == len(each)
                    assert row["n_of_outcome"] == hits.sum()
                    assert row["rate"] == pytest.approx(hits.mean())
                    wilson = proportion_confint(hits.sum(), len(each), method="wilson")
                    assert (row["lower"], row["upper"]) == pytest.approx(wilson, abs=1e-12)
                    checked += 1
    known = (table["n_replicates"] > 0) & table["outcome"].isin(["yes", "right"])
    assert checked == known.sum() > 60
    assert 0.1 < found["rate"].mean() < 0.9


def test_modes_have_no_answer(results):
    table = read(results, "decisions")
    modes = table[(table["model"] == "optimize_pooled") & (table["subset"] == "all")]
    assert set(modes["n_replicates"]) == {0}
    assert set(modes["n_left_out"]) == {8}
    assert modes["rate"].isna().all()


def test_differences_are_those_of_the_same_datasets(results):
    found = read(results, "decision_differences")
    found = found[(found["subset"] == "all") & (found["n_pairs"] > 0)]
    for row in found.itertuples():
        every = by_hand(results)[row.decision]
        ends = [(name, row.given) for name in (row.first, row.second)]
        if row.compared == "prior":
            ends = [(row.given, name) for name in (row.first, row.second)]
        ends = [(model, "no_prior" if model == "reml" else prior) for model, prior in ends]
        pair = [
            every[every[CELL].eq([row.scenario, *end]).all(axis=1)].set_index("replicate")
            for end in ends
        ]
        pair = [each[row.outcome] * 1.0 for each in pair]
        difference = (pair[0] - pair[1]).dropna()
        assert row.n_pairs == len(difference) == 8
        assert row.value == pytest.approx(difference.mean())
        assert row.mcse == pytest.approx(stats.sem(difference))
    assert set(found["compared"]) == {"model", "prior"}
    assert found["value"].abs().max() > 0


def test_the_answers_of_observed_fits_are_on_the_page(results):
    (file,) = (results / "observed/estimates/sleep/noncentered/weak").glob("*.parquet")
    fit = pd.read_parquet(file).set_index("parameter").loc["b_x"]
    expected = "yes" if fit["q2_5"] > 0 or fit["q97_5"] < 0 else "no"
    page = (results / "report.html").read_text()
    section = page[page.index('<h2 id="decisions">') : page.index('<h2 id="planning">')]
    answers = re.findall(r"<tr><td>sleep</td>(.*?)</tr>", section)
    assert len(answers) == 3  # a row for each decision
    heads = re.search(r"<th>Observed data</th>(.*?)</tr>", section)[1]
    labels = re.findall(r"<th>(.*?)</th>", heads)
    cells = dict(zip(labels, re.findall(r"<td>(.*?)</td>", answers[0]), strict=True))
    assert cells["Non-centred, weak"] == expected
    assert cells["Mode, pooled, weak"] == "–"


def test_the_page_says_what_each_decision_asks(results):
    page = (results / "report.html").read_text()
    assert "Yes if the 95 % interval of b_x excludes 0; else no." in page
    region = "the region from \N{MINUS SIGN}0.9 to 0.9"
    assert f"inside {region}; no if it lies wholly outside; else undec" in page
    assert "the posterior probability that at_two is above 1.5 is at least 90 %" in page
    assert "power of 95 % intervals at least 80 %" in page
    assert (results / "figures/decisions-plain-x5.svg").exists()


def test_a_rate_of_yes_is_planned(results):
    table = read(results, "planning").set_index(["parameter", "measure"])
    assert set(table.index) == {("effect", "rate"), ("at_two", "power")}
    assert table.loc[("effect", "rate"), "level"].isna().all()
    assert (table.loc[("at_two", "power"), "level"] == 0.95).all()
    assert np.isin("optimize_pooled", table["model"]).sum() == 0


def test_a_changed_region_refits_nothing_and_a_new_level_refits_all(study, tmp_path):
    changed = study.copy(tmp_path / "changed")
    small = CHANGES["decisions"]["small"]
    changed.change(decisions=CHANGES["decisions"] | {"small": small | {"rope": [-0.5, 0.5]}})
    assert set(changed.planned()) == {"summarise", "figures", "report", "outcome", "all"}
    changed.change(decisions=CHANGES["decisions"] | {"small": small | {"interval": 0.85}})
    assert "fit" in changed.planned()
