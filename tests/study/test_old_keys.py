"""Keys of regressions before formulas: refused with the lines that replace them."""

import time

import pytest
import yaml
from conftest import DROP, SMALL, changed

from recovery import families
from recovery.common.errors import MOST_CHARACTERS, MOST_LINES, StudyError
from recovery.study import old_keys
from recovery.study.parse import parse

TRUTH = {"beta": [0.5, 1.0], "sigma_p": [1.0, 0.5], "rho": 0.3, "sigma": 1.0}
PRIOR = {"beta_mean": 0, "beta_sd": 1, "sigma_p_rate": 1, "sigma_rate": 1, "lkj_eta": 2}
NEW_TRUTH, NEW_PRIOR = SMALL["truths"]["moderate"], SMALL["priors"]["weak"]
THREE = [[1, 0.3, 0.1], [0.3, 1, 0.2], [0.1, 0.2, 1]]
RATES = [1, 2, 3]


def without(mapping: dict, *keys: str) -> dict:
    return {key: value for key, value in mapping.items() if key not in keys}


def study(family: str, truth: dict, prior: dict, **keys) -> dict:
    parts = {"family": family, "truths": {"t": truth}, "priors": {"p": prior}, "models": ["pooled"]}
    return {**SMALL, **parts, **keys}


TWO = {"name": "multilevel_linear", "predictors": 2}
DESIGN_OF_TWO = {"x1": {"normal": [0, 1]}, "x2": {"normal": [0, 1]}}
NEW_OF_TWO = NEW_PRIOR | {"cor": "lkj(2)"}
CASES = {  # what is old in a study, the study, and its new form
    "beta": (
        study("multilevel_linear", {**TRUTH}, NEW_PRIOR),
        study("multilevel_linear", NEW_TRUTH, NEW_PRIOR),
    ),
    "Omega": (
        study("multilevel_linear", {**without(TRUTH, "rho"), "Omega": THREE[:0]}, NEW_PRIOR)
        | {"truths": {"t": {**without(TRUTH, "rho"), "Omega": [[1, 0.3], [0.3, 1]]}}},
        study("multilevel_linear", {**NEW_TRUTH, "cor": {"participant": 0.3}}, NEW_PRIOR)
        | {"truths": {"t": {**NEW_TRUTH, "cor": {"participant": [[1, 0.3], [0.3, 1]]}}}},
    ),
}
