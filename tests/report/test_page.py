"""The page, without running a whole study."""

import pandas as pd
import pytest
from conftest import ROOT, make_study

from recovery import families, figures
from recovery.plan import figure_list
from recovery.report import latex_tables, page
from recovery.report.sections import planning_section, results_section
from recovery.score import failures
from recovery.study.parse import parse
from recovery.study.yaml_file import read_yaml

STUDY = make_study()


@pytest.mark.parametrize(
    ("value", "mcse", "shown"),
    [
        (0.123456, 0.0123, "0.123"),  # two digits of the MCSE
        (-0.5, 0.04, "−0.500"),  # a true minus sign
        (12.3456, 2.5, "12.3"),
        (float("nan"), 0.1, "–"),
        (None, None, "–"),
        (0.0, 0.0, "0.00"),
        (3.14159, None, "3.14"),
        (-1e100, 1.0, "\N{MINUS SIGN}1.00e+100"),  # not a hundred digits
    ],
)
def test_a_number_is_rounded_to_two_digits_of_its_mcse(value, mcse, shown):
    assert page.number(value, mcse) == shown


@pytest.mark.parametrize(("share", "shown"), [(0.895, "90 %"), (0, "0 %"), (float("nan"), "–")])
def test_shares_are_shown_in_per_cent(share, shown):
    assert page.percent(share) == shown


def test_every_figure_has_a_drawing_and_a_caption(monkeypatch):
    monkeypatch.chdir(ROOT)
    observed = {"path": "x.csv", "columns": {"participant": "p"}}
    drawn = ("truths", "drawn", {"prior": "weak"})
    verify = ("verify", {"engine": "cmdstan", "share": 0.1})
    selection = ("selection", {"leave_out": "observation"})
    planning = ("participants", [4, 8]), ("planning", "sigma", {"rmse": 0.1})
    decision = ("decisions", "effect", {"of": "x", "interval": 0.9, "excludes": 0})
    real = ("observed", "real", observed)
    study = make_study(real, drawn, verify, selection, *planning, decision)
    without_lines = parse(read_yaml(ROOT / "config/learning_rate.yaml"), families.find)
    kinds = {each.kind for one in (study, without_lines) for each in figure_list.figures(one)}
    assert kinds == set(figures.DRAW)
    for kind in kinds:
        assert (ROOT / f"workflow/report/{kind}.rst").read_text().strip()


def test_every_condition_has_separate_figures():
    study = make_study(("observations", [3, 6]))
    names = [figure.name for figure in figure_list.figures(study) if figure.kind == "bias"]
    assert names == ["bias-moderate-x3", "bias-moderate-x6"]


def test_a_model_has_the_same_colour_in_every_figure_of_a_study():
    from recovery.figures import style

    colours = style.colours(STUDY.models)
    assert list(colours) == list(STUDY.models)
    assert len(set(colours.values())) == len(colours)


def test_the_most_frequent_errors_come_first():
    errors = ["time limit: 1", "RuntimeError: no\nsecond line", "time limit: 1", None, "x" * 999]
    table = pd.DataFrame({"attempt": "final", "error": errors})
    first = pd.DataFrame({"attempt": "first", "error": ["of a first attempt"]})
    reasons = results_section.reasons(pd.concat([table, first]))
    assert reasons[0] == {"error": "time limit: 1", "n": 2}
    assert {"error": "RuntimeError: no", "n": 1} in reasons
    assert {"error": "x" * failures.LONGEST_REASON, "n": 1} in reasons
    assert len(reasons) == 3


def test_latex_tables_escape_text_and_no_table_is_empty(tmp_path):
    hostile = r"50% & $x$ \input{/etc/passwd} #1 a_b ^ ~ {"
    row = {"model": hostile, "prior": hostile, "fits": 1, "failed": 0, "converged": 1.0}
    row |= {"coverage": 0.5, "intervals": 3, "seconds": 1.0}
    latex_tables.write(
        {name: tmp_path / name for name in latex_tables.TABLES}, [row], [], [], [], []
    )
    text = (tmp_path / "models").read_text()
    assert r"\input" not in text
    assert r"50\% \& \$x\$ \textbackslash input\{/etc/passwd\} \#1 a\_b" in text
    for name in ("cells", "comparison", "priors"):
        assert (tmp_path / name).read_text() == latex_tables.EMPTY


@pytest.mark.parametrize(
    ("status", "numbers", "needed", "interval"),
    [
        ("reached", (1700, 1400, 2100), "1,700", "1,400 to 2,100"),
        ("reached", (1700, 1400, float("nan")), "1,700", "at least 1,400"),
        ("at the smallest count", (6, float("nan"), 8), "at most 6", "at most 8"),
        (
            "beyond the largest count",
            (float("nan"), 24, float("nan")),
            "more than 24",
            "more than 24",
        ),
        ("not clear", (6, float("nan"), 9), "perhaps 6 or fewer", "at most 9"),
        (
            "not clear",
            (float("nan"), 20, float("nan")),
            "perhaps more than 24",
            "at least 20",
        ),
        ("unknown", (float("nan"),) * 3, "–", "–"),
    ],
)
def test_the_participants_needed_are_given_in_words(status, numbers, needed, interval):
    row = dict(zip(("n_needed", "lower", "upper"), numbers, strict=True))
    row |= {"truth": "a_b", "observations": 8, "model": "pooled", "prior": "weak"}
    row |= {"parameter": "sigma", "measure": "coverage", "wanted": 0.87, "status": status}
    row["level"] = 0.95
    table = pd.DataFrame([row | {"smallest": 6, "largest": 24, "n_fewest": 13, "n_most": 20}])
    (texts,) = planning_section.rows(families.find("multilevel_linear"), table)
    assert (texts["needed"], texts["interval"], texts["status"]) == (needed, interval, status)
    assert texts["replicates"] == ("–" if status == "unknown" else "13 to 20")
    assert texts["target"] == "coverage of 95 % intervals at least 87 %"
    assert texts["truth"] == "a b"
