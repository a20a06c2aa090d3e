"""Keys of older versions: refused, with the lines that replace them."""

import copy

import pytest
from conftest import DROP, SMALL, changed
from old_studies import SHIPPED, but, refusal, written

from recovery import families
from recovery.common.errors import MOST_CHARACTERS, MOST_LINES
from recovery.study import old_keys
from recovery.study.parse import parse
from recovery.study.yaml_file import read_yaml

TRUTH = {"beta": [0.5, 1.0], "sigma_p": [1.0, 0.5], "rho": 0.3, "sigma": 1.0}
PRIOR = {"beta_mean": 0, "beta_sd": 1, "sigma_p_rate": 1, "sigma_rate": 1, "lkj_eta": 2}
NEW_TRUTH, NEW_PRIOR = SMALL["truths"]["moderate"], SMALL["priors"]["weak"]
OMEGA = [[1, 0.3, 0.1], [0.3, 1, 0.2], [0.1, 0.2, 1]]
OBSERVED = {"path": "a.csv", "outcome": "rt", "predictor": "days", "participant": "who"}
NEW_OBSERVED = {"path": "a.csv", "columns": {"y": "rt", "x": "days", "participant": "who"}}


def study(truth: dict = NEW_TRUTH, prior: dict = NEW_PRIOR, family="multilevel_linear", **keys):
    """The small study with another truth, prior, family and other keys."""
    parts = {"family": family, "truths": {"t": truth}, "priors": {"p": prior}, "models": ["pooled"]}
    return copy.deepcopy({**SMALL, **parts, **keys})


def of(name: str, **options) -> dict:
    return {"name": name, **options}


