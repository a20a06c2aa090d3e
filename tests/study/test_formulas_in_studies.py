"""Formulas, designs and sizes in a study: every fault is told at its key, in one line."""

import math

import pytest
from conftest import DROP, make_study
from refusals import refusal

from recovery import families
from recovery.study.parse import parse

TRUTH, PRIOR = ("truths", "moderate"), ("priors", "weak")
DISTRIBUTIONS = (
    "normal, student_t, cauchy, logistic, double_exponential, exponential, gamma, inv_gamma, "
    "lognormal, beta, uniform, constant, flat"
)
FACTOR = {"levels": ["easy", "hard"]}
X = {"normal": [0, 1]}
ONE_INTERCEPT = [
    (*TRUTH, "sd", {"participant": {"Intercept": 1}}),
    (*TRUTH, "cor", DROP),
    (*PRIOR, "cor", DROP),
]
TWO_FACTORS = [
    ("formula", "y ~ a + b + (1 | participant)"),
    ("design", {"a": {"levels": ["p", "q"]}, "b": {"levels": ["r", "s"]}}),
    (*TRUTH, "b", DROP),
    *ONE_INTERCEPT,
]
MEANS = {"p": {"r": 1, "s": 2}, "q": {"r": 3, "s": 4}}

CASES = {  # what is wrong: the changes, and the message
    "unquoted yes and no": (
        [("design", {"x": {"levels": [False, True]}})],
        'design.x.levels: got [False, True], must be text in quotes, as levels: ["no", "yes"]; '
        "YAML reads yes, no, on and off without quotes as true and false",
    ),
    "levels that are numbers": (
        [("design", {"x": {"levels": [1, 2]}})],
        'design.x.levels: got [1, 2], must be text in quotes, as levels: ["1", "2"]',
    ),
    "a level with brackets": (
        [("design", {"x": {"levels": ["a[1]", "b"]}})],
        "design.x.levels[0]: got 'a[1]', must not have '[' in it",
    ),
    "an unknown coding": (
        [("design", {"x": {**FACTOR, "coding": "sums"}})],
        "design.x.coding: got 'sums', must be a list of rows, one for each level, or one of "
        "'treatment', 'sum', 'difference', 'helmert', 'poly'; did you mean sum?",
    ),
    "contrasts of other levels": (
        [("design", {"x": {**FACTOR, "coding": [[0], [1], [2]]}})],
        "design.x.coding: got ((0.0,), (1.0,), (2.0,)), must have 2 rows of the same length",
    ),
    "contrasts that are no numbers": (
        [("design", {"x": {**FACTOR, "coding": [[0], [math.nan]]}})],
        "design.x.coding[1][0]: got nan, must be a finite number",
    ),
    "an unknown key of a variable": (
        [("design", {"x": {"normall": [0, 1]}})],
        "design.x.normall: unknown key, must be one of 'normal', 'uniform', 'bernoulli', "
        "'sequence', 'values', 'between', 'correlated'; did you mean normal?",
    ),
    "two distributions": (
        [("design", {"x": {"normal": [0, 1], "uniform": [0, 1]}})],
        "design.x: got normal and uniform, must have levels (a factor) or exactly one of normal",
    ),
    "no distribution": (
        [("design", {"x": {}})],
        "design.x: got none of them, must have levels (a factor) or exactly one of normal",
    ),
    "a distribution that cannot be": (
        [("design", {"x": {"normal": [0, 0]}})],
        "design.x.normal[1]: got 0, must be above 0.0",
    ),
    "a variable between unknown groups": (
        [("design", {"x": {"normal": [0, 1], "between": "subject"}})],
        "design.x.between: got 'subject', must be one of 'participant'",
    ),
    "a variable that has the name of a grouping factor": (
        [("sizes", {"x": [4]})],
        "design.x: must be another name; a grouping factor has this one",
    ),
    "a variable called participant": (
        [("design", {"x": X, "participant": X})],
        "design.participant: must be another name; every dataset has its own participant",
    ),
    "a name with a space": (
        [("design", {"x": X, "a b": X})],
        "design.'a b': must be a name of letters, digits and underscores that begins with a letter",
    ),
    "a design that is a list": (
        [("design", [X])],
        "design: got [{'normal': [0, 1]}], must be a mapping of variables, or the path",
    ),
    "no variable": (
        [("design", {})],
        "formula: got 'x', must be a variable of `design`: there is none",
    ),
    "a share of missing rows that cannot be": (
        [("design", {"x": X, "missing": 1})],
        "design.missing: got 1, must be below 1.0",
    ),
    "correlations that cannot be": (
        [
            (
                "design",
                {
                    "x": X,
                    "v": {**X, "correlated": {"x": 0.9}},
                    "w": {**X, "correlated": {"x": 0.9, "v": -0.9}},
                },
            )
        ],
        "design.w.correlated: the correlations of 'x', 'v', 'w' must be a positive definite matrix",
    ),
    "the log of a factor": (
        [("formula", "y ~ log(x) + (1 | participant)"), ("design", {"x": FACTOR})],
        "formula: log(x): got the factor 'x', must be a column of numbers",
    ),
    "the log of a factor that varies": (
        [("formula", "y ~ x + (log(x) | participant)"), ("design", {"x": FACTOR})],
        "formula: log(x): got the factor 'x', must be a column of numbers",
    ),
    "a factor as offset": (
        [("formula", "y ~ offset(x) + (1 | participant)"), ("design", {"x": FACTOR})],
        "formula: offset(x): got the factor 'x', must be numbers",
    ),
    "a size that is no list": ([("sizes", {"item": 4})], "sizes.item: got 4, must be a list"),
    "a size of none": ([("sizes", {"item": [0]})], "sizes.item[0]: got 0, must be at least 1"),
    "a size twice": (
        [("sizes", {"item": [4, 4]})],
        "sizes.item: 4 is listed more than once; every entry must be different",
    ),
    "a nested factor of no size": (
        [("sizes", {"class": {"in": "participant"}})],
        "sizes.class.each: missing, must be given",
    ),
    "a nested factor in an unknown one": (
        [("sizes", {"class": {"in": "school", "each": [2]}, "schools": [3]})],
        "sizes.class.in: got 'school', must be one of 'participant', 'schools'; "
        "did you mean schools?",
    ),
    "a factor nested in itself": (
        [("sizes", {"class": {"in": "class", "each": [2]}})],
        "sizes.class.in: got class, which makes class nested in itself",
    ),
    "sizes of participants": (
        [("sizes", {"participant": [4]})],
        "sizes.participant: must be another name; every dataset has its own participant",
    ),
    "a formula among the options": (
        [("family", {"name": "multilevel_linear", "formula": "y ~ x"})],
        "family: got the option 'formula', must be a key of the study",
    ),
    "a design among the options": (
        [("family", {"name": "multilevel_linear", "design": {"x": X}})],
        "family: got the option 'design', must be a key of the study",
    ),
    "a formula for mediation": (
        [("family", "mediation"), ("formula", "y ~ x")],
        "formula: must not be there, only families with a formula have it",
    ),
    "a design for mediation": (
        [("family", "mediation"), ("design", {"x": X})],
        "design: must not be there, only families with a formula have it",
    ),
    "a formula for an own family": (
        [("family", "config/families/learning_rate.py"), ("formula", "y ~ x")],
        "formula: must not be there, only families with a formula have it",
    ),
    "sizes for an own family": (
        [("family", "config/families/learning_rate.py"), ("sizes", {"item": [3]})],
        "sizes: must not be there, only families with a formula have it",
    ),
    "no number of trials": (
        [("family", "multilevel_binomial")],
        "formula: must name the number of trials: y | trials(10) ~ ..., or a variable of the desi",
    ),
    "a factor as number of trials": (
        [
            ("family", "multilevel_binomial"),
            ("formula", "y | trials(x) ~ 1"),
            ("design", {"x": FACTOR}),
        ],
        "formula: got trials(x), must be a covariate of `design`: there is none",
    ),
    "thresholds and no intercept": (
        [("family", "multilevel_ordinal"), ("formula", "y ~ 0 + x")],
        "formula: must not remove the intercept, which thresholds replace",
    ),
    "a coefficient too few": (
        [(*TRUTH, "b", "x", DROP)],
        "truths.moderate.b: must have 'x' too",
    ),
    "no coefficient": (
        [(*TRUTH, "b", DROP)],
        "truths.moderate.b: must have 'Intercept', 'x' too",
    ),
    "a coefficient too many": (
        [(*TRUTH, "b", "x2", 1)],
        "truths.moderate.b: got 'x2', must be a coefficient of the formula: did you mean 'x'?",
    ),
    "a coefficient that does not vary": (
        [(*TRUTH, "sd", "participant", "age", 1)],
        "truths.moderate.sd.participant: got 'age', must be a coefficient that varies by it: one "
        "of 'Intercept', 'x'",
    ),
    "a standard deviation too few": (
        [(*TRUTH, "sd", "participant", "x", DROP)],
        "truths.moderate.sd.participant: must have 'x' too",
    ),
    "groups that the formula does not have": (
        [(*TRUTH, "sd", "item", {"Intercept": 1})],
        "truths.moderate.sd.item: unknown key, must not be there",
    ),
    "a correlation that is none": (
        [(*TRUTH, "cor", {"participant": 2})],
        "truths.moderate.cor.participant: got 2, must be below 1.0",
    ),
    "a correlation that no matrix can have": (
        [
            ("formula", "y ~ x + v + (x + v | participant)"),
            ("design", {"x": X, "v": X}),
            (*TRUTH, "b", {"Intercept": 1, "x": 1, "v": 1}),
            (*TRUTH, "sd", {"participant": {"Intercept": 1, "x": 1, "v": 1}}),
            (*TRUTH, "cor", {"participant": -0.6}),
        ],
        "truths.moderate.cor.participant: got -0.6, the correlation matrix must be positive def",
    ),
    "means that the formula cannot have": (
        [*TWO_FACTORS, (*TRUTH, "means", MEANS | {"q": {"r": 3, "s": 5}})],
        "truths.moderate.means: the formula cannot have these means, it lacks an interaction",
    ),
    "a mean too few": (
        [*TWO_FACTORS, (*TRUTH, "means", {"p": MEANS["p"]})],
        "truths.moderate.means: got ['p'], must have the levels p, q",
    ),
    "a mean of another level": (
        [*TWO_FACTORS, (*TRUTH, "means", MEANS | {"q": {"r": 3, "t": 4}})],
        "truths.moderate.means.q: got ['r', 't'], must have the levels r, s",
    ),
    "a mean that is no number": (
        [*TWO_FACTORS, (*TRUTH, "means", MEANS | {"q": {"r": 3, "s": True}})],
        "truths.moderate.means.q.s: got True, must be a number",
    ),
    "a mean that is too large": (
        [*TWO_FACTORS, (*TRUTH, "means", MEANS | {"q": {"r": 3, "s": 10**400}})],
        "truths.moderate.means.q.s: got 1000000000000000000000000000000000000000000000",
    ),
    "means and a coefficient that follows from them": (
        [*TWO_FACTORS, (*TRUTH, "means", MEANS), (*TRUTH, "b", {"Intercept": 1})],
        "truths.moderate.b.Intercept: must not be given with `means`, it follows from them",
    ),
    "means of factors without the coefficient of a covariate": (
        [
            ("formula", "y ~ a + x + (1 | participant)"),
            ("design", {"a": {"levels": ["p", "q"]}, "x": X}),
            *ONE_INTERCEPT,
            (*TRUTH, "b", DROP),
            (*TRUTH, "means", {"p": 1, "q": 2}),
        ],
        "truths.moderate.b: must have 'x' too",
    ),
    "a prior of a coefficient that there is not": (
        [(*PRIOR, "b_z", "normal(0, 1)")],
        "priors.weak.b_z: unknown key, must not be there; did you mean 'b_x'?",
    ),
    "a prior of another distribution": (
        [(*PRIOR, "b", "skew(0, 1)")],
        f"priors.weak.b: got 'skew(0, 1)', must be one of {DISTRIBUTIONS}, with Stan's arguments",
    ),
    "a prior that calls": (
        [(*PRIOR, "b", "normal(0, exp(1))")],
        "priors.weak.b: got 'normal(0, exp(1))', its sigma must be a number, such as 0.5",
    ),
    "a prior that computes": (
        [(*PRIOR, "b", "normal(0, 1+1)")],
        "priors.weak.b: got 'normal(0, 1+1)', its sigma must be a number, such as 0.5",
    ),
    "a prior without an argument": (
        [(*PRIOR, "sd", "exponential()")],
        "priors.weak.sd: got 'exponential()', its beta must be a number, such as 0.5",
    ),
    "an unknown column": (
        [("observed", {"o": {"path": "a.csv", "columns": {"rt": "RT"}}})],
        "observed.o.columns.rt: unknown key, must not be there",
    ),
}


