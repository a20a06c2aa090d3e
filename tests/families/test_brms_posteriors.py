"""Posteriors of nine formulas on real data against those of brms, under the same priors.

tests/reference/brms_posteriors.R made the numbers, with the priors of intercepts and thresholds at
zero of predictors: `0 + Intercept` here. Means are compared within 4 combined Monte
Carlo errors: type I error 6e-5 each.
"""

import json

import numpy as np
import pytest
from conftest import ROOT, STAN

from recovery import engines, families
from recovery.engines.protocol import Program, Settings
from recovery.fit import chain_statistics
from recovery.tables import read_csv

FOLDER = ROOT / "tests/reference"
REFERENCE = {
    case["name"]: case
    for case in json.loads((FOLDER / "brms_posteriors.json").read_text())["cases"]
}
SETTINGS = Settings(chains=4, warmup=1000, draws=2000, adapt_delta=0.97, max_treedepth=12)
NUMBER = {"normal": [0, 1]}

# Name of a case -> the family, its formula, other grouping factors, predictors, and columns whose
# name in the file is another.
CASES = {
    "sleepstudy": (
        "multilevel_linear",
        "Reaction ~ 0 + Intercept + Days + (Days | participant)",
        (),
        {"Days": NUMBER},
        {"participant": "Subject"},
    ),
    "penicillin": (
        "multilevel_linear",
        "diameter ~ 1 + (1 | participant) + (1 | sample)",
        ("sample",),
        {},
        {"participant": "plate"},
    ),
    "pastes": (
        "multilevel_linear",
        "strength ~ 1 + (1 | participant/cask)",
        ("cask",),
        {},
        {"participant": "batch"},
    ),
    "cbpp": (
        "multilevel_binomial",
        "incidence | trials(size) ~ 0 + Intercept + period + (1 | participant)",
        (),
        {"period": {"levels": ["1", "2", "3", "4"]}, "size": NUMBER},
        {"participant": "herd"},
    ),
    "epilepsy": (
        "multilevel_poisson",
        "count ~ 0 + Intercept + zAge + zBase * Trt + offset(log(weeks)) + (1 | participant)",
        (),
        {"zAge": NUMBER, "zBase": NUMBER, "Trt": {"levels": ["0", "1"]}, "weeks": NUMBER},
        {"participant": "patient"},
    ),
    "inhaler": (
        "multilevel_ordinal",
        "rating ~ 0 + Intercept + period + carry + treat + (1 | participant)",
        (),
        {"period": NUMBER, "carry": NUMBER, "treat": NUMBER},
        {"participant": "subject"},
    ),
    "verbagg": (
        "multilevel_bernoulli",
        "r2 ~ 0 + Intercept + btype + mode + (1 | participant) + (1 | item)",
        ("item",),
        {"btype": {"levels": ["curse", "scold", "shout"]}, "mode": {"levels": ["want", "do"]}},
        {"participant": "id"},
    ),
    "cake": (
        "multilevel_linear",
        "angle ~ 0 + Intercept + recipe * temp + (temp | participant)",
        (),
        {"recipe": {"levels": ["A", "B", "C"]}, "temp": NUMBER},
        {"participant": "replicate"},
    ),
    "sleepstudy_lognormal": (
        "multilevel_lognormal",
        "Reaction ~ 0 + Intercept + Days + (Days || participant)",
        (),
        {"Days": NUMBER},
        {"participant": "Subject"},
    ),
}
ONE_COLUMN = {"Trt": "Trt1", "mode": "modedo"}  # factors of two levels, as brms names them


def name_of_brms(name: str, group: str) -> str:
    """Return brms's name of a parameter: b_period[2] is b_period2, participants have their own."""
    if name.startswith("b_Intercept"):
        return name
    kind, _, rest = name.partition("_")
    if kind == "b":
        parts = [ONE_COLUMN.get(part, part) for part in rest.split(":")]
        return f"b_{':'.join(parts)}".replace("[", "").replace("]", "")
    return name.replace("participant", group)


def priors_at_zero(family, priors) -> dict[str, str]:
    """Priors with the key of the intercept at zero of predictors, where the formula has it."""
    key = "b_Intercept" if "b_Intercept" in family.Prior.ALLOWED else "Intercept"
    return {key if name == "Intercept" else name: text for name, text in priors.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_means_agree_with_brms(name):
    kind, formula, groups, design, columns = CASES[name]
    case = REFERENCE[name]
    choice = {"name": kind, "formula": formula, "design": design}
    choice |= {"sizes": dict.fromkeys(groups)} if groups else {}
    if kind == "multilevel_ordinal":
        choice["categories"] = 4
    family = families.find(choice)
    prior = family.Prior(**priors_at_zero(family, case["priors"]))
    table = read_csv(FOLDER / case["data"])
    data = family.read_observed(table, family.ObservedColumns(**columns), False)
    engine = engines.find("stanli")
    program = engine.load(Program(str(family.program("noncentered", STAN)), str(STAN)))
    draws = engine.sample(program, family.stan_data(data, prior, "noncentered"), 1, SETTINGS)
    names = family.parameter_names(draws.names, data)
    scored = family.MODELS["noncentered"].scored
    values = np.stack([draws.values[:, :, names.index(each)] for each in scored])
    split = chain_statistics.split_chains(values)
    error = values.std(axis=(1, 2)) / np.sqrt(chain_statistics.ess(split))
    expected = [case["parameters"][name_of_brms(each, columns["participant"])] for each in scored]
    means = np.array([each["mean"] for each in expected])
    allowed = 4 * np.hypot(error, [each["mcse"] for each in expected])
    differs = {
        each: (mean, value)
        for each, mean, value, tolerance in zip(
            scored, values.mean(axis=(1, 2)), means, allowed, strict=True
        )
        if abs(mean - value) > tolerance
    }
    assert not differs
    sds = np.array([each["sd"] for each in expected])
    assert values.std(axis=(1, 2)) == pytest.approx(sds, rel=0.15)
