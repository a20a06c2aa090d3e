"""Faults of named priors are found before any job, in the words of the study file."""

import pytest
from conftest import DROP, make_study

from recovery.common.errors import StudyError
from recovery.families.priors.distributions import DISTRIBUTIONS

WEAK = ("priors", "weak")
ALL = ", ".join(name for name in DISTRIBUTIONS if name != "lkj")
FAULTS = {
    "an unknown distribution": (
        {"b": "norml(0, 1)"},
        "priors.weak.b: got 'norml(0, 1)', must be a distribution of Stan; did you mean "
        "normal(mu, sigma)?",
    ),
    "a half-distribution": (
        {"sd": "half_cauchy(0, 1)"},
        "priors.weak.sd: got 'half_cauchy(0, 1)', must be a distribution of Stan; did you "
        "mean cauchy(mu, sigma)? It is cut at 0 for parameters above 0, such as SDs, and for "
        "no others.",
    ),
    "a half-distribution with a hyphen": (
        {"sd": "half-normal(0, 1)"},
        "priors.weak.sd: got 'half-normal(0, 1)', must be a distribution of Stan; did you "
        "mean normal(mu, sigma)? It is cut at 0 for parameters above 0, such as SDs, and for "
        "no others.",
    ),
    "the name in words": (
        {"b": "Student-t(3, 0, 2.5)"},
        "priors.weak.b: got 'Student-t(3, 0, 2.5)', must be a distribution of Stan; did you "
        "mean student_t(nu, mu, sigma)?",
    ),
    "another name": (
        {"b": "laplace(0, 1)"},
        "priors.weak.b: got 'laplace(0, 1)', must be a distribution of Stan; did you mean "
        "double_exponential(mu, sigma)?",
    ),
    "a short name": (
        {"b": "t(3, 0, 1)"},
        "priors.weak.b: got 't(3, 0, 1)', must be a distribution of Stan; did you mean "
        "student_t(nu, mu, sigma)?",
    ),
    "an improper prior": (
        {"b": "improper"},
        "priors.weak.b: got 'improper', must be a distribution of Stan; did you mean flat?",
    ),
    "nothing near": (
        {"b": "pareto(1, 2)"},
        f"priors.weak.b: got 'pareto(1, 2)', must be one of {ALL}, with Stan's arguments",
    ),
    "brms's function": (
        {"sd": "prior(normal(0, 1), class = b)"},
        "priors.weak.sd: got 'prior(normal(0, 1), class = b)', must be a distribution alone, "
        "as normal(0, 1); bounds follow from the parameter",
    ),
    "a bound": (
        {"sd": "normal(0, 1), lb = 0"},
        "priors.weak.sd: got 'normal(0, 1), lb = 0', must be a distribution alone, as "
        "normal(0, 1); bounds follow from the parameter",
    ),
    "a truncation": (
        {"sd": "normal(0, 1) T[0, ]"},
        "priors.weak.sd: got 'normal(0, 1) T[0, ]', must be a distribution alone, as "
        "normal(0, 1); bounds follow from the parameter",
    ),
    "a statement": (
        {"sd": "~ normal(0, 1);"},
        "priors.weak.sd: got '~ normal(0, 1);', must be a distribution alone, as normal(0, "
        "1); bounds follow from the parameter",
    ),
    "named arguments": (
        {"b": "normal(mu = 0, sigma = 1)"},
        "priors.weak.b: got 'normal(mu = 0, sigma = 1)', must have arguments without names, "
        "as normal(mu, sigma)",
    ),
    "too few arguments": (
        {"b": "student_t(3, 0)"},
        "priors.weak.b: got 'student_t(3, 0)', must be student_t(nu, mu, sigma)",
    ),
    "too many": (
        {"b": "normal(0, 1, 2)"},
        "priors.weak.b: got 'normal(0, 1, 2)', must be normal(mu, sigma)",
    ),
    "brackets of flat": (
        {"b": "flat()"},
        "priors.weak.b: got 'flat()', must be flat",
    ),
    "a negative rate": (
        {"sd": "exponential(-1)"},
        "priors.weak.sd: got 'exponential(-1)', its beta must be above 0",
    ),
    "too large a number": (
        {"sd": "lognormal(5000, 1)"},
        "priors.weak.sd: got 'lognormal(5000, 1)', its mu must be at most 1000",
    ),
    "too small a number": (
        {"sd": "exponential(1e-60)"},
        "priors.weak.sd: got 'exponential(1e-60)', its beta must be at least 1e-50",
    ),
    "no number": (
        {"b": "normal(0, sd)"},
        "priors.weak.b: got 'normal(0, sd)', its sigma must be a number, such as 0.5",
    ),
    "a function": (
        {"b": "normal(0, sqrt(2))"},
        "priors.weak.b: got 'normal(0, sqrt(2))', its sigma must be a number, such as 0.5",
    ),
    "a fraction": (
        {"b": "normal(0, 1/2)"},
        "priors.weak.b: got 'normal(0, 1/2)', its sigma must be a number, such as 0.5",
    ),
    "a percentage": (
        {"b": "normal(0, 10%)"},
        "priors.weak.b: got 'normal(0, 10%)', its sigma must be a number, such as 0.5",
    ),
    "bounds the wrong way round": (
        {"b": "uniform(1, -1)"},
        "priors.weak.b: got 'uniform(1, -1)', its first argument, the lower bound, must be "
        "below its second",
    ),
    "a coefficient that the formula lacks": (
        {"b_y": "normal(0, 1)"},
        "priors.weak.b_y: unknown key, must not be there; did you mean 'b_x'?",
    ),
    "a grouping factor that it lacks": (
        {"sd_participants": "exponential(1)"},
        "priors.weak.sd_participants: unknown key, must not be there; did you mean "
        "'sd_participant'?",
    ),
    "lkj for a coefficient": (
        {"b": "lkj(2)"},
        f"priors.weak.b: got 'lkj(2)', must be one of {ALL}, with Stan's arguments; lkj is "
        "for correlations (`cor`)",
    ),
    "another for correlations": (
        {"cor": "half_normal(0, 1)"},
        "priors.weak.cor: got 'half_normal(0, 1)', must be lkj(eta) here",
    ),
    "nothing above the bound": (
        {"sd": "uniform(-3, -1)"},
        "priors.weak.sd: got 'uniform(-3, -1)', must have some of its probability above 0, "
        "where sd_participant__Intercept is",
    ),
    "a constant that cannot be": (
        {"sigma": "constant(0)"},
        "priors.weak.sigma: got 'constant(0)', must be above 0, where sigma is",
    ),
    "no prior": (
        {"sigma": DROP},
        "priors.weak: must have a prior for sigma",
    ),
    "no prior of a class": (
        {"b": DROP},
        "priors.weak: must have a prior for b (for b_x)",
    ),
    "no bracket": (
        {"b": "normal(0"},
        "priors.weak.b: got 'normal(0', must have a closing bracket; between braces and "
        "brackets YAML splits at commas: write each prior on its own line, or in quotes, as "
        '"normal(0, 1)"',
    ),
    "no text": (
        {"b": 1},
        "priors.weak.b: got 1, must be text such as normal(0, 1)",
    ),
}