@pytest.mark.parametrize(("places", "message"), CASES.values(), ids=CASES.keys())
def test_a_fault_is_told_in_one_line_at_its_key(in_the_repository, places, message):
    told = refusal(*places)
    assert told.startswith(f"study.yaml: {message}")
    assert "\n" not in told


def test_a_formula_of_other_terms_is_told_every_key_that_does_not_fit():
    assert refusal(("formula", "y ~ x"), ("models", ["pooled"])).splitlines() == [
        f"study.yaml: {key}: unknown key, must not be there; the keys are {keys}"
        for key, keys in (
            ("priors.weak.sd", "Intercept, b_x, b, sigma"),
            ("priors.weak.cor", "Intercept, b_x, b, sigma"),
            ("truths.moderate.sd", "b, means, sigma"),
            ("truths.moderate.cor", "b, means, sigma"),
        )
    ]


def test_the_nearest_name_is_told():
    places = ("formula", "y ~ conditon + (1 | participant)"), ("design", {"condition": FACTOR})
    assert refusal(*places).endswith(
        "got 'conditon', must be a variable of `design`: did you mean 'condition'?"
    )
    places = ("formula", "y ~ x + (1 | itms)"), ("sizes", {"items": [3]})
    assert refusal(*places).endswith(
        "must be participant or a key of `sizes`: did you mean 'items'?"
    )


