"""Calibration detects wrong programs, and correct programs pass.

Each cell has 500 replicates and is tested at 1 % for all its quantities together.
"""

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, SMALL, STAN, make_design

from recovery import families
from recovery.engines.protocol import Program
from recovery.fit import batches
from recovery.fit.sampler import SamplerFitter
from recovery.plan.batch_size import Batch
from recovery.plan.seeds import dataset_seed, fit_seed
from recovery.score import calibration, measures
from recovery.score.measures.replicates import from_table

family = families.find("multilevel_linear")

pytestmark = pytest.mark.slow
REPLICATES = 500
WRONG = ROOT / "tests" / "programs"
SHIPPED = STAN / "multilevel_linear"
PRIOR = SMALL["priors"]["weak"]
LEVELS = {0.89: ("q5_5", "q94_5")}


def joint(name):
    """Simulate from one of the family's joint models."""
    return lambda prior, size, rng: family.simulate_joint(name, prior, {}, *size, rng)


def ranked(simulate, program, model, size, prior=PRIOR, seed=1):
    """Fit a program to every replicate; return all estimates and diagnostics."""
    sampler = {"chains": 4, "warmup": 400, "draws": 500}
    design = make_design(
        ("truths", {"drawn": {"prior": "weak"}}),
        ("priors", "weak", prior),
        ("seed", seed),
        ("participants", [size[0]]),
        ("observations", [size[1]]),
        ("models", [model]),
        ("sampler", sampler),
    )
    (scenario,) = design.scenarios
    specification = design.fit(scenario, model, "weak", Batch(1, REPLICATES, REPLICATES))
    fitter = SamplerFitter(specification, Program(str(program), str(STAN)))
    estimates, diagnostics = [], []
    for replicate in range(1, REPLICATES + 1):
        rng = np.random.default_rng(dataset_seed(specification, replicate))
        columns, values = simulate(fitter.prior, size, rng)
        fit = fitter(batches.Task(replicate, columns, values))
        estimates += [row | {"replicate": replicate} for row in fit.estimates]
        seed = fit_seed(specification, replicate)
        key = {"replicate": replicate, "attempt": 1, "seed": seed, "failed_in": None}
        diagnostics.append(fit.diagnostics | key)
    estimates = pd.DataFrame(estimates)
    return estimates[~estimates["parameter"].str.startswith("r_participant[")], pd.DataFrame(
        diagnostics
    )


def judge(estimates, diagnostics) -> pd.DataFrame:
    result = calibration.cell_p_values(estimates, measures.final_attempts(diagnostics), REPLICATES)
    return calibration.with_verdicts(result.assign(cell=1), ["cell"]).set_index("quantity")


def failing(result) -> set[str]:
    return set(result.index[result["p_corrected"] < calibration.FAMILY_WISE])


def test_only_the_rank_of_the_log_likelihood_detects_a_missing_likelihood():
    simulate = joint("multilevel")
    program = WRONG / "no_likelihood.stan"
    estimates, diagnostics = ranked(simulate, program, "noncentered", (8, 5))
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
    result = judge(*ranked(joint("pooled"), program, "pooled", (2, 3), prior))
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
    result = judge(*ranked(simulate, SHIPPED / "pooled.stan", "pooled", (2, 2), prior))
    assert failing(result) >= {"b_Intercept + b_x", "b_Intercept - b_x"}
    assert not failing(result) & {"b_Intercept", "b_x", "sigma"}


@pytest.mark.parametrize("model", ["pooled", "unpooled", "marginal"])
def test_a_shipped_program_that_is_exact_is_calibrated(model):
    simulate = joint(family.MODELS[model].joint)
    result = judge(*ranked(simulate, SHIPPED / f"{model}.stan", model, (8, 8)))
    assert (result["verdict"] == "calibrated").all(), result
