"""Leave-one-out predictive accuracy of a fit, against closed forms and exact refits."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import LINEAR, STAN, make_design
from fitted_rows import rows
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm
from simulated_datasets import drawn_from_prior

from recovery import engines, families
from recovery.engines.protocol import Draws, Program, Settings
from recovery.fit import batches, datasets, loo, posterior
from recovery.fit.sampler import SamplerFitter
from recovery.plan.batch_size import Batch

BASE = ("sampler", {"chains": 2, "warmup": 200, "draws": 500})
BOTH = ("selection", {"leave_out": ["observation", "participant"]})
SETTINGS = Settings(chains=4, warmup=500, draws=1000, adapt_delta=0.8, max_treedepth=10)


def log_density_of_a_mean(y, rng, prior_sd=10.0, n_draws=4000):
    """Log densities of observations at exact draws of the mean of normals with SD 1."""
    variance = 1 / (y.size + prior_sd**-2)
    draws = rng.normal(variance * y.sum(), np.sqrt(variance), n_draws)
    return norm.logpdf(y[:, None], draws)


def exact_loo_of_a_mean(y, prior_sd=10.0):
    """Log predictive density of each observation given the others, in closed form."""
    variance = 1 / (y.size - 1 + prior_sd**-2)
    return norm.logpdf(y, variance * (y.sum() - y), np.sqrt(1 + variance))


def test_elpd_of_a_normal_mean_agrees_with_its_closed_form(rng):
    y = rng.normal(size=30)
    elpd, p_loo, k = posterior.leave_one_out(log_density_of_a_mean(y, rng), 1.0)
    exact = exact_loo_of_a_mean(y)
    np.testing.assert_allclose(elpd, exact, atol=0.02)  # seeded: some 5 of its Monte Carlo errors
    assert elpd.sum() == pytest.approx(exact.sum(), abs=0.1)
    variance = 1 / (30 + 10.0**-2)
    whole = norm.logpdf(y, variance * y.sum(), np.sqrt(1 + variance))
    np.testing.assert_allclose(p_loo, whole - exact, atol=0.02)
    assert (k < posterior.largest_reliable_k(4000)).all()


def sample(columns, prior, seed):
    engine = engines.find("stanli")
    loaded = engine.load(Program(str(STAN / "multilevel_linear/pooled.stan"), str(STAN)))
    draws = engine.sample(loaded, LINEAR.stan_data(columns, prior, "pooled"), seed, SETTINGS)
    return replace(draws, names=LINEAR.parameter_names(draws.names, columns))


def test_elpd_agrees_with_exact_refits(truth, prior, rng):
    columns, _ = LINEAR.simulate(truth, 2, 6, rng)
    result = loo.row_of_fit(
        LINEAR, "pooled", prior, sample(columns, prior, 1), columns, "observation"
    )
    exact = []
    for place in range(12):
        others = np.arange(12) != place
        refit = sample({name: values[others] for name, values in columns.items()}, prior, 2)
        flat = dict(zip(refit.names, refit.values.reshape(4000, -1).T, strict=True))
        own = {name: values[~others] for name, values in columns.items()}
        exact.append(logsumexp(LINEAR.log_likelihood(flat, own)) - np.log(4000))
    np.testing.assert_allclose(result["pointwise"], exact, atol=0.1)  # seeded
    assert result["elpd_loo"] == pytest.approx(sum(exact), abs=0.25)
    assert result["n_high_k"] == 0


def test_an_outlier_among_few_observations_has_a_high_pareto_k(truth, prior, rng):
    columns, _ = LINEAR.simulate(truth, 2, 4, rng)
    columns["y"][3] += 40
    result = loo.row_of_fit(
        LINEAR, "pooled", prior, sample(columns, prior, 1), columns, "observation"
    )
    assert result["n_high_k"] == 1
    assert result["max_k"] > posterior.largest_reliable_k(4000)
    assert np.argmin(result["pointwise"]) == 3


def test_draws_that_do_not_vary_have_no_reliable_estimate():
    elpd, p_loo, k = posterior.leave_one_out(np.full((1, 100), -1.5), 1.0)
    assert (elpd[0], p_loo[0], k[0]) == (pytest.approx(-1.5), pytest.approx(0), np.inf)


def test_a_log_likelihood_that_is_not_finite_gives_no_elpd():
    values = np.linspace(-2, -1, 100)[None].copy()
    values[0, 7] = -np.inf
    elpd, _, k = posterior.leave_one_out(values, 1.0)
    assert np.isnan(elpd[0])
    assert k[0] == np.inf


@pytest.mark.parametrize(("n_draws", "expected"), [(100, 0.5), (1000, 2 / 3), (4000, 0.7)])
def test_the_threshold_of_k_depends_on_the_number_of_draws(n_draws, expected):
    assert posterior.largest_reliable_k(n_draws) == pytest.approx(expected)


# Whole participants


def some_draws(family, rng, number=5):
    prior = family.Prior(
        Intercept="normal(0.3, 0.8)",
        b="normal(0.3, 0.8)",
        sd="exponential(1)",
        cor="lkj(2)",
        sigma="exponential(1)",
    )
    drawn = [values for _, values in drawn_from_prior(family, prior, rng, number)]
    return prior, {name: np.array([each[name] for each in drawn]) for name in drawn[0]}


def covariance(joint, values, z, draw, names, to_zero):
    """Covariance of the observations of one participant, element by element.

    `to_zero` takes coefficients with the intercept at the means of predictors to those at zero.
    """
    q = z.shape[1]
    if joint == "pooled":
        of_coefficients = np.zeros((q, q))
    elif joint == "unpooled":
        of_coefficients = 0.8**2 * to_zero @ to_zero.T
    else:
        sd = np.array([values[f"sd_participant__{name}"][draw] for name in names])
        omega, cor = np.eye(q), "cor_participant__{}__{}"
        for a in range(q):
            for b in range(a + 1, q):
                omega[a, b] = omega[b, a] = values[cor.format(names[a], names[b])][draw]
        of_coefficients = np.diag(sd) @ omega @ np.diag(sd)
    return values["sigma"][draw] ** 2 * np.eye(len(z)) + z @ of_coefficients @ z.T


@pytest.mark.parametrize(
    ("choice", "models", "varying"),
    [
        (
            "multilevel_linear",
            ["pooled", "unpooled", "centered", "noncentered", "marginal"],
            [0, 1],
        ),
        (
            {
                "name": "multilevel_linear",
                "formula": "y ~ x1 + x2 + x3 + (x1 + x3 | participant)",
                "design": {name: {"normal": [0, 1]} for name in ("x1", "x2", "x3")},
            },
            ["pooled", "centered", "noncentered"],
            [0, 1, 3],
        ),
    ],
)
def test_the_likelihood_of_a_participant_is_multivariate_normal(choice, models, varying, rng):
    family = families.find(choice)
    prior, values = some_draws(family, rng)
    columns, _ = family.simulate_joint(family.JOINT, prior, {}, 3, 6, rng)
    kept = np.array([0, 1, 2, 3, 4, 5, 6, 12, 13])  # six observations, one and two
    columns = {name: column[kept] for name, column in columns.items()}
    x = np.column_stack([np.ones(9), *(columns[name] for name in family.layout.coefficients[1:])])
    names = [family.layout.coefficients[k] for k in varying]
    to_zero = np.eye(x.shape[1])
    to_zero[0, 1:] = -x[:, 1:].mean(axis=0)
    of_prior = to_zero @ np.full(x.shape[1], 0.3)
    for model in models:
        joint = family.MODELS[model].joint
        result = family.marginal_log_likelihood(model, prior, values, columns)
        assert result.shape == (3, 5)
        for j, draw in np.ndindex(3, 5):
            rows_of = columns["participant"] == j + 1
            b = [values[name][draw] for name in family.layout.b]
            mean = x[rows_of] @ (of_prior if joint == "unpooled" else b)
            whole = covariance(joint, values, x[rows_of][:, varying], draw, names, to_zero)
            expected = multivariate_normal(mean, whole).logpdf(columns["y"][rows_of])
            assert result[j, draw] == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_a_pooled_participant_is_the_product_of_its_observations(truth, prior, rng):
    columns, _ = LINEAR.simulate(truth, 3, 4, rng)
    _, values = some_draws(LINEAR, rng)
    pooled = {name: column for name, column in values.items() if not name.startswith("r_")}
    each = LINEAR.log_likelihood(pooled, columns)
    whole = LINEAR.marginal_log_likelihood("pooled", prior, pooled, columns)
    np.testing.assert_allclose(whole, each.reshape(3, 4, -1).sum(axis=1))


# In a fit


def a_batch(*places, end=2, model="marginal"):
    design = make_design(BASE, ("models", ["pooled", "unpooled", model]), *places)
    batch = Batch(1, end, end)
    data, truth = datasets.simulate_batch(design.simulation("moderate-4x3", batch))
    specification = design.fit("moderate-4x3", model, "weak", batch)
    program = Program(str(STAN / f"multilevel_linear/{model}.stan"), str(STAN))
    return data, truth, SamplerFitter(specification, program)


@pytest.fixture(scope="module")
def fitted():
    return batches.fit_batch(*a_batch(BOTH))


def test_a_fit_has_a_row_for_every_requested_unit(fitted):
    result = rows(fitted["loo"])
    assert [(row["replicate"], row["left_out"], row["n_units"]) for row in result] == [
        (1, "observation", 12),
        (1, "participant", 4),
        (2, "observation", 12),
        (2, "participant", 4),
    ]
    for row in result:
        assert row["elpd_loo"] == pytest.approx(row["pointwise"].sum())
        assert row["se"] == pytest.approx(np.sqrt(row["n_units"] * row["pointwise"].var(ddof=1)))


def test_chunks_do_not_change_elpd(fitted, monkeypatch):
    monkeypatch.setattr(loo, "MOST_VALUES", 5000)  # five units of 1000 draws at a time
    again = rows(batches.fit_batch(*a_batch(BOTH))["loo"])
    monkeypatch.setattr(loo, "MOST_VALUES", 1)
    one_by_one = rows(batches.fit_batch(*a_batch(BOTH))["loo"])
    for row, *others in zip(rows(fitted["loo"]), again, one_by_one, strict=True):
        for other in others:
            np.testing.assert_allclose(row["pointwise"], other["pointwise"], rtol=1e-12)
            assert row["n_high_k"] == other["n_high_k"]


def test_leave_one_out_does_not_change_estimates(fitted):
    plain = batches.fit_batch(*a_batch())
    assert "loo" not in plain
    assert plain["estimates"] == fitted["estimates"]


def test_a_failed_fit_has_no_row():
    data, truth, fitter = a_batch(BOTH)
    data["y"][np.argmax(data["replicate"] == 1)] = np.inf
    result = batches.fit_batch(data, truth, fitter)
    assert result["diagnostics"]["status"] == ["failed", "ok"]
    assert set(result["loo"]["replicate"]) == {2}


def test_relative_efficiency_is_that_of_independent_draws(rng):
    sampler = {"lp__": rng.normal(size=(4, 1000))}
    draws = Draws(["a", "b"], rng.normal(size=(4, 1000, 2)), sampler, 0.0, 0.0)
    assert posterior.relative_efficiency(draws, ["a", "b"]) == pytest.approx(1, abs=0.15)
    draws.values[:] = 1.0
    assert posterior.relative_efficiency(draws, ["a", "b"]) == 1.0


def test_rows_in_parts_have_the_polynomials_of_the_whole_dataset(rng, monkeypatch):
    family = families.find(
        {"name": "multilevel_linear", "formula": "y ~ poly(x, 2) + (1 | participant)"}
    )
    truth = family.Truth(
        b={"Intercept": 1, "poly(x, 2)[1]": 2, "poly(x, 2)[2]": -3},
        sd={"participant": {"Intercept": 1}},
        sigma=1,
    )
    columns, values = family.simulate(truth, 6, 5, rng)
    draws = {name: np.array([value]) for name, value in values.items()}
    whole = family.log_likelihood(draws, columns)
    some = np.arange(7, 19)
    prepared = family.for_parts(columns)
    part = {name: column[some] for name, column in prepared.items()}
    assert np.array_equal(family.log_likelihood(draws, part), whole[some])
