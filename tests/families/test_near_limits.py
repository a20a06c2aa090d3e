"""Distributions that are almost their limit: a normal for Student's t, Poisson's for counts.

Stan's own densities lose their digits there, and a chain that comes there stays.
"""

import numpy as np
import pytest
import stanli
from conftest import STAN
from scipy import stats

from recovery import families

LARGE = (1e5, 9.9e5, 1.1e6, 1e9, 1e14, 1e16, 1e18, 1e100)
DIFFERENCE = 1e-4  # of a limit's log density at 1e5, of 24 rows
ROWS = {"participant": np.repeat([1, 2, 3], 8), "x": np.linspace(-1, 1, 24)}
B = {"b_Intercept": 0.4, "b_x": 0.3}
ETA = B["b_Intercept"] + B["b_x"] * ROWS["x"]
PRIOR = {"Intercept": "normal(0, 1)", "b": "normal(0, 1)", "sd": "exponential(1)"}


def counts():
    y = np.random.default_rng(1).poisson(np.exp(ETA))
    y[0] = 0
    return "multilevel_negative_binomial", y, {}, "shape", stats.poisson(np.exp(ETA)).logpmf(y)


def outcomes():
    y = ETA + np.random.default_rng(1).normal(size=ETA.size)
    return "multilevel_robust", y, {"sigma": 1.5}, "nu", stats.norm(ETA, 1.5).logpdf(y)


@pytest.mark.parametrize("case", [counts, outcomes])
def test_the_log_density_of_a_family(case):
    name, y, own, parameter, limit = case()
    family = families.find({"name": name, "formula": "y ~ x + (1 | participant)"})
    draws = {key: np.full(len(LARGE), value) for key, value in (B | own).items()}
    found = family.log_likelihood(draws | {parameter: np.array(LARGE)}, {**ROWS, "y": y})
    assert found.shape == (24, len(LARGE))
    np.testing.assert_allclose(found, np.repeat(limit[:, None], len(LARGE), axis=1), atol=1e-4)
    np.testing.assert_allclose(found[:, -1], limit, rtol=1e-12)


@pytest.mark.parametrize("case", [counts, outcomes])
def test_the_density_of_a_program(case):
    """With a prior of 1 / x, near enough, whose logarithm is subtracted."""
    name, y, own, parameter, limit = case()
    family = families.find({"name": name, "formula": "y ~ x + (1 | participant)"})
    tail = "student_t(1, 0, 1)"
    prior = family.Prior(**PRIOR, **dict.fromkeys(own, "exponential(1)"), **{parameter: tail})
    columns = {**ROWS, "y": y}
    program = stanli.Model(
        str(family.program("pooled", STAN)),
        family.stan_data(columns, prior, "pooled"),
        include_paths=str(STAN),
    )
    densities = []
    for large in LARGE:
        free = [*B.values(), *own.values(), large]
        free[0] += B["b_x"] * ROWS["x"].mean()
        unconstrained = program.unconstrain({"free": free})
        log_prior = stats.cauchy.logpdf(large) + np.log(large)
        densities.append(program.log_prob_grad(unconstrained)[0] - log_prior)
    differences = np.array(densities) - limit.sum()
    np.testing.assert_allclose(differences, differences[-1], atol=DIFFERENCE)
