"""Stan programs of other outcomes: against densities of scipy.stats, quadrature, and each other.

Posterior means are compared within 4 combined Monte Carlo errors: type I error 6e-5 each.
"""

import numpy as np
import pytest
import stanli
from conftest import STAN
from scipy import stats

from recovery import engines, families
from recovery.engines.protocol import Program, Settings
from recovery.fit import posterior

SETTINGS = Settings(chains=4, warmup=1000, draws=1000, adapt_delta=0.9, max_treedepth=10)
OWN = {
    "multilevel_robust": {"sigma_rate": 2.0, "nu_shape": 2.0, "nu_rate": 0.1},
    "multilevel_bernoulli": {},
    "multilevel_poisson": {},
    "multilevel_ordinal": {"c_mean": 0.5, "c_sd": 2.0},
}
SHAPES = {  # options -> Q
    "all vary": ({}, 2),
    "one of three varies": ({"predictors": 2, "varying": ["x2"]}, 2),
    "intercepts vary": ({"predictors": 2, "varying": []}, 1),
}
OPTIONS = {"multilevel_poisson": {"exposure": True}, "multilevel_ordinal": {"categories": 3}}
PROGRAMS = [
    (name, model)
    for name in OWN
    for model in ("pooled", "centered", "noncentered")
    if (name, model) != ("multilevel_ordinal", "centered")
]


def find(name, shape="all vary"):
    """The family of a shape and a prior with different values of all hyperparameters."""
    options, q = SHAPES[shape]
    family = families.find({"name": name} | OPTIONS.get(name, {}) | options)
    number = sum(key.startswith("beta") for key in family.PARAMETERS)
    regression = {
        "beta_mean": [0.2, -0.1, 0.3][:number],
        "beta_sd": [1.5, 0.7, 1.1][:number],
        "sigma_p_rate": [1.2, 2.0][:q],
    }
    correlated = {"lkj_eta": 3.0} if q > 1 else {}
    return family, family.Prior(**regression, **correlated, **OWN[name])


def dataset(family, prior, participants, observations, seed=1):
    rng = np.random.default_rng(seed)
    return family.simulate(family.draw_truth(prior, rng), participants, observations, rng)[0]


# Densities


def point(family, model, data, rng) -> dict[str, np.ndarray]:
    """Values of a program's parameters."""
    q, people, ordinal = data["Q"], data["J"], "C" in data
    result = {"slopes" if ordinal else "beta": rng.normal(size=data["K"] - ordinal)}
    if ordinal:
        result["c"] = np.sort(rng.normal(size=data["C"] - 1))
    if "sigma_rate" in family.Prior.model_fields:
        result |= {"sigma": rng.uniform(0.5, 2), "nu": rng.uniform(2, 9)}
    if model != "pooled":
        rho = rng.uniform(-0.8, 0.8)
        factor = np.linalg.cholesky([[1, rho], [rho, 1]]) if q == 2 else np.ones((1, 1))
        result |= {"sigma_p": rng.uniform(0.3, 1, q), "L_p": factor}
        own, shape = ("beta_p", (people, q)) if model == "centered" else ("z_p", (q, people))
        result[own] = rng.normal(size=shape)
    return result


def log_prior(at, prior, varying) -> float:
    """Log density of a program's parameters, with the Jacobians of Stan's transforms."""
    beta = at.get("slopes", at.get("beta"))
    total = stats.norm.logpdf(beta, prior.beta_mean, prior.beta_sd).sum()
    if "c" in at:
        total += stats.norm.logpdf(at["c"], prior.c_mean, prior.c_sd).sum()
        total += np.log(np.diff(at["c"])).sum()
    if "nu" in at:
        total += stats.expon.logpdf(at["sigma"], scale=1 / prior.sigma_rate) + np.log(at["sigma"])
        total += stats.gamma.logpdf(at["nu"], prior.nu_shape, scale=1 / prior.nu_rate)
        total += np.log(at["nu"] - 1)
    if "sigma_p" in at:
        rates = np.array(prior.sigma_p_rate)
        total += (stats.expon.logpdf(at["sigma_p"], scale=1 / rates) + np.log(at["sigma_p"])).sum()
    if "sigma_p" in at and len(rates) == 2:  # tanh of what is sampled is rho, of a beta prior
        rho, shape = at["L_p"][1, 0], prior.lkj_eta
        total += stats.beta.logpdf((rho + 1) / 2, shape, shape) + np.log1p(-(rho**2))
    if "z_p" in at:
        total += stats.norm.logpdf(at["z_p"]).sum()
    if "beta_p" in at:
        factor = at["sigma_p"][:, None] * at["L_p"]
        mean, covariance = whole(at)[varying], factor @ factor.T
        total += stats.multivariate_normal.logpdf(at["beta_p"], mean, covariance).sum()
    return total


