"""Priors on the page, in the Methods paragraph and in LaTeX, and what they expect, in words."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import make_study

from recovery import families
from recovery.common.types import Frozen
from recovery.families.priors import Bounded, named_prior, read_distribution
from recovery.plan.figure_list import Figure
from recovery.report import latex_tables, page, prior_words
from recovery.report.sections import prior_section
from recovery.score.prior_prediction import SHARES

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
        ("uniform(1000000, 1000001)", 0, "uniform(1000000, 1000001)"),
        ("constant(1e-5)", 0, "fixed at 1e-05"),
        ("constant(1.23456789)", 0, "fixed at 1.23456789"),
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


KEYS = {
    **dict.fromkeys(("Intercept", "b_Intercept", "b", "sd", "sigma"), "normal(0, 1)"),
    "cor": "lkj(2)",
}


def place(name, formula, *left_out):
    """The place of the prior of an intercept; a prior for each tuple of keys that it lacks."""
    family = families.find({"name": f"multilevel_{name}", "formula": formula})
    keys = [key for key in KEYS if key in family.Prior.model_fields]
    priors = {
        f"prior_{number}": family.Prior(**{key: KEYS[key] for key in keys if key not in lacking})
        for number, lacking in enumerate(left_out or [()], start=1)
    }
    return prior_words.place(SimpleNamespace(priors=priors), family)


AT_ZERO = "y ~ 0 + Intercept + x + (x | participant)"


@pytest.mark.parametrize(
    ("name", "formula", "said"),
    [
        ("linear", "y ~ x + (x | participant)", "intercept is at the means of the predictors."),
        ("ordinal", "y ~ x + (x | participant)", "thresholds is at the means of the predictors."),
        ("linear", AT_ZERO, "intercept is where all predictors are 0."),
        ("ordinal", AT_ZERO, "thresholds is where all predictors are 0."),
    ],
)
def test_the_place_of_the_prior_of_an_intercept_is_said(name, formula, said):
    assert place(name, formula) == f"The prior of the {said}"


@pytest.mark.parametrize("right", ["1", "0 + Intercept", "0 + x"])
def test_an_intercept_without_slopes_or_none_has_no_place(right):
    assert place("linear", f"y ~ {right} + (1 | participant)") == ""


def test_an_intercept_at_zero_is_said_to_be_among_b():
    own, inside = (), ("b_Intercept",)
    sentence = "The prior of the intercept is where all predictors are 0."
    assert place("linear", AT_ZERO, inside) == f"{sentence} The key b includes it."
    said = place("linear", AT_ZERO, own, inside)
    assert said == f"{sentence} The key b includes it under prior 2."


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
        "Priors, with the arguments of Stan's distributions and cut at the bounds of their "
        "parameters, were weak: normal(0, 1) for Intercept and b, exponential(1) for sd and sigma, "
        "LKJ(2) for cor; brms like: Student-t(3, 0, 2.5) "
    ) in paragraph
    assert "fixed at 1 for sigma. The prior of the intercept is at the means" in paragraph


def test_latex_has_a_row_for_each_key_and_a_column_for_each_prior(tmp_path):
    study = make_study(("priors", "brms_like", BRMS))
    rows = prior_words.rows(study)
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


def test_rows_have_the_keys_that_decide_wider_before_narrower():
    """b decides for no parameter under `narrow`, since x is the only predictor."""
    narrow = {**BRMS, "b_x": "normal(0, 5)"}
    study = make_study(("priors", {"narrow": narrow}))
    keys = ["Intercept", "b_x", "sd", "sd_participant__x", "cor", "sigma"]
    assert prior_words.keys_in_use(study) == keys
    assert list(prior_words.as_written(study.priors["narrow"])) == keys
    both = make_study(("priors", {"narrow": narrow, "wide": BRMS}))
    (row,) = (row for row in prior_words.rows(both) if row["Parameters"] == "b")
    assert row == {"Parameters": "b", "narrow": "–", "wide": "normal(0, 2)"}
    assert prior_words.keys_in_use(both)[:3] == ["Intercept", "b", "b_x"]


class OwnPrior(Frozen):
    """A prior of an own family."""

    mu: tuple[named_prior(), named_prior()]
    tau: named_prior("cauchy(0, 1)")
    rate: float


def test_named_priors_of_an_own_family_are_said():
    prior = OwnPrior(mu=("normal(0, 1)", "normal(0, 2)"), tau="cauchy(0, 1)", rate=2)
    study = SimpleNamespace(priors={"wide_one": prior})
    assert prior_words.settings(study) == [
        "wide one: normal(0, 1), normal(0, 2) for mu, Cauchy(0, 1) for tau, 2.0 for rate"
    ]
    assert prior_words.rows(study)[1] == {"Parameters": "tau", "wide one": "Cauchy(0, 1)"}
    assert prior_words.as_written(prior)["mu"] == "normal(0, 1), normal(0, 2)"


def test_priors_of_an_own_family_that_are_numbers_are_not_in_the_methods_paragraph():
    class Numbers(Frozen):
        rate: tuple[float, float]

    study = SimpleNamespace(priors={"wide": Numbers(rate=(1, 2))})
    assert prior_words.settings(study) == []
    assert prior_words.rows(study) == [{"Parameters": "rate", "wide": "1.0, 2.0"}]


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


NO_CATEGORIES = pd.DataFrame(columns=SHARES)


def expected(row, *places, categories=NO_CATEGORIES):
    """The only row, under the prior `very_wide`."""
    table = pd.DataFrame([{"prior": "very_wide"} | EMPTY | row])
    family = families.find("multilevel_linear")
    (said,) = prior_section.rows(make_study(*places), family, table, categories)
    return said


def test_shares_of_categories_are_said_instead_of_a_range():
    shares = [(1, 0.2, 0.01, 0.05, 0.5), (2, 0.3, 0.01, 0.1, 0.6), (3, 0.5, 0.01, 0.2, 0.9)]
    table = pd.DataFrame([("very_wide", *each) for each in shares], columns=SHARES)
    said = expected({}, categories=table)
    assert said["central"] == "1: 20 % (5 to 50 %); 2: 30 % (10 to 60 %); 3: 50 % (20 to 90 %)"
    assert said["sentence"].startswith(
        "Under very wide, 20 % of y are 1, 5 to 50 % in the central 90 % of datasets; 30 % of y"
    )
    of_two = expected({}, categories=table[:2])
    assert of_two["central"] == "2: 30 % (10 to 60 %)"


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


def test_ends_of_about_the_same_size_have_the_same_number_of_digits():
    ends = {"lower": -3.2, "lower_mcse": 0.12, "upper": 3.3456, "upper_mcse": 0.0091}
    assert expected(ends)["central"] == "−3.20 to 3.35"
    assert expected(ends | {"upper": 3.0})["central"] == "−3.20 to 3.00"
    far = {"lower": 0.0213, "lower_mcse": 0.0011, "upper": 812.4, "upper_mcse": 22.0}
    assert expected(far)["central"] == "0.0213 to 812"


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


@pytest.mark.parametrize(("right", "at_means"), [("x", True), ("0 + Intercept + x", False)])
def test_thresholds_at_zero_are_not_said_to_be_at_the_means(right, at_means):
    formula = f"y ~ {right} + (1 | participant)"
    family = families.find({"name": "multilevel_ordinal", "formula": formula})
    keys = {key: KEYS[key] for key in ("Intercept", "b", "sd")}
    study = SimpleNamespace(models=["centered"], priors={"weak": family.Prior(**keys)})
    figure = Figure("prior_densities", "prior_densities", "", "")
    caption = prior_section.caption(study, family, figure, [])
    assert ("b_Intercept[1]" in caption) == at_means
