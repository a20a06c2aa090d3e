"""Estimators of R against lme4, glmmTMB and ordinal called directly, on real data.

tests/reference/lme4_fits.R made the numbers with formulas written by hand. Numbers depend little on
the version: an optimiser ends where the deviance is within its tolerance of the minimum.
"""

import json
import re

import numpy as np
import pytest
from conftest import ROOT
from installed_r import needs_r
from scipy import stats

from recovery import families
from recovery.fit import estimand_estimates
from recovery.tables import read_csv

pytestmark = needs_r
FOLDER = ROOT / "tests/reference"
REFERENCE = json.loads((FOLDER / "lme4_fits.json").read_text())["fits"]
TOLERANCE = 5e-5  # that of the optimisers
NUMBER = {"normal": [0, 1]}
TEMPERATURES = ["175", "185", "195", "205", "215", "225"]


def numbered(cells):
    """The number of each cell among the sorted ones, from 1."""
    return np.unique(cells, return_inverse=True)[1].reshape(-1) + 1


def sleepstudy(formula):
    table = read_csv(FOLDER / "data/sleepstudy.csv")
    columns = {
        "participant": numbered(table["Subject"]),
        "Days": table["Days"].astype(float),
        "Reaction": table["Reaction"].astype(float),
    }
    return {"formula": formula, "design": {"Days": NUMBER}}, columns


def cake(formula, outcome="angle", scale=1.0):
    table = read_csv(FOLDER / "data/cake.csv")
    recipe, temp = numbered(table["recipe"]), table["temp"].astype(float)
    design = {
        "recipe": {"levels": ["A", "B", "C"], "coding": "sum", "between": "participant"},
        "temperature": {"levels": TEMPERATURES, "coding": "helmert", "within": "participant"},
        "temp": NUMBER,
    }
    columns = {
        "participant": 15 * (recipe - 1) + table["replicate"].astype(int),
        "recipe": recipe,
        "temperature": numbered(temp),
        "temp": temp,
        outcome: table["angle"].astype(float) / scale,
    }
    used = re.findall(r"\w+", formula)
    kept = {name: keys for name, keys in design.items() if name in used}
    return {"formula": formula, "design": kept}, columns


def from_file(name, formula, design, columns, sizes=(), numbers=()):
    """A dataset whose factors' levels sort in the order of the design."""
    table = read_csv(FOLDER / f"data/{name}.csv")
    found = {}
    for ours, theirs in columns.items():
        cells = table[theirs]
        if ours in design and "levels" in design[ours]:
            found[ours] = np.array([design[ours]["levels"].index(cell) + 1 for cell in cells])
        elif ours in design or ours == formula.split()[0]:
            found[ours] = cells.astype(float)
        else:
            found[ours] = numbered(cells.astype(int) if ours in numbers else cells)
    groups = {"sizes": dict.fromkeys(sizes)} if sizes else {}
    return {"formula": formula, "design": design, **groups}, found


def verbagg():
    design = {
        "btype": {"levels": ["curse", "scold", "shout"]},
        "mode": {"levels": ["want", "do"]},
    }
    names = {"participant": "id", "item": "item", "btype": "btype", "mode": "mode", "r2": "r2"}
    formula = "r2 ~ btype + mode + (1 | participant) + (1 | item)"
    return from_file("VerbAgg", formula, design, names, ["item"], ["participant"])


def cbpp():
    design = {"period": {"levels": ["1", "2", "3", "4"]}, "size": NUMBER}
    names = {"participant": "herd", "period": "period", "size": "size", "incidence": "incidence"}
    formula = "incidence | trials(size) ~ period + (1 | participant)"
    return from_file("cbpp", formula, design, names, numbers=["participant"])


def epilepsy():
    design = {"zAge": NUMBER, "zBase": NUMBER, "Trt": {"levels": ["0", "1"]}, "weeks": NUMBER}
    names = {name: name for name in (*design, "count")} | {"participant": "patient"}
    formula = "count ~ zAge + zBase * Trt + offset(log(weeks)) + (1 | participant)"
    return from_file("epilepsy", formula, design, names, numbers=["participant"])


def inhaler():
    design = dict.fromkeys(("period", "carry", "treat"), NUMBER)
    names = {name: name for name in (*design, "rating")} | {"participant": "subject"}
    formula = "rating ~ period + carry + treat + (1 | participant)"
    return from_file("inhaler", formula, design, names, numbers=["participant"])


def penicillin():
    names = {"participant": "plate", "sample": "sample", "diameter": "diameter"}
    formula = "diameter ~ 1 + (1 | participant) + (1 | sample)"
    return from_file("Penicillin", formula, {}, names, ["sample"])


def pastes():
    names = {"participant": "batch", "cask": "cask", "strength": "strength"}
    formula = "strength ~ 1 + (1 | participant/cask)"
    return from_file("Pastes", formula, {}, names, ["cask"])


