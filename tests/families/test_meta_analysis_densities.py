"""Densities of the programs of meta_analysis, with a moderator, against scipy.stats."""

import numpy as np
import pytest
from named_priors_by_scipy import FLAT, log_density, program_density, values
from scipy import stats

from recovery import families

MODERATED = families.find(
    {"name": "meta_analysis", "formula": "effect ~ x", "design": {"x": {"normal": [0, 1]}}}
)
PRIORS = {  # texts in the study -> the same by SciPy
    "cut at 0": (
        {"mu": "student_t(3, 1, 2)", "b": "double_exponential(0, 0.5)", "tau": "normal(0.5, 1)"},
        (stats.t(3, 1, 2), stats.laplace(0, 0.5), stats.truncnorm(-0.5, np.inf, 0.5, 1)),
    ),
    "bounded": (
        {"mu": "logistic(0, 2)", "b": "flat", "b_x": "uniform(-2, 1)", "tau": "uniform(-1, 4)"},
        (stats.logistic(0, 2), stats.uniform(-2, 3), stats.uniform(0, 4)),
    ),
    "positive": (
        {"mu": "gamma(2, 4)", "b": "cauchy(1, 3)", "tau": "inv_gamma(3, 2)"},
        (stats.gamma(2, scale=1 / 4), stats.cauchy(1, 3), stats.invgamma(3, scale=2)),
    ),
    "the first constant": (
        {"mu": "constant(0.4)", "b": "normal(1, 2)", "tau": "lognormal(0, 0.5)"},
        (0.4, stats.norm(1, 2), stats.lognorm(0.5)),
    ),
    "two constants": (
        {"mu": "normal(1, 2)", "b": "constant(-1)", "tau": "constant(0.7)"},
        (stats.norm(1, 2), -1.0, 0.7),
    ),
    "flat": (dict.fromkeys(("mu", "b", "tau"), "flat"), (FLAT, FLAT, FLAT)),
}


def likelihood(model, columns, at, others) -> float:
    """Log density of effects by SciPy, and of studies' effects that the program has."""
    y, se, mean = columns["y"], columns["se"], at["mu"] + at["b_x"] * columns["x"]
    if model == "common_effect":
        return stats.norm.logpdf(y, mean, se).sum()
    if model == "marginal":
        return stats.norm.logpdf(y, mean, np.hypot(at["tau"], se)).sum()
    if model == "centered":
        (theta,) = others.values()
        return (stats.norm.logpdf(y, theta, se) + stats.norm.logpdf(theta, mean, at["tau"])).sum()
    (z,) = others.values()
    theta = mean + at["tau"] * z
    return (stats.norm.logpdf(y, theta, se) + stats.norm.logpdf(z)).sum()


@pytest.mark.parametrize("model", MODERATED.MODELS)
@pytest.mark.parametrize(("texts", "by_scipy"), PRIORS.values(), ids=PRIORS)
def test_a_programs_density_is_that_of_the_formula(model, texts, by_scipy, rng):
    # Up to constants of the likelihood, which Stan leaves out.
    truth = MODERATED.Truth(mu=0.3, tau=0.5, se=(0.2, 0.6), b={"x": 0.4})
    columns, _ = MODERATED.simulate(truth, 6, 1, rng)
    priors = dict(zip(MODERATED.MODELS[model].scored, by_scipy, strict=False))
    density = program_density(MODERATED, model, columns, MODERATED.Prior(**texts), priors)
    extra = {"centered": "theta", "noncentered": "z"}.get(model)
    differences = []
    for _ in range(4):
        at = values(priors, rng)
        others = {extra: rng.normal(size=6)} if extra else {}
        expected = log_density(priors, at, {"tau": 0.0}) + likelihood(model, columns, at, others)
        differences.append(density(at, **others) - expected)
    number = {"centered": 2, "noncentered": 2}.get(model, 1) * 6
    constant = number * np.log(2 * np.pi) / 2 + np.log(columns["se"]).sum() * (model != "marginal")
    np.testing.assert_allclose(differences, constant, rtol=0, atol=1e-9)
