"""Programs have the densities of named priors, cut at parameters' bounds and normalised."""

import math

import numpy as np
import pytest
import stanli
from conftest import STAN
from scipy import stats

from recovery import families
from recovery.engines.includes import program_text
from recovery.engines.stan_data import as_json

LINEAR = {"name": "multilevel_linear", "formula": "y ~ x", "design": {"x": {"normal": [2, 1]}}}
PLAIN = {"Intercept": "normal(0, 1)", "b": "normal(0, 1)", "sigma": "exponential(1)"}
UNBOUNDED = {
    "normal(0.3, 2)": stats.norm(0.3, 2),
    "student_t(3, 1, 2.5)": stats.t(3, 1, 2.5),
    "cauchy(1, 2)": stats.cauchy(1, 2),
    "logistic(0.5, 2)": stats.logistic(0.5, 2),
    "double_exponential(-1, 2)": stats.laplace(-1, 2),
}
POSITIVE = {
    "exponential(3)": stats.expon(scale=1 / 3),
    "gamma(2, 0.1)": stats.gamma(2, scale=10),
    "inv_gamma(3, 2)": stats.invgamma(3, scale=2),
    "lognormal(-1, 0.7)": stats.lognorm(0.7, scale=math.exp(-1)),
}
BETWEEN = {"beta(2, 5)": stats.beta(2, 5), "uniform(-1, 4)": stats.uniform(-1, 5)}


@pytest.fixture(scope="module")
def columns():
    family = families.find(LINEAR)
    truth = family.Truth(b={"Intercept": 1.0, "x": 0.5}, sigma=0.8)
    return family.simulate(truth, 4, 5, np.random.default_rng(1))[0]


def log_density(columns, prior, free) -> float:
    """The program's log density at unconstrained values, with that of the transformation."""
    family = families.find(LINEAR)
    data = family.stan_data(columns, family.Prior(**(PLAIN | prior)), "pooled")
    text = program_text(STAN / "multilevel_linear/pooled.stan", STAN)
    model = stanli.Model(stan_code=text, data=as_json(data))
    return model.log_prob_grad(np.array(free, dtype=float))[0]


def log_likelihood(columns, intercept, slope, sigma) -> float:
    """Up to the constant that `y ~ normal(...)` leaves out; the intercept is at the mean of x."""
    x = columns["x"] - columns["x"].mean()
    residuals = columns["y"] - intercept - slope * x
    return -len(x) * math.log(sigma) - 0.5 * float(residuals @ residuals) / sigma**2


def of_plain(intercept, slope, sigma) -> dict[str, float]:
    """Log densities of the plain priors."""
    return {
        "Intercept": stats.norm.logpdf(intercept),
        "b": stats.norm.logpdf(slope),
        "sigma": stats.expon.logpdf(sigma),
    }


@pytest.mark.parametrize("key", ["Intercept", "b"])
@pytest.mark.parametrize("text", UNBOUNDED | POSITIVE | BETWEEN)
def test_the_prior_of_a_coefficient(columns, key, text):
    """Where the distribution has bounds, so has the coefficient."""
    raw, sigma = 0.4, 1.3
    if text in UNBOUNDED:
        value, jacobian = raw, 0.0
    elif text in POSITIVE:
        value, jacobian = math.exp(raw), raw
    else:
        low, width = BETWEEN[text].support()[0], np.ptp(BETWEEN[text].support())
        part = 1 / (1 + math.exp(-raw))
        value, jacobian = low + width * part, math.log(width * part * (1 - part))
    other = -0.6
    values = (value, other, sigma) if key == "Intercept" else (other, value, sigma)
    free = (raw, other) if key == "Intercept" else (other, raw)
    densities = of_plain(*values)
    densities[key] = (UNBOUNDED | POSITIVE | BETWEEN)[text].logpdf(value)
    expected = sum(densities.values()) + log_likelihood(columns, *values)
    found = log_density(columns, {key: text}, (*free, math.log(sigma)))
    assert found == pytest.approx(expected + jacobian + math.log(sigma), abs=1e-8)


@pytest.mark.parametrize("text", UNBOUNDED | POSITIVE | BETWEEN)
def test_the_prior_of_a_positive_parameter_is_cut_at_0_and_normalised(columns, text):
    whole = (UNBOUNDED | POSITIVE | BETWEEN)[text]
    raw, high = -0.4, whole.support()[1]
    if math.isfinite(high):
        part = 1 / (1 + math.exp(-raw))
        sigma, jacobian = high * part, math.log(high * part * (1 - part))
    else:
        sigma, jacobian = math.exp(raw), raw
    values = (0.7, -0.2, sigma)
    densities = of_plain(*values)
    densities["sigma"] = whole.logpdf(sigma) - whole.logsf(0)
    expected = sum(densities.values()) + log_likelihood(columns, *values)
    found = log_density(columns, {"sigma": text}, (0.7, -0.2, raw))
    assert found == pytest.approx(expected + jacobian, abs=1e-8)


def test_a_flat_prior_adds_nothing(columns):
    values = (0.7, -0.2, 1.3)
    densities = of_plain(*values)
    expected = densities["Intercept"] + densities["b"] + log_likelihood(columns, *values)
    found = log_density(columns, {"sigma": "flat"}, (0.7, -0.2, math.log(1.3)))
    assert found == pytest.approx(expected + math.log(1.3), abs=1e-8)
    expected = densities["Intercept"] + densities["sigma"] + log_likelihood(columns, *values)
    found = log_density(columns, {"b": "flat"}, (0.7, -0.2, math.log(1.3)))
    assert found == pytest.approx(expected + math.log(1.3), abs=1e-8)


def test_a_constant_is_no_parameter(columns):
    values = (0.7, 2.5, 1.3)
    densities = of_plain(*values)
    expected = densities["Intercept"] + densities["sigma"] + log_likelihood(columns, *values)
    found = log_density(columns, {"b_x": "constant(2.5)"}, (0.7, math.log(1.3)))
    assert found == pytest.approx(expected + math.log(1.3), abs=1e-8)


def test_all_parameters_may_be_constant(columns):
    prior = {"Intercept": "constant(0.7)", "b": "constant(2.5)", "sigma": "constant(1.3)"}
    expected = log_likelihood(columns, 0.7, 2.5, 1.3)
    assert log_density(columns, prior, ()) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(
    ("formula", "means"),
    [
        ("y ~ x", True),
        ("y ~ 0 + Intercept + x", False),
        ("y ~ 0 + x", False),
        ("y ~ 1", False),
    ],
)
def test_the_prior_of_the_intercept_is_at_the_means_of_predictors(columns, formula, means):
    family = families.find(LINEAR | {"formula": formula})
    expected = [
        columns["x"].mean() if name == "x" and means else 0 for name in family.layout.coefficients
    ]
    np.testing.assert_allclose(family.layout.column_means(columns), expected)