STANDARD = {"normal": [0, 1]}
THREE = {"Intercept": 1, "x1": 2, "x2": 3}
WITHOUT_SIGMA = but(NEW_TRUTH, "sigma"), but(NEW_PRIOR, "sigma")
WITHOUT_COR = but(NEW_TRUTH, "cor"), but(NEW_PRIOR, "cor")
OLD_WITHOUT_SIGMA = but(TRUTH, "sigma"), but(PRIOR, "sigma_rate")
COUNTS = of("multilevel_poisson", exposure=True)
EXPOSED = {"formula": "y ~ x + offset(log(exposure)) + (x | participant)"}
CASES = {  # a study with old keys, and its new form
    "vectors of a truth": (study(TRUTH), study()),
    "hyperparameters": (study(prior=PRIOR), study()),
    "a truth and a prior": (study(TRUTH, PRIOR), study()),
    "no family": (but(study(TRUTH, PRIOR), "family"), study()),
    "Omega": (
        study(but(TRUTH, "rho", Omega=[[1, 0.3], [0.3, 1]])),
        study(but(NEW_TRUTH, cor={"participant": [[1, 0.3], [0.3, 1]]})),
    ),
    "days": (study({**TRUTH, "x": "days"}), study(design={"x": {"sequence": [0, 1]}})),
    "a normal predictor": (study({**TRUTH, "x": "standard_normal"}), study()),
    "missing rows": (
        study({**TRUTH, "missing": 0.2}),
        study(design={"x": STANDARD, "missing": 0.2}),
    ),
    "a design drawn from a prior": (
        study({"prior": "p", "x": "days"}, PRIOR),
        study({"prior": "p"}, design={"x": {"sequence": [0, 1]}}),
    ),
    "hyperparameters of every coefficient": (
        study(
            but(TRUTH, "rho", beta=[1, 2, 3], sigma_p=[1, 2, 3], Omega=OMEGA),
            but(PRIOR, beta_mean=[1, 2, 3], beta_sd=[4, 5, 6], sigma_p_rate=[1, 2, 3]),
            of("multilevel_linear", predictors=2),
        ),
        study(
            but(NEW_TRUTH, b=THREE, sd={"participant": THREE}, cor={"participant": OMEGA}),
            but(
                NEW_PRIOR,
                *("b", "sd"),
                Intercept="normal(1, 4)",
                b_x1="normal(2, 5)",
                b_x2="normal(3, 6)",
                sd_participant__Intercept="exponential(1)",
                sd_participant__x1="exponential(2)",
                sd_participant__x2="exponential(3)",
            ),
            formula="y ~ x1 + x2 + (x1 + x2 | participant)",
            design={"x1": STANDARD, "x2": STANDARD},
        ),
    ),
    "some slopes that vary": (
        study(
            but(TRUTH, beta=[1, 2, 3]),
            PRIOR,
            of("multilevel_linear", predictors=2, varying=["x2"]),
        ),
        study(
            but(NEW_TRUTH, b=THREE, sd={"participant": {"Intercept": 1.0, "x2": 0.5}}),
            formula="y ~ x1 + x2 + (x2 | participant)",
            design={"x1": STANDARD, "x2": STANDARD},
        ),
    ),
    "no slope that varies": (
        study(
            but(TRUTH, "rho", sigma_p=[1]),
            but(PRIOR, "lkj_eta"),
            of("multilevel_linear", varying=[]),
        ),
        study(
            but(WITHOUT_COR[0], sd={"participant": {"Intercept": 1}}),
            WITHOUT_COR[1],
            formula="y ~ x + (1 | participant)",
        ),
    ),
    "robust": (
        study({**TRUTH, "nu": 3}, {**PRIOR, "nu_shape": 2, "nu_rate": 0.1}, "multilevel_robust"),
        study({**NEW_TRUTH, "nu": 3}, {**NEW_PRIOR, "nu": "gamma(2, 0.1)"}, "multilevel_robust"),
    ),
    "exposures": (
        study(*OLD_WITHOUT_SIGMA, COUNTS),
        study(
            *WITHOUT_SIGMA,
            "multilevel_poisson",
            **EXPOSED,
            design={"x": STANDARD, "exposure": {"uniform": [0.5, 1.5]}},
        ),
    ),
    "bounds of exposures": (
        study({**OLD_WITHOUT_SIGMA[0], "exposure": [1, 3]}, OLD_WITHOUT_SIGMA[1], COUNTS),
        study(
            *WITHOUT_SIGMA,
            "multilevel_poisson",
            **EXPOSED,
            design={"x": STANDARD, "exposure": {"uniform": [1, 3]}},
        ),
    ),
    "thresholds": (
        study(
            but(OLD_WITHOUT_SIGMA[0], beta=[0.8], c=[-1, 1]),
            but(OLD_WITHOUT_SIGMA[1], c_mean=0, c_sd=2),
            of("multilevel_ordinal", categories=3, predictors=1),
            planning={"c[2]": {"rmse": 1}, "sigma_p[2]": {"rmse": 1}},
            models=["noncentered"],
            participants=[4, 8],
        ),
        study(
            but(WITHOUT_SIGMA[0], b={"x": 0.8}, thresholds=[-1, 1]),
            but(WITHOUT_SIGMA[1], Intercept="normal(0, 2)"),
            of("multilevel_ordinal", categories=3),
            planning={"b_Intercept[2]": {"rmse": 1}, "sd_participant__x": {"rmse": 1}},
            models=["noncentered"],
            participants=[4, 8],
        ),
    ),
    "names of parameters": (
        study(
            models=["centered"],
            participants=[4, 8],
            planning={"beta[1]": {"rmse": 1}, "Omega[1,2]": {"rmse": 1}},
        ),
        study(
            models=["centered"],
            participants=[4, 8],
            planning={
                "b_Intercept": {"rmse": 1},
                "cor_participant__Intercept__x": {"rmse": 1},
            },
        ),
    ),
    "columns": (study(observed={"o": OBSERVED}), study(observed={"o": NEW_OBSERVED})),
    "columns of predictors": (
        study(
            but(TRUTH, "rho", beta=[1, 2, 3], sigma_p=[1, 2, 3], Omega=OMEGA),
            PRIOR,
            of("multilevel_linear", predictors=2),
            observed={"o": but(OBSERVED, "predictor", predictors=["a", "b"], standardize=True)},
        ),
        study(
            but(NEW_TRUTH, b=THREE, sd={"participant": THREE}, cor={"participant": OMEGA}),
            formula="y ~ x1 + x2 + (x1 + x2 | participant)",
            design={"x1": STANDARD, "x2": STANDARD},
            observed={
                "o": {
                    "path": "a.csv",
                    "columns": {"y": "rt", "x1": "a", "x2": "b", "participant": "who"},
                    "standardize": True,
                }
            },
        ),
    ),
    "published values": (
        study(
            observed={
                "o": {**OBSERVED, "published": {"a": {"source": "s", "values": {"beta[2]": 1}}}}
            }
        ),
        study(
            observed={
                "o": {**NEW_OBSERVED, "published": {"a": {"source": "s", "values": {"b_x": 1}}}}
            }
        ),
    ),
    "small numbers": (
        study(but(TRUTH, sigma=1e-5), but(PRIOR, sigma_rate=1e-5)),
        study(but(NEW_TRUTH, sigma=1e-5), but(NEW_PRIOR, sigma="exponential(0.00001)")),
    ),
}


@pytest.mark.parametrize(("old", "new"), CASES.values(), ids=CASES.keys())
def test_the_lines_of_the_message_make_the_study_that_was_meant(old, new):
    assert parse(old | written(refusal(old)), families.find) == parse(new, families.find)


@pytest.mark.parametrize(("old", "new"), CASES.values(), ids=CASES.keys())
def test_a_converted_study_is_its_new_form(old, new):
    converted = old_keys.renewed(old)
    assert parse(converted, families.find) == parse(new, families.find)
    assert old_keys.fault(converted) is None


