"""Calibration detects wrong programs, and correct programs pass.

Each cell has 500 replicates and is tested at 1 % for all its quantities together.
"""

import numpy as np
import pytest
from conftest import ROOT, STAN
from ranked_fits import PRIOR, failing, judge, ranked

from recovery import families
from recovery.score import measures
from recovery.score.measures.replicates import from_table

family = families.find("multilevel_linear")

pytestmark = pytest.mark.slow
WRONG = ROOT / "tests" / "programs"
SHIPPED = STAN / "multilevel_linear"
LEVELS = {0.89: ("q5_5", "q94_5")}


def joint(name):
    """Simulate from one of the family's joint models."""
    return lambda prior, size, rng: family.simulate_joint(name, prior, {}, *size, rng)


def test_only_the_rank_of_the_log_likelihood_detects_a_missing_likelihood():
    at_zero = ("formula", "y ~ 0 + Intercept + x + (x | participant)")
    shape = {"name": "multilevel_linear", "formula": at_zero[1]}

    def simulate(prior, size, rng):
        return families.find(shape).simulate_joint("multilevel", prior, {}, *size, rng)

    program = WRONG / "no_likelihood.stan"
    prior = {key: text for key, text in PRIOR.items() if key != "Intercept"}
    fits = ranked(simulate, program, "noncentered", (8, 5), at_zero, prior=prior)
    estimates, diagnostics = fits
    result = judge(estimates, diagnostics)
    assert (result["verdict"] == "miscalibrated").all()
    assert failing(result) == {"log likelihood"}
    intercept = from_table(estimates[estimates["parameter"] == "b_Intercept"], LEVELS, prior_sd=1.0)
    contraction = measures.scores(intercept)["contraction", np.nan]
    assert abs(contraction.value) < 0.05


def test_residuals_with_heavy_tails_make_the_coverage_of_sigma_too_low():
    def simulate(prior, size, rng):
        columns, values = family.simulate_joint("pooled", prior, {}, *size, rng)
        noise = rng.standard_t(5, size=columns["y"].size) * np.sqrt(3 / 5)  # their SD is 1
        y = values["b_Intercept"] + values["b_x"] * columns["x"] + values["sigma"] * noise
        return {**columns, "y": y}, values

    estimates, diagnostics = ranked(simulate, SHIPPED / "pooled.stan", "pooled", (4, 5))
    result = judge(estimates, diagnostics)
    assert (result["verdict"] == "miscalibrated").all()
    sigma = from_table(estimates[estimates["parameter"] == "sigma"], LEVELS)
    coverage = measures.scores(sigma)["coverage", 0.89]
    assert coverage.upper < 0.89


def test_a_rate_used_as_a_scale_is_detected():
    prior = PRIOR | {"sigma": "exponential(4)"}
    program = WRONG / "scale_for_rate.stan"
    result = judge(*ranked(joint("pooled"), program, "pooled", (2, 3), prior=prior))
    assert "sigma" in failing(result)
    assert (result["verdict"] == "miscalibrated").all()


def test_ranks_of_sums_and_differences_detect_a_correlation_in_the_prior_of_truths():
    def simulate(prior, size, rng):
        columns, values = family.simulate_joint("pooled", prior, {}, *size, rng)
        intercept, slope = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]])
        sigma = values["sigma"]
        y = intercept + slope * columns["x"] + sigma * rng.normal(size=columns["y"].size)
        values |= {"b_Intercept": intercept, "b_x": slope}
        return {**columns, "y": y}, values

    prior = PRIOR | {"sigma": "exponential(0.1)"}  # large sigma, so data are weak
    result = judge(*ranked(simulate, SHIPPED / "pooled.stan", "pooled", (2, 2), prior=prior))
    assert failing(result) >= {"b_Intercept + b_x", "b_Intercept - b_x"}
    assert not failing(result) & {"b_Intercept", "b_x", "sigma"}


@pytest.mark.parametrize("model", ["pooled", "marginal"])
def test_a_shipped_program_that_is_exact_is_calibrated(model):
    simulate = joint(family.MODELS[model].joint)
    result = judge(*ranked(simulate, SHIPPED / f"{model}.stan", model, (8, 8)))
    assert (result["verdict"] == "calibrated").all(), result


# Designs that are wrong in ways that formulas make possible

WITHIN = {"levels": ["1", "2"], "coding": "difference", "within": "participant"}
ITEMS = {"item": [4]}
AWAY = {
    "Intercept": "normal(0, 1)",
    "b": "normal(0, 1)",
    "sd": "lognormal(0, 0.3)",
    "sigma": "lognormal(-0.7, 0.3)",
}
FEW = ("sampler", {"chains": 4, "warmup": 150, "draws": 150})


def spoiled(monkeypatch, model, spoil, formula, design, sizes) -> set[str]:
    """The quantities that show that a program got other data than the right ones.

    Parameters
    ----------
    spoil : callable
        Changes the data of the program.
    """
    shape = {"formula": formula, "design": design, "sizes": sizes}
    right = families.find({"name": "multilevel_linear", **shape})
    kind, stan_data = type(right), type(right).stan_data
    monkeypatch.setattr(kind, "stan_data", lambda *given: spoil(stan_data(*given)))
    numbers = {name: counts[0] for name, counts in sizes.items()}

    def simulate(prior, size, rng):
        return right.simulate_joint(right.MODELS[model].joint, prior, {}, *size, rng, numbers)

    program = SHIPPED / f"{model}.stan"
    changes = [*shape.items(), FEW]
    fits = ranked(simulate, program, model, (6, 1), *changes, prior=AWAY, replicates=150)
    return failing(judge(*fits))


def test_items_that_are_left_out_are_detected(monkeypatch):
    """Their deviations are then drawn from the prior, and sigma takes their place."""

    def without_items(data):
        data["Z"][:, 1] = 0
        return data

    formula = "y ~ a + (1 | participant) + (1 | item)"
    design = {"a": WITHIN | {"within": ["participant", "item"]}}
    found = spoiled(monkeypatch, "noncentered", without_items, formula, design, ITEMS)
    assert "sigma" in found


def test_an_interaction_that_is_left_out_is_detected(monkeypatch):
    def without_interaction(data):
        data["X"][:, 3] = 0
        return data

    formula, design = "y ~ a * c + (1 | participant)", {"a": WITHIN, "c": WITHIN}
    found = spoiled(monkeypatch, "pooled", without_interaction, formula, design, {})
    assert "log likelihood" in found


def test_a_wrong_coding_is_detected(monkeypatch):
    """Indicators of a level where the truth has differences of means."""

    def of_levels(data):
        data["X"][:, 1] = data["X"][:, 1] + 0.5
        return data

    formula, design = "y ~ a + (1 | participant)", {"a": WITHIN}
    found = spoiled(monkeypatch, "pooled", of_levels, formula, design, {})
    assert "b_Intercept" in found
