"""Stan programs of other outcomes: against densities of scipy.stats, quadrature, and each other.

Posterior means are compared within 4 combined Monte Carlo errors: type I error 6e-5 each.
"""

import numpy as np
import pytest
from conftest import STAN
from program_densities import OUTCOMES, SHAPES, Regression, program_density
from sampled_programs import means, sample

from recovery.engines.protocol import Settings

SETTINGS = Settings(chains=4, warmup=1000, draws=1000, adapt_delta=0.9, max_treedepth=10)
FEW = Settings(chains=1, warmup=20, draws=5, adapt_delta=0.8, max_treedepth=5)
PROGRAMS = ("pooled", "centered", "noncentered")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("model", PROGRAMS)
@pytest.mark.parametrize("name", OUTCOMES)
def test_the_density_of_a_program_agrees_with_scipy(name, model, shape, rng):
    regression = Regression(name, SHAPES[shape])
    columns, differences = regression.dataset(3, 4), []
    density = program_density(regression, model, columns)
    for _ in range(5):
        at = regression.point(model, columns, rng)
        expected = regression.log_prior(at, columns) + regression.log_likelihood(at, columns)
        differences.append(density(at) - expected)
    np.testing.assert_allclose(differences, differences[0], atol=1e-8, equal_nan=False)


@pytest.mark.parametrize(
    "name", [pytest.param("multilevel_bernoulli", marks=pytest.mark.slow), "multilevel_poisson"]
)
def test_posterior_means_of_the_pooled_model_agree_with_quadrature(name):
    regression = Regression(name, SHAPES["all vary"])
    columns, grid = regression.dataset(6, 5, seed=2), np.linspace(-4, 4, 161)

    def log_density(*b):
        at = {"b": np.array(b)}
        return regression.log_prior(at, columns) + regression.log_likelihood(at, columns)

    density = np.array([[log_density(a, b) for b in grid] for a in grid])
    weight = np.exp(density - density.max())
    assert weight[[0, -1]].max() < 1e-6
    assert weight[:, [0, -1]].max() < 1e-6
    expected = np.array([weight.sum(axis=1) @ grid, weight.sum(axis=0) @ grid]) / weight.sum()
    draws = sample("pooled", columns, regression.prior, SETTINGS, regression.family)
    mean, error = means(draws, ["b_Intercept", "b_x"])
    assert np.all(np.abs(mean - expected) < 4 * error)


@pytest.mark.slow
@pytest.mark.parametrize("name", OUTCOMES)
def test_both_parametrisations_have_the_same_posterior(name):
    regression = Regression(name, SHAPES["all vary"])
    family, prior = regression.family, regression.prior
    b = {"Intercept": 0.2, "x": -0.1}
    own = {"sigma": 1.0, "nu": 5.0, "shape": 3.0, "phi": 5.0}
    own = {each: own[each] for each in OUTCOMES[name]}
    if name == "multilevel_ordinal":
        own, b = {"thresholds": [-0.5, 0.8]}, {"x": -0.1}
    truth = family.Truth(
        b=b, sd={"participant": {"Intercept": 0.8, "x": 0.5}}, cor={"participant": 0.3}, **own
    )
    columns, values = family.simulate(truth, 8, 12, np.random.default_rng(1))
    (one, error), (other, other_error) = (
        means(sample(model, columns, prior, SETTINGS, family), list(values))
        for model in ("centered", "noncentered")
    )
    assert np.all(np.abs(one - other) < 4 * np.hypot(error, other_error))


@pytest.mark.parametrize("model", PROGRAMS)
@pytest.mark.parametrize("name", OUTCOMES)
def test_draws_have_the_names_of_all_parameters_and_deviations(name, model):
    regression = Regression(name, SHAPES["crossed"])
    family, columns = regression.family, regression.dataset(3, 4)
    draws = sample(model, columns, regression.prior, FEW, family)
    assert set(family.MODELS[model].scored) <= set(draws.names)
    expected = {} if model == "pooled" else family.COEFFICIENTS
    assert set(family.group_coefficients(draws.names)) == set(expected)


@pytest.mark.parametrize("name", OUTCOMES)
def test_every_model_has_a_program_and_every_program_has_a_model(name):
    programs = {str(file.relative_to(STAN)) for file in (STAN / name).glob("*.stan")}
    shapes = (Regression(name, SHAPES[each]).family for each in ("all vary", "intercepts vary"))
    assert programs == {model.program for family in shapes for model in family.MODELS.values()}
