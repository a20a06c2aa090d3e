"""Studies at the edges, run to their report: right numbers, or failed rows that say why."""

import html
import json
import re

import numpy as np
import pandas as pd
import pytest
from workflow_runs import SMALL, check_out

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

PLAIN = SMALL["truths"]["plain"]
TINY = {"Intercept": 1.0e-300, "x": 0}
EVIL = "<script>alert(1)</script>{{ 7*7 }} {% raw %} \\input{x} %s ${HOME} {wildcards.x}"
SAFE = "a '$(touch PWNED)' &amp; `touch PWNED` %s.csv"
BOUNDS = ["coverage_lower_bound", "coverage_upper_bound"]


def finish(folder, succeeds=True, **changes):
    """Run a study to its report; return it."""
    checkout = check_out(folder)
    checkout.write(**changes)
    done = checkout.make_study()
    assert (done.returncode == 0) == succeeds, done.stdout + done.stderr
    return checkout


def page(checkout) -> str:
    text = (checkout.folder / "results/small/report.html").read_text()
    return re.sub(r"base64,[^\"]*", "", text)


def words(checkout) -> str:
    """What a reader of the page sees."""
    text = re.sub(r"(?s)<style>.*?</style>|<script>.*?</script>", "", page(checkout))
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def summary(checkout, name="performance") -> pd.DataFrame:
    return pd.read_parquet(checkout.folder / f"results/small/summary/{name}.parquet")


def check_empty(rows) -> None:
    """Check that performance rows without fits have only the bounds of coverage."""
    assert len(rows)
    assert (rows["n_replicates"] == 0).all()
    known = rows.set_index("measure")["value"].dropna()
    assert set(known.index) == set(BOUNDS)
    assert (known["coverage_lower_bound"] == 0).all()
    assert (known["coverage_upper_bound"] == 1).all()
    assert rows["mcse"].isna().all()


def test_a_study_of_which_all_fits_fail_has_a_report_that_says_so(tmp_path):
    checkout = finish(
        tmp_path,
        succeeds=False,
        sampler={**SMALL["sampler"], "time_limit": 1.0e-6},
        truths={"drawn": {"prior": "weak"}, "plain": PLAIN},
        participants=[4],
        rescue=[{"adapt_delta": 0.9}],
    )
    seen = words(checkout)
    assert "12 of 12 fits failed." in seen
    assert "No fit gave estimates. The tables below have no bias, RMSE or coverage." in seen
    assert "First error in 4 cells: time limit: took more than 1e-06 seconds" in seen
    check_empty(summary(checkout))
    assert summary(checkout, "comparison")["value"].isna().all()
    assert (summary(checkout, "convergence")["failed_rate"] == 1).all()
    assert "nan" not in seen.lower().split()


def test_a_model_of_which_all_fits_fail_leaves_the_other_as_it_is(tmp_path):
    program = tmp_path / "stan/multilevel_linear/pooled.stan"
    checkout = check_out(tmp_path)
    checkout.write(participants=[4], models=["pooled", "marginal"])
    source = program.read_text()
    refuse = 'model {\n  if (N > 5) reject("no luck today");'
    program.write_text(source.replace("model {", refuse, 1))
    done = checkout.make_study()
    assert done.returncode == 0, done.stdout + done.stderr
    rows = summary(checkout)
    check_empty(rows[rows["model"] == "pooled"])
    others = rows[(rows["model"] == "marginal") & (rows["subset"] == "all")]
    of_those_that_exclude_0 = others["measure"].isin(["type_s_error", "type_m_error"])
    assert (others.loc[~of_those_that_exclude_0, "n_replicates"] == 3).all()
    assert others[others["measure"] == "bias"]["value"].notna().all()
    assert summary(checkout, "comparison")["value"].isna().all()
    seen = words(checkout)
    assert "3 of 6 fits failed" in seen
    assert "First error in 1 cell: RuntimeError: 2 of 2 chains failed" in seen