def test_a_study_without_formula_has_the_default_one():
    study = make_study()
    written = make_study(
        ("formula", "y ~ x + (x | participant)"), ("design", {"x": {"normal": [0, 1]}})
    )
    assert (study.formula, study.design) == (None, None)
    first, second = (families.find(each.family_choice) for each in (study, written))
    assert first.CHOICE == second.CHOICE == "multilevel_linear"


def test_options_of_a_family_stay_with_its_formula():
    study = make_study(
        ("family", {"name": "multilevel_ordinal", "categories": 3}),
        ("formula", "y ~ x + (1 | participant)"),
        *ONE_INTERCEPT,
        (*TRUTH, "b", {"x": 1}),
        (*TRUTH, "thresholds", [0, 1]),
        (*TRUTH, "sigma", DROP),
        (*PRIOR, "sigma", DROP),
    )
    assert study.family == {"name": "multilevel_ordinal", "categories": 3}
    assert study.formula == "y ~ x + (1 | participant)"
    assert parse(study.model_dump(mode="json"), families.find) == study


def test_a_study_with_formula_design_and_sizes_round_trips():
    study = make_study(
        ("formula", "rt ~ a * x + (1 + a || participant) + (1 | item) + (1 | class)"),
        (
            "design",
            {
                "x": X,
                "a": {**FACTOR, "coding": [[-1], [1]]},
                "missing": {"a": {"easy": 0.1, "hard": 0}},
            },
        ),
        ("sizes", {"item": [3, 4], "class": {"in": "item", "each": [2, 1]}}),
        (*TRUTH, "b", {"x": 1, "a:x": 0.1}),
        (*TRUTH, "means", {"easy": 1, "hard": 2}),
        (*TRUTH, "sd", {n: {"Intercept": 1} for n in ("participant", "item", "class")}),
        (*TRUTH, "sd", "participant", "a", 0.5),
        (*TRUTH, "cor", DROP),
        (*PRIOR, "cor", DROP),
    )
    again = parse(study.model_dump(mode="json"), families.find)
    assert again == study
    assert families.find(again.family_choice).CHOICE == families.find(study.family_choice).CHOICE