def whole(at) -> np.ndarray:
    """All coefficients; the intercept of ordered categories is 0."""
    return at["beta"] if "beta" in at else np.concatenate([[0], at["slopes"]])


def log_likelihood(at, data) -> float:
    """Log density of the observations, given a program's parameters."""
    x, y, person = data["X"], data["y"], np.asarray(data["participant"]) - 1
    beta = np.tile(whole(at), (data["J"], 1))
    varying = np.array(data["varying"]) - 1
    if "beta_p" in at:
        beta[:, varying] = at["beta_p"]
    if "z_p" in at:
        beta[:, varying] += (at["sigma_p"][:, None] * at["L_p"] @ at["z_p"]).T
    eta = (x * beta[person]).sum(axis=1)
    if "nu" in at:
        return stats.t.logpdf(y, at["nu"], eta, at["sigma"]).sum()
    if "c" in at:
        below = stats.logistic.cdf(np.array([-np.inf, *at["c"], np.inf])[:, None] - eta)
        return np.log(np.diff(below, axis=0)[y - 1, np.arange(y.size)]).sum()
    if "exposure" in data:
        return stats.poisson.logpmf(y, data["exposure"] * np.exp(eta)).sum()
    return stats.bernoulli.logpmf(y, stats.logistic.cdf(eta)).sum()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("name", "model"), PROGRAMS)
def test_the_density_of_a_program_agrees_with_scipy(name, model, shape, rng):
    family, prior = find(name, shape)
    data = family.stan_data(dataset(family, prior, 3, 4), prior)
    program = stanli.Model(str(family.program(model, STAN)), data, include_paths=str(STAN))
    varying, differences = np.array(data["varying"]) - 1, []
    for _ in range(5):
        at = point(family, model, data, rng)
        flat = {key: np.ravel(value, order="F").tolist() for key, value in at.items()}
        result, _ = program.log_prob_grad(program.unconstrain(flat))
        differences.append(result - log_prior(at, prior, varying) - log_likelihood(at, data))
    np.testing.assert_allclose(differences, differences[0], atol=1e-8)


# Posteriors


def sample(family, model, columns, prior):
    engine = engines.find("stanli")
    loaded = engine.load(Program(str(family.program(model, STAN)), str(STAN)))
    return engine.sample(loaded, family.stan_data(columns, prior), 20261122, SETTINGS)


def means(draws, names) -> tuple[np.ndarray, np.ndarray]:
    """Posterior means and their Monte Carlo errors."""
    result = posterior.convergence(draws, names)["mcse_mean"][:-1]
    return posterior.summarise(draws, names, [0.9])["mean"], result


@pytest.mark.parametrize(
    "name", [pytest.param("multilevel_bernoulli", marks=pytest.mark.slow), "multilevel_poisson"]
)
def test_posterior_means_of_the_pooled_model_agree_with_quadrature(name):
    family, prior = find(name)
    columns = dataset(family, prior, 6, 5)
    data = family.stan_data(columns, prior)
    grid = np.linspace(-4, 4, 161)
    density = np.array(
        [
            [
                log_prior(at := {"beta": np.array([a, b])}, prior, None) + log_likelihood(at, data)
                for b in grid
            ]
            for a in grid
        ]
    )
    weight = np.exp(density - density.max())
    assert weight[[0, -1]].max() < 1e-6
    assert weight[:, [0, -1]].max() < 1e-6
    expected = np.array([weight.sum(axis=1) @ grid, weight.sum(axis=0) @ grid]) / weight.sum()
    mean, error = means(sample(family, "pooled", columns, prior), ["b_Intercept", "b_x"])
    assert np.all(np.abs(mean - expected) < 4 * error)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in OWN if name != "multilevel_ordinal"])
def test_both_parametrisations_have_the_same_posterior(name):
    family, prior = find(name)
    own = {"sigma": 1.0, "nu": 5.0} if name == "multilevel_robust" else {}
    truth = family.Truth(beta=(0.2, -0.1), sigma_p=(0.8, 0.5), rho=0.3, **own)
    columns, _ = family.simulate(truth, 8, 12, np.random.default_rng(1))
    names = [*family.PARAMETERS, *(f"beta_p[{j},{q}]" for q in (1, 2) for j in range(1, 9))]
    result = [
        means(sample(family, model, columns, prior), names) for model in ("centered", "noncentered")
    ]
    (one, error), (other, other_error) = result
    assert np.all(np.abs(one - other) < 4 * np.hypot(error, other_error))


@pytest.mark.parametrize("name", OWN)
def test_every_model_has_a_program_and_every_program_has_a_model(name):
    programs = {file.stem for file in (STAN / name).glob("*.stan")}
    assert programs == set(find(name)[0].MODELS)