@pytest.mark.parametrize(
    ("file", "truth", "columns"),
    [
        (
            "eight_schools",
            {"se": [9, 12]},
            {"effect": "y", "standard_error": "se", "study": "school"},
        ),
        (
            "mediation",
            {},
            {"outcome": "rt", "mediator": "m", "predictor": "x", "participant": "who"},
        ),
    ],
)
def test_columns_of_other_families_are_named_under_columns(file, truth, columns):
    raw = read_yaml(SHIPPED / f"{file}.yaml")
    drawn = {"prior": next(iter(raw["priors"])), **truth}
    raw |= {"truths": {"drawn": drawn}, "observed": {"o": {"path": "a.csv", **columns}}}
    raw |= {"observations": [1]}
    lines = written(refusal(raw))
    assert lines == {"observed": {"o": {"path": "a.csv", "columns": columns}}}
    assert parse(raw | lines, families.find).observed["o"].columns.model_dump() == columns


@pytest.mark.parametrize("name", ["multilevel_own.py", "meta_analysis.py", "mediation/own.py"])
def test_keys_of_an_own_family_are_never_old(name):
    raw = study(TRUTH, {**PRIOR, "mu_mean": 0, "path_mean": 0}, name, observed={"o": OBSERVED})
    assert old_keys.fault(raw) is None
    assert old_keys.renewed(raw) == raw


@pytest.mark.parametrize("file", sorted(SHIPPED.rglob("*.yaml")), ids=lambda path: path.stem)
def test_a_study_with_new_keys_stays_as_it_is(file):
    raw = read_yaml(file)
    assert old_keys.fault(raw) is None
    assert old_keys.renewed(raw) == raw


@pytest.mark.parametrize(
    ("places", "message"),
    [
        ([("truths", "t", {**TRUTH, "beta": 1})], "truths.t.beta: unknown key"),
        ([("truths", "t", {**TRUTH, "beta": [1, 2, 3]})], "truths.t.beta: unknown key"),
        ([("truths", "t", 3)], "truths.t: got 3, must be a mapping"),
        ([("truths", DROP)], "truths: missing, must be given"),
        ([("truths", [TRUTH])], "truths: got [{'beta': [0.5, 1.0], "),
        ([("priors", "p", {"beta_sd": 1})], "priors.p.beta_sd: unknown key"),
        ([("priors", "p", {**PRIOR, "beta_sd": ["a", 1]})], "priors.p.beta_sd: unknown key"),
        ([("priors", None)], "priors: got nothing, must be a mapping"),
        ([("observed", {"o": 3})], "observed.o: got 3, must be a mapping"),
        ([("observed", [3])], "observed: got [3], must be a mapping"),
        ([("planning", 3)], "planning: got 3, must be a mapping"),
        ([("family", {"predictors": 2})], "family: got {'predictors': 2}, must be a name, or"),
        ([("family", "multilevel")], "family: got 'multilevel', must be one of"),
        ([("family", {"name": "multilevel_linear", "predictors": "x"})], "family.predictors: unk"),
        ([("sampler", 3)], "sampler: got 3, must be a mapping"),
        ([("seed", "x"), ("name", "A")], "name: got 'A', must be a name of lower-case letters"),
    ],
)
def test_a_study_with_other_faults_is_told_them(places, message):
    assert f"study.yaml: {message}" in refusal(changed(study(), *places))


def test_a_family_as_a_mapping_without_options_is_no_old_key():
    raw = study(family=of("multilevel_linear"))
    assert parse(raw, families.find) == parse(study(), families.find)


@pytest.mark.parametrize("raw", [None, 3, "study", [], [TRUTH], {}, {1: 2}])
def test_what_is_no_study_has_no_old_keys(raw):
    assert old_keys.fault(raw) is None


def test_keys_of_old_and_new_truths_together_are_told_apart():
    old = study(TRUTH)
    old["truths"]["new"] = NEW_TRUTH
    assert list(written(refusal(old))["truths"]) == ["t"]


def test_truths_with_different_designs_are_told_that_a_study_has_one():
    old = study(TRUTH)
    old["truths"]["days"] = {**TRUTH, "x": "days"}
    assert "\n  truths: # they differ in x, missing or exposure: a study has one design\n" in (
        refusal(old)
    )
    assert "they differ" not in refusal(study(TRUTH))


def test_thousands_of_old_truths_and_priors_are_refused_in_few_lines():
    old = study()
    old["truths"] = {f"t{number}": TRUTH for number in range(20_000)}
    old["priors"] = {f"p{number}": PRIOR for number in range(20_000)}
    message = refusal(old)
    lines = message.splitlines()
    assert len(lines) <= MOST_LINES
    assert max(map(len, lines)) < MOST_CHARACTERS
    assert [len(part) for part in written(message).values()] == [2, 2]
    assert "# and 19,998 more in the same way" in message


def test_a_study_with_every_old_key_is_told_all_of_them():
    old, _ = CASES["columns of predictors"]
    old = old | {"planning": {f"beta[{k}]": {"rmse": 1} for k in (1, 2, 3)}}
    old["truths"] = {f"t{number}": old["truths"]["t"] for number in range(5)}
    old["priors"] = {f"p{number}": old["priors"]["p"] for number in range(5)}
    old["observed"] = {f"o{number}": old["observed"]["o"] for number in range(5)}
    assert set(written(refusal(old))) == {
        *("family", "formula", "design", "truths", "priors", "planning", "observed")
    }
