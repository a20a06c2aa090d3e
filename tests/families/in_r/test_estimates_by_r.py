"""Estimates by R against our own estimators, against brute force, and against simulated truths."""

import numpy as np
import pytest
from classical_fits import fitted, simulated, unbalanced
from conftest import LINEAR
from installed_r import needs_r
from outcome_families import TRUTHS
from scipy import optimize, stats

from recovery import families

pytestmark = needs_r
SIX_DIGITS, OF_OPTIMISERS = 1e-6, 1e-4
MOST_Z = 4.5  # false alarm rate of one comparison: 7e-6


@pytest.mark.parametrize(("name", "ours"), [("lmer", "reml"), ("glmmTMB", "ml")])
def test_estimates_are_those_of_our_own_estimators(name, ours, rng):
    columns = unbalanced(simulated(), rng)
    (value, error), (expected, its_error) = (fitted(each, columns) for each in (name, ours))
    for b in LINEAR.layout.b:
        assert value[b] == pytest.approx(expected[b], rel=10 * SIX_DIGITS)
        # glmmTMB's errors include the uncertainty of the variances, ours and lme4's do not.
        rel = OF_OPTIMISERS if name == "lmer" else 0.01
        assert error[b] == pytest.approx(its_error[b], rel=rel)
    for other in (*LINEAR.layout.sd, *LINEAR.layout.cor, "sigma"):
        assert value[other] == pytest.approx(expected[other], rel=OF_OPTIMISERS, abs=OF_OPTIMISERS)


def test_uncorrelated_slopes_of_a_factor_are_those_of_the_largest_likelihood(rng):
    """Of the normal density of all outcomes, with the columns of Z written by hand."""
    family = families.find(
        {
            "name": "multilevel_linear",
            "formula": "y ~ c + (c || participant)",
            "design": {"c": {"levels": ["a", "b", "d"], "coding": "difference"}},
        }
    )
    participant, level = np.repeat(np.arange(1, 31), 9), np.tile(np.repeat([1, 2, 3], 3), 30)
    contrasts = np.array([[-2 / 3, -1 / 3], [1 / 3, -1 / 3], [1 / 3, 2 / 3]])
    x = np.column_stack([np.ones(270), contrasts[level - 1]])
    effects = rng.normal(size=(31, 3)) * [1.0, 0.8, 0.5]
    y = x @ [1.0, 0.5, -0.5] + (x * effects[participant]).sum(axis=1) + 0.7 * rng.normal(size=270)
    columns = {"participant": participant, "c": level, "y": y}
    blocks, ys = x.reshape(30, 9, 3)[0], y.reshape(30, 9)

    def deviance(values):
        b, (*sds, sigma) = values[:3], np.exp(values[3:])
        covariance = blocks @ np.diag(np.square(sds)) @ blocks.T + sigma**2 * np.eye(9)
        return -stats.multivariate_normal(blocks @ b, covariance).logpdf(ys).sum()

    best = optimize.minimize(deviance, [1, 0.5, -0.5, 0, 0, 0, 0], options={"gtol": 1e-4})
    value, _ = fitted("glmmTMB", columns, family)
    found = [value[name] for name in (*family.layout.b, *family.layout.sd, "sigma")]
    assert found == pytest.approx([*best.x[:3], *np.exp(best.x[3:])], rel=1e-3)


def of_outcomes():
    for name, (family, given) in TRUTHS.items():
        truth = given.model_copy(update={"phi": 200.0}) if name == "beta" else given  # none rounds
        for estimator in ("lmer", "glmer", "glmmTMB", "clmm"):
            if estimator in family.ESTIMATORS and (name, estimator) != ("gamma", "glmer"):
                yield pytest.param(family, truth, estimator, id=f"{name}, {estimator}")


@pytest.mark.parametrize(("family", "truth", "estimator"), [*of_outcomes()])
def test_parameters_have_the_meaning_that_they_have_in_the_family(family, truth, estimator, rng):
    """With 120 participants of 30 observations, estimates are near the truth."""
    columns, values = family.simulate(truth, 120, 30, rng)
    result = family.ESTIMATORS[estimator].fit(columns)
    compared = 0
    for part in result.parts:
        for name, value, error in zip(part.names, part.value, part.error, strict=True):
            if name in family.PARAMETERS and np.isfinite(error):
                assert abs(value - values[name]) < MOST_Z * error, name
                compared += 1
    own = family.outcome.PARAMETERS if estimator in ("glmmTMB", "clmm") else ()
    assert compared >= len(family.layout.b) + len(own)


@pytest.mark.parametrize(
    ("name", "estimator"),
    [
        ("multilevel_linear", "lmer"),  # glmmTMB itself stops early at 1e7
        ("multilevel_lognormal", "lmer"),
        ("multilevel_lognormal", "glmmTMB"),
    ],
)
def test_outcomes_far_from_0_are_no_exact_fit(name, estimator, rng):
    """Of 1e7 in place of 0, or in other units: sigma is that of the same outcomes nearer to 0."""
    family = families.find(name)
    near = unbalanced(simulated(), rng)
    y = near["y"] - near["y"].mean()
    near, far = (np.exp(y), 1e6 * np.exp(y)) if name == "multilevel_lognormal" else (y, y + 1e7)
    columns = unbalanced(simulated(), np.random.default_rng(1))
    values = [fitted(estimator, columns | {"y": each}, family)[0]["sigma"] for each in (near, far)]
    assert values[1] == pytest.approx(values[0], rel=1e-3)
