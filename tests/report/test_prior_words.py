"""Priors on the page, in the Methods paragraph and in LaTeX, and what they expect, in words."""

import numpy as np
import pandas as pd
import pytest
from conftest import make_study

from recovery import families
from recovery.families.priors import Bounded, read_distribution
from recovery.plan.figure_list import Figure
from recovery.report import latex_tables, page, prior_words
from recovery.report.sections import prior_section

BRMS = {
    "Intercept": "student_t(3, 0, 2.5)",
    "b": "normal(0, 2)",
    "sd": "student_t(3, 0, 2.5)",
    "sd_participant__x": "exponential(20)",
    "cor": "lkj(1)",
    "sigma": "constant(1)",
}


@pytest.mark.parametrize(
    ("written", "low", "said"),
    [
        ("normal(0, 1)", -np.inf, "normal(0, 1)"),
        ("normal(0, 1)", 0, "half-normal(0, 1)"),
        ("student_t(3, 0, 2.5)", 0, "half-Student-t(3, 0, 2.5)"),
        ("cauchy(0, 5)", 0, "half-Cauchy(0, 5)"),
        ("logistic(0, 1)", 0, "half-logistic(0, 1)"),
        ("double_exponential(0, 1)", 0, "half-double-exponential(0, 1)"),
        ("normal(1, 2)", 0, "normal(1, 2) above 0"),
        ("gamma(2, 0.1)", 1, "gamma(2, 0.1) above 1"),
        ("gamma(2, 0.1)", 0, "gamma(2, 0.1)"),
        ("exponential(20)", 0, "exponential(20)"),
        ("inv_gamma(2, 1)", 0, "inverse-gamma(2, 1)"),
        ("lognormal(0, 1)", 0, "log-normal(0, 1)"),
        ("beta(2, 2)", 0, "beta(2, 2)"),
        ("uniform(0, 5)", 0, "uniform(0, 5)"),
        ("uniform(-1, 5)", 0, "uniform(-1, 5) above 0"),
        ("constant(1e-5)", 0, "fixed at 1e-05"),
        ("flat", 0, "flat (improper)"),
    ],
)
def test_a_distribution_is_said_in_words(written, low, said):
    assert prior_words.in_words(Bounded(read_distribution(written), low)) == said


def test_a_setting_lists_the_keys_that_share_a_distribution():
    prior = make_study(("priors", "weak", BRMS)).priors["weak"]
    assert prior_words.setting(prior) == (
        "Student-t(3, 0, 2.5) for Intercept, normal(0, 2) for b, half-Student-t(3, 0, 2.5) for sd, "
        "exponential(20) for sd_participant__x, LKJ(1) for cor, fixed at 1 for sigma"
    )


def test_a_key_that_narrower_ones_replace_is_not_said():
    prior = make_study(("priors", "weak", "b_x", "normal(0, 5)")).priors["weak"]
    assert "normal(0, 5) for b_x" in prior_words.setting(prior)
    assert "for b," not in prior_words.setting(prior)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("multilevel_linear", "The prior of the intercept is at the means of the predictors."),
        (
            {"name": "multilevel_ordinal", "formula": "y ~ x + (x | participant)"},
            "The prior of the thresholds is at the means of the predictors.",
        ),
        (
            {"name": "multilevel_linear", "formula": "y ~ 0 + Intercept + x + (x | participant)"},
            "The prior of the intercept is at zero of the predictors.",
        ),
        ({"name": "multilevel_linear", "formula": "y ~ 1 + (1 | participant)"}, ""),
        ({"name": "multilevel_linear", "formula": "y ~ 0 + x + (x | participant)"}, ""),
    ],
)
def test_the_place_of_the_prior_of_an_intercept_is_said(choice, said):
    assert prior_words.place(families.find(choice)) == said


def methods_paragraph(study):
    family = families.find(study.family_choice)
    totals = {
        "n_planned": 1,
        "n_failed": 0,
        "n_ok": 1,
        "n_converged": 1,
        "n_refitted": 0,
        "n_rescued": 0,
    }
    shared = {
        "study": study,
        "design": {"scenarios": [1]},
        "totals": totals,
        "largest": {"coverage": {"mcse": 0}},
        "fewer_intervals": False,
        "manifest": {"engine": {"name": "stanli", "version": "1"}},
    }
    return page._methods_paragraph(page._environment(), study, family, shared)


def test_the_methods_paragraph_has_every_prior_and_the_place_of_the_intercepts():
    paragraph = methods_paragraph(make_study(("priors", "brms_like", BRMS)))
    assert (
        "Priors, with the arguments of Stan's distributions, were weak: normal(0, 1) for Intercept "
        "and b, exponential(1) for sd and sigma, LKJ(2) for cor; brms like: Student-t(3, 0, 2.5) "
    ) in paragraph
    assert "fixed at 1 for sigma. The prior of the intercept is at the means" in paragraph


