"""Hyperparameters of meta-analyses and mediations: refused, with the priors that replace them."""

import pytest
from old_studies import SHIPPED, but, refusal, written

from recovery import families
from recovery.study import old_keys
from recovery.study.parse import parse
from recovery.study.yaml_file import read_yaml

META = {"mu_mean": 0, "mu_sd": 2.5, "tau_df": 1, "tau_scale": 1e-3}
NEW_META = {"mu": "normal(0, 2.5)", "tau": "student_t(1, 0, 0.001)"}
MODERATED = {"formula": "effect ~ north", "design": {"north": {"normal": [0, 1]}}}
PATHS = {"path_mean": 0, "path_sd": 1, "intercept_mean": 2, "intercept_sd": 3}
PATHS |= {"sigma_p_rate": 1, "sigma_rate": 0.5, "lkj_eta": 2}
NEW_PATHS = {"path": "normal(0, 1)", "intercept": "normal(2, 3)", "sd": "exponential(1)"}
NEW_PATHS |= {"sigma": "exponential(0.5)", "cor": "lkj(2)"}
PRIORS = {  # of another family: a study, a prior with old keys, and its new form
    "meta-analysis": ("eight_schools", {}, META, NEW_META),
    "moderators": (
        "eight_schools",
        MODERATED,
        {**META, "b_mean": -1, "b_sd": 2},
        {**NEW_META, "b": "normal(-1, 2)"},
    ),
    "mediation": ("mediation", {}, PATHS, NEW_PATHS),
    "one number in a list": (
        "mediation",
        {},
        {**PATHS, "path_mean": [0, 0, 0], "path_sd": [1, 1, 1]},
        NEW_PATHS,
    ),
    "different numbers": (
        "mediation",
        {},
        {
            **PATHS,
            "path_sd": [1, 2, 3],
            "intercept_mean": [4, 5],
            "sigma_p_rate": [6, 7, 8, 9, 10],
            "sigma_rate": [11, 12],
        },
        {
            **but(NEW_PATHS, "path", "intercept", "sd", "sigma"),
            **{"a": "normal(0, 1)", "b": "normal(0, 2)", "cp": "normal(0, 3)"},
            **{"d_m": "normal(4, 3)", "d_y": "normal(5, 3)"},
            **{"sd_a": "exponential(6)", "sd_b": "exponential(7)", "sd_cp": "exponential(8)"},
            **{"sd_d_m": "exponential(9)", "sd_d_y": "exponential(10)"},
            **{"sigma_m": "exponential(11)", "sigma_y": "exponential(12)"},
        },
    ),
    "old and new keys": (
        "mediation",
        {},
        {**but(PATHS, "sigma_rate"), "sigma": "exponential(0.5)"},
        NEW_PATHS,
    ),
}


def with_prior(file: str, prior: dict, keys: dict) -> dict:
    """A study of the shipped ones, with this prior, keys, and truths drawn from it."""
    raw = read_yaml(SHIPPED / f"{file}.yaml") | keys
    drawn = {"prior": "p", **({"se": [1, 2]} if file == "eight_schools" else {})}
    raw |= {"truths": {"t": drawn}, "priors": {"p": prior}, "observations": [1]}
    return but(raw, "observed")


@pytest.mark.parametrize(("file", "keys", "old", "new"), PRIORS.values(), ids=PRIORS)
def test_hyperparameters_of_other_families_are_named_priors(file, keys, old, new):
    raw = with_prior(file, old, keys)
    lines = written(refusal(raw))
    assert lines == {"priors": {"p": new}}
    assert parse(raw | lines, families.find) == parse(with_prior(file, new, keys), families.find)
    assert old_keys.renewed(raw) == with_prior(file, new, keys)
    assert old_keys.fault(raw | lines) is None


@pytest.mark.parametrize(
    ("file", "prior", "message"),
    [
        ("eight_schools", but(META, "mu_mean"), "priors.p.mu_sd: unknown key"),
        ("eight_schools", {**META, "tau_df": "1"}, "priors.p.tau_df: unknown key"),
        ("eight_schools", {**META, "mu_sd": [1, 2]}, "priors.p.mu_sd: unknown key"),
        ("mediation", {**PATHS, "path_sd": [1, 2]}, "priors.p.path_sd: unknown key"),
        ("mediation", {**PATHS, "sigma_rate": [1, 2, 3]}, "priors.p.sigma_rate: unknown key"),
        ("mediation", {**PATHS, "lkj_eta": None}, "priors.p.lkj_eta: unknown key"),
        ("mediation", 3, "priors.p: got 3, must be a mapping"),
    ],
)
def test_wrong_hyperparameters_of_other_families_are_told_so(file, prior, message):
    assert f"study.yaml: {message}" in refusal(with_prior(file, prior, {}))
