"""Bayes factors of fits, against closed forms and quadrature, and their standard errors."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import STAN
from sampled_programs import sample
from scipy import integrate, special, stats

from recovery import engines, families
from recovery.engines.protocol import Program, Settings
from recovery.families.evidence import density_model
from recovery.fit import savage_dickey
from recovery.fit.estimand_draws import with_estimands

DEFAULT = Settings(chains=4, warmup=1000, draws=1000, adapt_delta=0.8, max_treedepth=10)
SHORT = replace(DEFAULT, warmup=500)


def regression(name="multilevel_linear", formula="y ~ x", covariates=("x",), estimands=None):
    design = {each: {"normal": [0, 1]} for each in covariates}
    return families.find({"name": name, "formula": formula, "design": design}, estimands or {})


def rows_of(rng, n, x_sd=1.0, x_mean=0.0):
    return {"participant": np.arange(1, n + 1), "x": x_mean + x_sd * rng.normal(size=n)}


def evidence(family, model, prior, columns, asked, seed=1, settings=SHORT, of_densities=None):
    """Rows of the table `evidence`, of one fit."""
    draws = sample(model, columns, prior, settings, family, seed)
    draws = with_estimands(draws, family.ESTIMANDS, family.ESTIMANDS)
    model = of_densities or density_model(family, model)
    return rows_of_draws(family, model, prior, columns, draws, asked, seed)


def rows_of_draws(family, model, prior, columns, draws, asked=(("b_x", 0.0),), seed=1):
    """Rows of the table `evidence` from draws and the program of a model."""
    engine = engines.find_density_engine()
    loaded = engine.load(Program(str(family.program(model, STAN)), str(STAN)))
    density = engine.log_density(loaded, family.stan_data(columns, prior, model))
    fit = (family, model, prior, draws, columns)
    return savage_dickey.rows_of_fit(*fit, density, asked, np.random.default_rng(seed))


def conjugate(x_at_means, y, prior_sds, weights, mean_of_x, null):
    """Log Bayes factor against w'b = null in a normal regression with sigma 1, in closed form.

    The intercept at the mean of x, and the slope, have normal priors around 0.
    """
    matrix = np.column_stack([np.ones(y.size), x_at_means])
    covariance = np.linalg.inv(np.diag(1 / np.square(prior_sds)) + matrix.T @ matrix)
    mean = covariance @ matrix.T @ y
    a = np.array([weights[0], weights[1] - weights[0] * mean_of_x])
    before = stats.norm.logpdf(null, 0, np.hypot(*(a * prior_sds)))
    return before - stats.norm.logpdf(null, a @ mean, np.sqrt(a @ covariance @ a))


def test_40_bayes_factors_are_within_10_per_cent_of_their_closed_form():
    family = regression()
    prior = family.Prior(Intercept="normal(0, 2)", b="normal(0, 1)", sigma="constant(1)")
    found, exact = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        columns = rows_of(rng, 2000 if seed % 2 else 30)
        slope = (0.0 if seed % 2 else np.linspace(0, 4, 20)[seed // 2]) / np.sqrt(columns["x"].size)
        columns["y"] = 0.3 + slope * columns["x"] + rng.normal(size=columns["x"].size)
        x = columns["x"] - columns["x"].mean()
        exact.append(conjugate(x, columns["y"], [2, 1], [0, 1], columns["x"].mean(), 0.0))
        (row,) = evidence(family, "pooled", prior, columns, [("b_x", 0.0)], seed, DEFAULT)
        assert row["bound"] == "exact"
        found.append(row["log_bf"])
    assert min(exact) < -np.log(30)
    assert max(exact) > np.log(30)
    np.testing.assert_allclose(np.exp(np.subtract(found, exact)), 1, atol=0.1)


@pytest.mark.parametrize(
    ("text", "weights", "null"),
    [
        ("b_Intercept", [1, 0], 0.2),
        ("b_Intercept + 2 * x", [1, 2], -0.4),
        ("mean(x = 3) - 1", [1, 3], 0.5),
    ],
)
def test_an_estimand_with_the_intercept_has_its_prior_at_the_means_of_predictors(
    rng, text, weights, null
):
    family = regression(estimands={"it": text})
    prior = family.Prior(Intercept="normal(0, 2)", b="normal(0, 0.5)", sigma="constant(1)")
    columns = rows_of(rng, 40, x_mean=1.5)
    columns["y"] = 0.1 * columns["x"] + rng.normal(size=40)
    constant = family.ESTIMANDS["it"].constant
    mean = columns["x"].mean()
    exact = conjugate(columns["x"] - mean, columns["y"], [2, 0.5], weights, mean, null - constant)
    (row,) = evidence(family, "pooled", prior, columns, [("it", null)])
    assert row["log_bf"] == pytest.approx(exact, abs=max(4 * row["se"], 1e-3))


def log_integral(log_density, grid):
    """Log of the integral of exp(log_density) over a grid of one dimension."""
    top = log_density.max()
    return top + np.log(integrate.simpson(np.exp(log_density - top), x=grid))


def test_errors_are_right_where_sigma_is_not_known():
    """Against quadrature over sigma; 20 fits of one dataset whose null is 3 SDs away."""
    family = regression()
    prior = family.Prior(Intercept="normal(0, 2)", b="normal(0, 1)", sigma="exponential(1)")
    rng = np.random.default_rng(3)
    columns = rows_of(rng, 20)
    x = columns["x"] - columns["x"].mean()
    noise = rng.normal(size=20)
    columns["y"] = 1.2 * columns["x"] + noise
    sigma = np.exp(np.linspace(-2, 2, 2001))
    matrix = np.column_stack([np.ones(20), x])
    joint, at_null = [], []
    for each in sigma:
        cov = each**2 * np.eye(20) + matrix @ np.diag([4, 1]) @ matrix.T
        null = each**2 * np.eye(20) + 4
        before = stats.expon.logpdf(each) + np.log(each)
        joint.append(before + stats.multivariate_normal.logpdf(columns["y"], cov=cov))
        at_null.append(before + stats.multivariate_normal.logpdf(columns["y"], cov=null))
    grid = np.log(sigma)
    exact = log_integral(np.array(joint), grid) - log_integral(np.array(at_null), grid)
    assert exact > np.log(10)
    rows = [
        evidence(family, "pooled", prior, columns, [("b_x", 0.0)], seed)[0] for seed in range(20)
    ]
    found, se = np.array([(row["log_bf"], row["se"]) for row in rows]).T
    z = (found - exact) / se
    assert np.abs(found - exact).max() < 0.1
    assert stats.chi2.sf(np.square(z).sum(), 20) > 1e-3  # a right se fails once in 1,000 seeds
    assert stats.chi2.cdf(np.square(z).sum(), 20) > 1e-3


@pytest.mark.parametrize("model", ["common_effect", "marginal", "centered", "noncentered"])
def test_a_meta_analysis_agrees_with_quadrature(model):
    """Of two nulls, over mu and tau; a right estimate fails once in 10,000 seeds."""
    family = families.find("meta_analysis")
    prior = family.Prior(mu="student_t(3, 0, 1)", tau="normal(0, 0.5)")
    se = np.array([0.2, 0.3, 0.25, 0.15, 0.4, 0.3, 0.35, 0.2])
    y = 0.35 + se * np.random.default_rng(8).normal(size=8)
    columns = {"participant": np.arange(1, 9), "y": y, "se": se}
    tau = np.linspace(1e-6, 3, 1201) if model != "common_effect" else np.zeros(1)
    mu = np.linspace(-2, 3, 2001)
    variance = np.square(se) + np.square(tau)[:, None]

    def likelihood(m):
        density = stats.norm.logpdf(y, m, np.sqrt(variance)).sum(axis=1)
        weight = density + stats.halfnorm.logpdf(tau, scale=0.5)
        return density[0] if tau.size == 1 else log_integral(weight, tau)

    density = np.array([likelihood(m) for m in mu]) + stats.t.logpdf(mu, 3)
    evidence_of_all = log_integral(density, mu)
    nulls = (0.3, 0.0)
    exact = [evidence_of_all - likelihood(null) for null in nulls]
    rows = evidence(family, model, prior, columns, [("mu", null) for null in nulls])
    for row, value in zip(rows, exact, strict=True):
        assert row["bound"] == "exact"
        assert row["log_bf"] == pytest.approx(value, abs=3.9 * row["se"] + 1e-3)


def test_a_logistic_regression_agrees_with_quadrature(rng):
    """A skewed posterior: few observations, rare events, priors that are not normal."""
    family = regression("multilevel_bernoulli")
    prior = family.Prior(Intercept="student_t(3, 0, 2.5)", b="double_exponential(0, 1)")
    columns = rows_of(rng, 40)
    columns["y"] = (rng.random(40) < special.expit(-1.5 + 1.2 * columns["x"])).astype(int)
    x = columns["x"] - columns["x"].mean()
    intercept, slope = np.linspace(-8, 5, 401), np.linspace(-4, 8, 2401)
    eta = intercept[:, None] + x[:, None, None] * slope
    y = columns["y"][:, None, None]
    joint = (y * eta - np.logaddexp(0, eta)).sum(axis=0)
    joint += stats.t.logpdf(intercept, 3, scale=2.5)[:, None]
    by_slope = np.array([log_integral(column, intercept) for column in joint.T])
    for null in (0.0, 1.0, 2.5):
        place = np.argmin(np.abs(slope - null))
        exact = log_integral(by_slope + stats.laplace.logpdf(slope), slope) - by_slope[place]
        (row,) = evidence(family, "pooled", prior, columns, [("b_x", null)])
        assert row["bound"] == "exact"
        assert row["log_bf"] == pytest.approx(exact, abs=0.05)


def test_a_null_out_of_reach_gives_a_lower_bound():
    family = regression()
    prior = family.Prior(Intercept="normal(0, 2)", b="normal(0, 1)", sigma="constant(1)")
    rng = np.random.default_rng(5)
    columns = rows_of(rng, 200)
    columns["y"] = columns["x"] + rng.normal(size=200)
    x, mean = columns["x"] - columns["x"].mean(), columns["x"].mean()
    exact = conjugate(x, columns["y"], [2, 1], [0, 1], mean, 0.0)
    (row,) = evidence(family, "pooled", prior, columns, [("b_x", 0.0)])
    assert row["bound"] == "at least"
    assert np.log(1000) < row["log_bf"] < exact


def test_the_coefficients_of_unpooled_groups_are_averaged(rng):
    """With sigma known, the coefficients of groups are independent, and so is their mean."""
    design = {"x": {"normal": [0, 1]}}
    formula = {"formula": "y ~ 0 + Intercept + x + (x | participant)", "design": design}
    family = families.find({"name": "multilevel_linear", **formula})
    text = {"b": "normal(0, 1)", "sd": "exponential(1)", "cor": "lkj(2)", "sigma": "constant(1)"}
    prior = family.Prior(**text)
    columns = {"participant": np.repeat(np.arange(1, 6), 8), "x": rng.normal(size=40)}
    columns["y"] = 0.3 * columns["x"] + rng.normal(size=40)
    means, variances = [], []
    for group in range(1, 6):
        own = columns["participant"] == group
        matrix = np.column_stack([np.ones(8), columns["x"][own]])
        covariance = np.linalg.inv(np.eye(2) + matrix.T @ matrix)
        means.append((covariance @ matrix.T @ columns["y"][own])[1])
        variances.append(covariance[1, 1])
    after = stats.norm.logpdf(0, np.mean(means), np.sqrt(sum(variances)) / 5)
    exact = stats.norm.logpdf(0, 0, 1 / np.sqrt(5)) - after
    (row,) = evidence(family, "unpooled", prior, columns, [("b_x", 0.0)])
    assert row["log_bf"] == pytest.approx(exact, abs=max(4 * row["se"], 1e-3))


def test_programs_of_one_joint_model_agree(rng):
    """Their own densities, far out in the tail; fails once in 10,000 seeds.

    Groups' coefficients are integrated out in the marginal program, so that its lines are alike;
    the others need draws given the null.
    """
    family = regression(formula="y ~ x + (x | participant)")
    texts = {"sd": "exponential(2)", "cor": "lkj(2)", "sigma": "exponential(1)"}
    prior = family.Prior(Intercept="normal(0, 1)", b="normal(0, 1)", **texts)
    columns, _ = family.simulate_joint("multilevel", prior, {}, 20, 20, rng)
    draws = sample("marginal", columns, prior, SHORT, family)
    slope = draws.values[:, :, draws.names.index("b_x")]
    null = float(slope.mean() + 3 * slope.std())
    rows = {
        model: evidence(family, model, prior, columns, [("b_x", null)], of_densities=model)[0]
        for model in ("marginal", "centered")
    }
    assert {row["bound"] for row in rows.values()} == {"exact"}
    one, other = rows.values()
    error = np.hypot(one["se"], other["se"])
    assert one["log_bf"] == pytest.approx(other["log_bf"], abs=3.9 * error)


def test_densities_come_from_the_program_with_the_fewest_parameters():
    family = regression(formula="y ~ x + (x | participant)")
    found = {model: density_model(family, model) for model in family.MODELS}
    assert found["centered"] == found["noncentered"] == "marginal"
    assert found["pooled"] == "pooled"
    assert density_model(regression("multilevel_bernoulli"), "pooled") == "pooled"


def posterior_probability_of_null(family, model, prior, null_prior, shape, seed):
    """Draw a dataset from the null or the alternative; return which, and P(null | data)."""
    rng = np.random.default_rng([1, seed])
    is_null = bool(rng.random() < 0.5)
    drawn_from = null_prior if is_null else prior
    columns, _ = family.simulate_joint(family.MODELS[model].joint, drawn_from, {}, *shape, rng)
    (row,) = evidence(family, model, prior, columns, [("b_x", 0.0)], seed)
    return is_null, special.expit(-row["log_bf"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "formula", "model", "shape", "number"),
    [
        ("multilevel_linear", "y ~ x", "pooled", (5, 3), 200),
        ("multilevel_bernoulli", "y ~ x", "pooled", (10, 4), 200),
        ("multilevel_linear", "y ~ x + (x | participant)", "marginal", (8, 6), 100),
        ("multilevel_bernoulli", "y ~ x + (1 | participant)", "noncentered", (10, 6), 100),
    ],
)
def test_the_posterior_probability_of_the_null_is_calibrated(name, formula, model, shape, number):
    """Half of the datasets are from the null, half from the prior; each test fails at 1 in 1,000.

    Schad et al. (2022), doi:10.1037/met0000472.
    """
    family = regression(name, formula)
    texts = {"Intercept": "normal(0, 1)", "b": "normal(0, 1)"}
    texts |= {"sigma": "exponential(1)"} if name == "multilevel_linear" else {}
    texts |= {"sd": "exponential(2)"} if "|" in formula else {}
    texts |= {"cor": "lkj(2)"} if "(x |" in formula else {}
    priors = family.Prior(**texts), family.Prior(**texts, b_x="constant(0)")
    datasets = [
        posterior_probability_of_null(family, model, *priors, shape, seed) for seed in range(number)
    ]
    is_null, probability = np.array(datasets, dtype=float).T
    assert probability.std() > 0.1
    error = probability.std(ddof=1) / np.sqrt(number)
    assert abs(probability.mean() - 0.5) < stats.norm.isf(5e-4) * error
    statistic = 0.0
    for part in np.array_split(np.argsort(probability), 5):
        expected, variance = probability[part].sum(), (probability * (1 - probability))[part].sum()
        statistic += (is_null[part].sum() - expected) ** 2 / variance
    assert stats.chi2.sf(statistic, 5) > 1e-3


@pytest.mark.parametrize("stuck", ["every chain", "two values"])
def test_draws_that_do_not_move_have_no_bayes_factor(rng, stuck):
    """It is unknown, so that the fit keeps its estimates."""
    family = regression()
    prior = family.Prior(Intercept="normal(0, 2)", b="normal(0, 1)", sigma="exponential(1)")
    columns = rows_of(rng, 30) | {"y": rng.normal(size=30)}
    draws = sample("pooled", columns, prior, SHORT, family)
    values = np.repeat(draws.values[:1, :1], 4, axis=0).repeat(1000, axis=1)
    if stuck == "two values":
        values[2:] = draws.values[0, 1]
    (row,) = rows_of_draws(family, "pooled", prior, columns, replace(draws, values=values))
    assert (row["log_bf"], row["se"], row["bound"]) == (None, None, None)