def refusal(*changes) -> str:
    with pytest.raises(StudyError) as error:
        make_study(*changes)
    return str(error.value)


@pytest.mark.parametrize("case", FAULTS)
def test_a_wrong_prior_is_refused(case):
    keys, message = FAULTS[case]
    given = [(*WEAK, key, value) for key, value in keys.items()]
    assert refusal(*given) == f"study.yaml: {message}"


def test_correlations_without_any_have_no_prior():
    formula = ("formula", "y ~ x + (1 | participant)")
    assert "priors.weak.cor: unknown key" in refusal(formula)


def test_braces_split_at_commas():
    split = {"b": "normal(0", "1)": None}
    message = refusal(*[(*WEAK, key, value) for key, value in split.items()])
    assert "between braces and brackets YAML splits at commas" in message


@pytest.mark.parametrize(
    ("priors", "got"),
    [
        ({}, "{}"),
        ({"b": "normal(0, 1)", "sigma": "exponential(1)"}, "a distribution for 'b'"),
        ({"Intercept": "normal(0, 1)"}, "a distribution for 'Intercept'"),
    ],
)
def test_priors_have_names(priors, got):
    assert refusal(("priors", priors)) == (
        f"study.yaml: priors: got {got}, must have a name of each prior first, and its "
        'distributions below it, as in {weak: {b: "normal(0, 1)", sigma: exponential(1)}}'
    )


@pytest.mark.parametrize("text", ["uniform(-1, 1)", "exponential(1)", "constant(0)"])
def test_thresholds_have_distributions_of_all_numbers(text):
    ordinal = [
        ("family", "multilevel_ordinal"),
        (*WEAK, "sigma", DROP),
        ("truths", {"drawn": {"prior": "weak"}}),
        (*WEAK, "Intercept", text),
    ]
    message = refusal(*ordinal)
    assert message.startswith(f"study.yaml: priors.weak.Intercept: got '{text}', must be one of ")
    assert "student_t" in message


def test_a_flat_prior_gives_no_truths():
    drawn = ("truths", "drawn", {"prior": "weak"})
    assert refusal(drawn, (*WEAK, "b", "flat")) == (
        "study.yaml: truths.drawn.prior: must be a prior to draw truths from, but 'b_x' has a "
        "flat one there; give it a distribution such as normal(0, 10), or give the truth its values"
    )
    assert "'b_Intercept', 'b_x' have flat ones there; give them a distribution" in refusal(
        drawn, (*WEAK, "b", "flat"), (*WEAK, "Intercept", "flat")
    )
    assert make_study((*WEAK, "b", "flat")).priors["weak"].improper == ["b_x"]


def test_the_narrowest_key_decides():
    study = make_study(
        (*WEAK, "b_x", "cauchy(0, 1)"),
        (*WEAK, "sd_participant", "gamma(2, 3)"),
        (*WEAK, "sd_participant__x", "student_t(3, 0, 1)"),
        (*WEAK, "cor_participant", "lkj(5)"),
    )
    prior = study.priors["weak"]
    found = {name: str(prior.of(name)) for name in prior.KEYS}
    assert found == {
        "b_Intercept": "normal(0, 1)",
        "b_x": "cauchy(0, 1)",
        "sd_participant__Intercept": "gamma(2, 3)",
        "sd_participant__x": "student_t(3, 0, 1)",
        "cor_participant__Intercept__x": "lkj(5)",
        "sigma": "exponential(1)",
    }