def test_latex_has_a_row_for_each_key_and_a_column_for_each_prior(tmp_path):
    study = make_study(("priors", "brms_like", BRMS))
    rows = prior_words.rows(study, families.find("multilevel_linear"))
    assert rows[0] == {
        "Parameters": "Intercept",
        "weak": "normal(0, 1)",
        "brms like": "Student-t(3, 0, 2.5)",
    }
    (narrow,) = (row for row in rows if row["Parameters"] == "sd_participant__x")
    assert (narrow["weak"], narrow["brms like"]) == ("–", "exponential(20)")
    files = {name: tmp_path / name for name in latex_tables.TABLES}
    latex_tables.write(files, [], [], [], [], rows)
    text = (tmp_path / "priors").read_text()
    assert r"Parameters & weak & brms like \\" in text
    assert r"sd\_participant\_\_x & {--} & exponential(20) \\" in text
    assert r"sd & exponential(1) & half{-}Student{-}t(3, 0, 2.5) \\" in text


# What priors expect

EMPTY = {
    "reason": None,
    "n_draws": 400,
    "n_failed": 0,
    "error": None,
    "lower": np.nan,
    "lower_mcse": np.nan,
    "upper": np.nan,
    "upper_mcse": np.nan,
    "below": np.nan,
    "below_mcse": np.nan,
    "above": np.nan,
    "above_mcse": np.nan,
    "outside": np.nan,
    "datasets_rate": np.nan,
    "datasets_rate_lower": np.nan,
    "datasets_rate_upper": np.nan,
}
WITH_RANGE = {
    "lower": -3.21,
    "lower_mcse": 0.12,
    "upper": 4000.0,
    "upper_mcse": 55.0,
    "below": 0.0,
    "below_mcse": 0.0,
    "above": 0.0312,
    "above_mcse": 0.0041,
    "datasets_rate": 0.4,
    "datasets_rate_lower": 0.35,
    "datasets_rate_upper": 0.45,
}


def expected(row, *places):
    """The only row, under the prior `very_wide`."""
    table = pd.DataFrame([{"prior": "very_wide"} | EMPTY | row])
    (said,) = prior_section.rows(make_study(*places), families.find("multilevel_linear"), table)
    return said


def test_shares_of_implausible_outcomes_are_said_with_their_errors():
    said = expected(WITH_RANGE, ("plausible", [0, 3600]))
    assert said["sentence"] == (
        "Under very wide, 0 % of y are below 0 and 3.12 ± 0.41 % of y are above 3,600; "
        "40 % of datasets have such outcomes."
    )
    assert said["outside"] == ["0 %", "3.12 ± 0.41 %"]
    assert (said["with_any"], said["interval"]) == ("40 %", "35 to 45 %")
    study = make_study(("plausible", [0, 3600]))
    labels = prior_section.labels(study, families.find("multilevel_linear"))
    assert labels == ["y below 0", "y above 3,600"]


def test_an_open_end_is_not_said():
    said = expected(WITH_RANGE, ("plausible", [None, 3600]))
    assert "below" not in said["sentence"]
    assert len(said["outside"]) == 1


def test_without_a_range_the_central_range_is_said():
    said = expected(WITH_RANGE)
    assert said["sentence"] == "Under very wide, the central 90 % of y are −3.21 to 4,000."
    counts = {"lower": 1.0, "lower_mcse": 0.0, "upper": 8.0, "upper_mcse": 0.5}
    assert expected(counts)["central"] == "1 to 8"


def test_datasets_that_could_not_be_simulated_are_said():
    some = {"n_failed": 8, "error": "too large\nsecond line"}
    assert expected(WITH_RANGE | some)["sentence"].endswith(
        "; 2 % of 400 datasets could not be simulated (first error: too large)."
    )
    every = expected({"n_failed": 400, "error": "too large"}, ("plausible", [0, None]))
    assert every["sentence"] == (
        "Under very wide, 100 % of 400 datasets could not be simulated (first error: too large)."
    )
    assert every["central"] == "–"


def test_a_flat_prior_has_one_sentence():
    said = expected({"reason": "the prior is flat for b_x", "n_draws": 0}, ("plausible", [0, 1]))
    assert said["none"] == "no prior prediction, since the prior is flat for b_x"
    assert said["sentence"] == (
        "Under very wide, there is no prior prediction, since the prior is flat for b_x."
    )


def test_the_captions_of_priors_say_what_is_expected_and_where_the_intercept_is():
    study, family = make_study(), families.find("multilevel_linear")
    rows = [{"sentence": "One."}, {"sentence": "Two."}]
    captions = {
        kind: prior_section.caption(study, family, Figure(kind, kind, "", ""), rows)
        for kind in ("prior_predictive", "prior_outcomes", "bias", "prior_densities")
    }
    assert captions["prior_predictive"] == captions["prior_outcomes"] == "One. Two."
    assert captions["bias"] == ""
    assert captions["prior_densities"] == (
        "The prior of b_Intercept is at the means of the predictors; no posterior is below it, "
        "because fits estimate it at zero."
    )
