"""Truths drawn from every named distribution have uniform ranks in a small model.

Each set of priors is tested at 1 % for all its quantities together. The mean of x is 2, so the
intercept's prior is far from zero of x.
"""

import pytest
from conftest import STAN
from ranked_fits import judge, ranked

from recovery import families

pytestmark = pytest.mark.slow
DESIGN = {"x": {"normal": [2, 1]}}
POOLED = [
    ("student_t(3, 0, 1)", "cauchy(0, 0.5)", "student_t(4, 0.5, 0.5)"),
    ("logistic(0, 0.5)", "double_exponential(0, 1)", "gamma(2, 2)"),
    ("normal(0, 1)", "uniform(-1, 2)", "inv_gamma(3, 2)"),
    ("lognormal(0, 0.5)", "beta(2, 2)", "lognormal(0, 0.5)"),
    ("constant(1)", "gamma(2, 2)", "uniform(0.5, 2)"),
    ("cauchy(0, 0.5)", "constant(0.5)", "normal(1, 0.5)"),
    ("exponential(1)", "inv_gamma(3, 2)", "logistic(0.5, 0.2)"),
]


def simulate(prior, size, rng):
    family = families.find({"name": "multilevel_linear", "design": DESIGN})
    return family.simulate_joint("pooled", prior, {}, *size, rng)


@pytest.mark.parametrize("distributions", POOLED)
def test_a_model_with_these_priors_is_calibrated(distributions):
    prior = dict(zip(("Intercept", "b", "sigma"), distributions, strict=True))
    prior |= {"sd": "exponential(1)", "cor": "lkj(2)"}
    program = STAN / "multilevel_linear/pooled.stan"
    result = judge(
        *ranked(
            simulate, program, "pooled", (3, 3), ("design", DESIGN), prior=prior, replicates=300
        )
    )
    assert (result["verdict"] == "calibrated").all(), result