RANDOM = "Reaction ~ Days + (Days | participant)"
GAMMA = "angle ~ temp + (1 | participant)"
CASES = {
    "sleepstudy, lmer": ("linear", lambda: sleepstudy(RANDOM)),
    "uncorrelated, lmer": ("linear", lambda: sleepstudy(RANDOM.replace("|", "||"))),
    "sleepstudy, glmmTMB": ("linear", lambda: sleepstudy(RANDOM)),
    "penicillin, lmer": ("linear", penicillin),
    "pastes, lmer": ("linear", pastes),
    "cake, lmer": ("linear", lambda: cake("angle ~ recipe * temperature + (1 | participant)")),
    "log cake, lmer": (
        "lognormal",
        lambda: cake("angle ~ poly(temp, 2) + I(temp^3) + (1 | participant)"),
    ),
    "cbpp, glmer": ("binomial", cbpp),
    "cbpp, glmmTMB": ("binomial", cbpp),
    "verbagg, glmer": ("bernoulli", verbagg),
    "epilepsy, glmer": ("poisson", epilepsy),
    "epilepsy, glmmTMB": ("negative_binomial", epilepsy),
    "gamma, glmer": ("gamma", lambda: cake(GAMMA)),
    "gamma, glmmTMB": ("gamma", lambda: cake(GAMMA)),
    "beta, glmmTMB": ("beta", lambda: cake("share ~ temp + (1 | participant)", "share", 100)),
    "inhaler, clmm": ("ordinal", inhaler),
}


def fitted(name):
    """The family of a case, the estimates and errors by parameter, and the parts."""
    kind, make = CASES[name]
    choice, columns = make()
    choice |= {"categories": 4} if kind == "ordinal" else {}
    family = families.find({"name": f"multilevel_{kind}", **choice})
    used = {key: columns[key] for key in family.COLUMNS}
    result = family.ESTIMATORS[name.split(", ")[1]].fit(used)
    return family, result


def by_name(result, of):
    return {
        name: float(each)
        for part in result.parts
        for name, each in zip(part.names, of(part), strict=True)
    }


@pytest.mark.parametrize("name", CASES)
def test_estimates_are_those_of_the_package_called_directly(name):
    family, result = fitted(name)
    expected = {key: np.atleast_1d(value) for key, value in REFERENCE[name].items()}
    layout, own = family.layout, list(family.outcome.PARAMETERS)
    coefficients = [*layout.b, *(own if not layout.intercept else [])]
    value, error = (by_name(result, of) for of in (lambda p: p.value, lambda p: p.error))
    assert not result.not_converged_because

    def same(names, values, numbers):
        found = np.array([values[each] for each in names])
        assert found == pytest.approx(numbers, rel=TOLERANCE, abs=1e-7)

    same(coefficients, value, expected["b"])
    same(coefficients, error, expected["se"])
    same(layout.sd, value, expected["sd"])
    if layout.cor:
        same(layout.cor, value, expected["cor"])
    if layout.intercept and own:
        same(own, value, expected["own"])
    first = [each for each in value if each.startswith("r_participant[")][:3]
    same(first, value, expected["modes"])
    same(first, error, expected["modes_error"])


@pytest.mark.parametrize("name", [name for name in CASES if name.endswith(" lmer")])
def test_degrees_of_freedom_are_those_of_lmertest(name):
    _, result = fitted(name)
    b = result.parts[0]
    df = [b.df(weights) for weights in np.eye(len(b.names))]
    assert df == pytest.approx(np.atleast_1d(REFERENCE[name]["df"]), rel=1e-4)


@pytest.mark.parametrize("name", [name for name in CASES if name.endswith("TMB")])
def test_intervals_of_glmmtmb_are_those_of_its_confint(name):
    family, result = fitted(name)
    low, high = (by_name(result, lambda part, p=p: part.quantile(p)) for p in (0.025, 0.975))
    bounds = np.atleast_2d(REFERENCE[name]["sd_bounds"])
    found = [(low[each], high[each]) for each in family.layout.sd]
    assert np.array(found) == pytest.approx(bounds, rel=TOLERANCE)
    if "own_bounds" in REFERENCE[name]:
        (own,) = family.outcome.PARAMETERS
        assert (low[own], high[own]) == pytest.approx(REFERENCE[name]["own_bounds"], rel=2e-4)


def test_a_combination_of_coefficients_has_the_error_and_degrees_of_freedom_of_lmertest():
    family, result = fitted("sleepstudy, lmer")
    found = families.find(family.CHOICE, {"at_five": "b_Intercept + 5 * b_Days"})
    combination = estimand_estimates.of_parts(found.ESTIMANDS["at_five"], result.parts)
    error, df = REFERENCE["sleepstudy, lmer"]["at_five"]
    assert combination.error == pytest.approx([error], rel=TOLERANCE)
    assert combination.df(np.ones(1)) == pytest.approx(df, rel=1e-4)
    high = combination.value + stats.t.isf(0.025, df) * error
    assert combination.quantile(0.975) == pytest.approx(high, rel=TOLERANCE)
