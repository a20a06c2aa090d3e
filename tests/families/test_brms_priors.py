"""Named priors, drawn from and fitted with, against brms under the same priors.

tests/reference/brms_priors.R made the numbers. Means are compared within 4 combined Monte Carlo
errors, and shares below brms's quantiles within 4 combined standard errors: type I error 6e-5 each.
"""

import json

import numpy as np
import pytest
from conftest import ROOT, STAN

from recovery import engines, families
from recovery.engines.protocol import Program, Settings
from recovery.families.multilevel import parameter_values
from recovery.fit import chain_statistics
from recovery.tables import read_csv

pytestmark = pytest.mark.slow
FOLDER = ROOT / "tests/reference"
REFERENCE = json.loads((FOLDER / "brms_priors.json").read_text())
CASES = {case["name"]: case for case in REFERENCE["cases"]}
SETTINGS = Settings(chains=4, warmup=1000, draws=2000, adapt_delta=0.97, max_treedepth=12)
NUMBER = {"normal": [0, 1]}
OF_DATA = {  # file -> family, model, grouping factor, predictors
    "sleepstudy": ("multilevel_linear", "marginal", "Subject", ("Days",)),
    "epilepsy": ("multilevel_poisson", "noncentered", "patient", ("zAge", "zBase", "weeks")),
    "inhaler": ("multilevel_ordinal", "noncentered", "subject", ("period", "carry", "treat")),
}
DRAWS = 4000


class Case:
    """A case: its family, prior, data, and the names of its parameters in brms."""

    def __init__(self, name):
        self.case = CASES[name]
        family, self.model, self.group, predictors = OF_DATA[self.case["data"]]
        choice = {
            "name": family,
            "formula": self.case["formula"].replace(self.group, "participant"),
            "design": dict.fromkeys(predictors, NUMBER),
        }
        if family == "multilevel_ordinal":
            choice["categories"] = 4
        self.family = families.find(choice)
        self.prior = self.family.Prior(**self.case["priors"])
        columns = self.family.ObservedColumns(participant=self.group)
        table = read_csv(FOLDER / f"data/{self.case['data']}.csv")
        self.columns = self.family.read_observed(table, columns, standardize=False)

    def in_brms(self, parameter) -> str:
        return parameter.replace("participant", self.group)


@pytest.fixture(params=CASES)
def case(request):
    return Case(request.param)


def test_there_are_at_least_six_sets_of_priors():
    assert len(CASES) >= 6


def test_draws_from_the_prior_have_the_quantiles_of_brms(case):
    family, rng = case.family, np.random.default_rng(1)
    given = family.layout, family.outcome, case.prior, case.columns
    truths = (family.Truth(**parameter_values.drawn(*given, rng)) for _ in range(DRAWS))
    drawn = [family.values_of(truth) for truth in truths]
    share = np.array(REFERENCE["probabilities"])
    for name in family.PARAMETERS:
        expected = case.case["prior"][case.in_brms(name)]
        values = np.array([each[name] for each in drawn])
        if np.ptp(values) == 0:
            assert set(expected["quantiles"]) == {values[0]}
            continue
        below = (values[:, None] <= expected["quantiles"]).mean(axis=0)
        error = np.sqrt(share * (1 - share) * (1 / DRAWS + 1 / np.array(expected["ess"])))
        assert np.all(np.abs(below - share) < 4 * error), name


def test_posterior_means_are_those_of_brms(case):
    family, columns = case.family, case.columns
    engine = engines.find("stanli")
    program = Program(str(family.program(case.model, STAN)), str(STAN))
    data = family.stan_data(columns, case.prior, case.model)
    draws = engine.sample(engine.load(program), data, 1, SETTINGS)
    places = [family.parameter_names(draws.names, columns).index(n) for n in family.PARAMETERS]
    values = np.moveaxis(draws.values[..., places], -1, 0)
    ess = chain_statistics.ess(chain_statistics.split_chains(values))
    for name, drawn, size in zip(family.PARAMETERS, values, ess, strict=True):
        expected = case.case["posterior"][case.in_brms(name)]
        if expected["sd"] < 1e-12:
            assert np.all(drawn == expected["mean"])
        else:
            error = np.hypot(drawn.std() / np.sqrt(size), expected["mcse"])
            assert abs(drawn.mean() - expected["mean"]) < 4 * error, name