def test_extreme_truths_and_smallest_designs(tmp_path):
    checkout = finish(
        tmp_path,
        replicates=2,
        participants=[2],
        observations=[1],
        models=["pooled", "marginal"],
        truths={
            "huge": {**PLAIN, "b": {"Intercept": 1.0e300, "x": 1}},
            "overflowing": {**PLAIN, "sigma": 1.7e308},
            "large": {**PLAIN, "b": {"Intercept": 1.0e100, "x": 1}, "sigma": 1.0e100},
            "tiny": {
                **PLAIN,
                "b": TINY,
                "sd": {"participant": TINY},
                "sigma": 1.0e-300,
            },
        },
    )
    rows = summary(checkout)
    for truth in ("huge", "overflowing"):
        check_empty(rows[rows["truth"] == truth])
    for table in ("performance", "comparison", "groups", "efficiency"):
        numbers = summary(checkout, table).select_dtypes("number").to_numpy()
        assert not np.isinf(numbers).any()
    bias = rows[(rows["measure"] == "bias") & (rows["subset"] == "all")]
    large = bias[(bias["truth"] == "large") & (bias["parameter"] == "b_Intercept")]["value"]
    assert large.to_numpy() == pytest.approx(-1e100)  # the prior holds the estimate near 0
    assert bias[bias["truth"] == "tiny"]["value"].between(-5, 5).all()
    seen = words(checkout)
    assert "8 of 16 fits failed" in seen
    assert "\N{MINUS SIGN}1.00e+100" in seen


def test_one_replicate_has_no_measures_and_a_report(tmp_path):
    checkout = finish(tmp_path, replicates=1, participants=[2], observations=[1])
    rows = summary(checkout)
    assert rows[~rows["measure"].isin(BOUNDS)]["value"].isna().all()
    assert (rows[rows["subset"] == "all"]["n_replicates"] == 1).all()
    assert "All 2 fits ran" in words(checkout)


def test_hostile_words_and_hostile_data_stay_words_and_data(tmp_path):
    lines = [f"{number % 3},{number},{number * number % 5}" for number in range(9)]
    tables = {
        SAFE: ['"<b>id</b>","x{}$(touch PWNED)",y', *lines],
        "constant.csv": ["id,x,y", *(f"<i>{n % 3}</i>,{n},5" for n in range(9))],
        "formula.csv": ["id,x,y", *(f"=cmd|{n % 3},{n % 2},{n}" for n in range(9))],
        "huge.csv": ["id,x,y", *(f"{n % 3},{n}e307,{n + 1}e306" for n in range(9))],
    }
    for name, rows in tables.items():
        (tmp_path / name).write_text("\n".join(rows) + "\n")
    others = [name for name in tables if name != SAFE]
    published = {"source": EVIL, "values": {"sigma": 1}}
    columns = {"x": "x{}$(touch PWNED)", "participant": "<b>id</b>"}
    hostile = {"path": SAFE, "columns": columns, "published": {"others": published}}
    observed = {
        name.removesuffix(".csv"): {"path": name, "columns": {"participant": "id"}}
        for name in others
    }
    checkout = finish(
        tmp_path,
        title=EVIL,
        replicates=2,
        participants=[4],
        models=["pooled", "marginal"],
        observed={"hostile": hostile, **observed},
    )
    shown, seen = page(checkout), words(checkout)
    assert "<script>alert" not in shown
    assert seen.count(EVIL) == 3  # title, heading, source of the published values
    assert SAFE in seen
    assert not list(tmp_path.rglob("PWNED"))
    manifest = json.loads((tmp_path / "results/small/manifest.json").read_text())
    assert manifest["study"]["title"] == EVIL
    diagnostics = tmp_path / "results/small/observed/diagnostics"
    went = pd.concat(map(pd.read_parquet, diagnostics.rglob("*.parquet"))).set_index("scenario")
    assert (went.loc["huge", "status"] == "failed").all()
    assert went.loc["huge", "error"].str.contains("initialization failed").all()
    assert (went.drop("huge")["status"] == "ok").all()
