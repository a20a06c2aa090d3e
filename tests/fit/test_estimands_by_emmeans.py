"""Estimands of estimators, against emmeans of the same fits by lme4 and glm in R.

tests/reference/emmeans.R made the numbers.
"""

import json

import numpy as np
import pytest
from conftest import ROOT

from recovery import families
from recovery.fit import estimand_estimates
from recovery.tables import read_csv

FOLDER = ROOT / "tests/reference"
REFERENCE = json.loads((FOLDER / "emmeans.json").read_text())
ESTIMANDS = REFERENCE["estimands"]
FOUR_DIGITS = 5e-5


def numbered(cells, levels=None):
    """The number of each cell's level, from 1; sorted levels by default."""
    levels = sorted(set(cells)) if levels is None else levels
    return np.array([levels.index(cell) + 1 for cell in cells])


def cake():
    table = read_csv(FOLDER / "data/cake.csv")
    temperature = table["temp"].astype(float)
    return (
        "multilevel_linear",
        "reml",
        "angle ~ recipe * temperature + (1 | participant)",
        {
            "recipe": {"levels": ["A", "B", "C"], "coding": "sum", "between": "participant"},
            "temperature": {
                "levels": ["175", "185", "195", "205", "215", "225"],
                "coding": "helmert",
                "within": "participant",
            },
        },
        {
            "participant": numbered([*zip(table["replicate"], table["recipe"], strict=True)]),
            "recipe": numbered(table["recipe"]),
            "temperature": (temperature + 3.5).astype(int),
            "angle": table["angle"].astype(float),
        },
    )


def epilepsy():
    table = read_csv(FOLDER / "data/epilepsy.csv")
    base, age = table["zBase"].astype(float) + 1, table["zAge"].astype(float)
    return (
        "multilevel_poisson",
        "glm",
        "count ~ Trt * base + I(zAge^2) + (1 | participant)",
        {
            "Trt": {"levels": ["0", "1"], "between": "participant"},
            "base": {"normal": [base.mean(), 1], "between": "participant"},
            "zAge": {"normal": [age.mean(), 1], "between": "participant"},
        },
        {
            "participant": table["patient"].astype(int),
            "Trt": numbered(table["Trt"]),
            "base": base,
            "zAge": age,
            "count": table["count"].astype(int),
        },
    )


def verbal_aggression():
    table = read_csv(FOLDER / "data/VerbAgg.csv")
    return (
        "multilevel_bernoulli",
        "glm",
        "y ~ btype * mode + (1 | participant)",
        {
            "btype": {
                "levels": ["curse", "scold", "shout"],
                "coding": "sum",
                "within": "participant",
            },
            "mode": {"levels": ["do", "want"], "within": "participant"},
        },
        {
            "participant": numbered(table["id"]),
            "btype": numbered(table["btype"]),
            "mode": numbered(table["mode"]),
            "y": table["r2"].astype(int),
        },
    )


CASES = {"cake": cake, "epilepsy": epilepsy, "VerbAgg": verbal_aggression}


@pytest.mark.parametrize("case", CASES)
def test_estimates_and_standard_errors(case):
    name, estimator, formula, design, columns = CASES[case]()
    known = [each for each in ESTIMANDS if each["case"] == case]
    texts = {f"e{number}": each["text"] for number, each in enumerate(known)}
    family = families.find({"name": name, "formula": formula, "design": design}, texts)
    parts = family.ESTIMATORS[estimator].fit(columns).parts
    for number, each in enumerate(known):
        found = estimand_estimates.of_parts(family.ESTIMANDS[f"e{number}"], parts)
        assert found.value[0] == pytest.approx(each["value"], rel=FOUR_DIGITS)
        assert found.error[0] == pytest.approx(each["se"], rel=FOUR_DIGITS)


def test_groups_at_0():
    """A response with groups' deviations at 0, from the estimates of glmer."""
    name, _, formula, design, _ = epilepsy()
    known = REFERENCE["groups_at_0"]
    choice = {"name": name, "formula": formula, "design": design}
    family = families.find(choice, {"gain": known["text"]})
    in_r = ["(Intercept)", "Trt1", "base", "I(zAge^2)", "Trt1:base"]
    ours = ["b_Intercept", "b_Trt", "b_base", "b_I(zAge^2)", "b_Trt:base"]
    values = {one: known["b"][other] for one, other in zip(ours, in_r, strict=True)}
    assert family.ESTIMANDS["gain"].value(values) == pytest.approx(known["value"], rel=1e-8)
