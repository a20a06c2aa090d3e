"""Multilevel regressions with any number of predictors, varying slopes and missing observations.

ALPHA is the rate at which a test of randomness would fail with a random seed if the code is
correct; posterior means are compared within 4 combined Monte Carlo errors (type I error 6e-5 each).
"""

import numpy as np
import pytest
from conftest import STAN, make_design, make_study
from pydantic import ValidationError
from scipy import stats

from recovery import engines, families
from recovery.engines.protocol import Program, Settings
from recovery.fit import posterior
from recovery.plan.batch_size import Batch

ALPHA = 1e-3
SETTINGS = Settings(chains=4, warmup=600, draws=1500, adapt_delta=0.95, max_treedepth=10)


def linear(**options):
    return families.find({"name": "multilevel_linear", **options})


def prior_of(family, **changes):
    given = {"beta_mean": 0, "beta_sd": 1, "sigma_p_rate": 1, "sigma_rate": 1}
    correlated = {"lkj_eta": 2} if family.layout.pairs else {}
    return family.Prior(**given, **correlated, **changes)


def sample(family, model, columns, prior):
    engine, program = engines.find("stanli"), Program(str(family.program(model, STAN)), str(STAN))
    return engine.sample(engine.load(program), family.stan_data(columns, prior), 1, SETTINGS)


def means(draws, names):
    result = posterior.convergence(draws, names)["mcse_mean"][:-1]
    return posterior.summarise(draws, names, [0.9])["mean"], result


# Names


def test_parameters_follow_from_the_options():
    family = linear(predictors=3, varying=["x3"])
    assert list(family.PARAMETERS) == [
        *(f"beta[{k}]" for k in (1, 2, 3, 4)),
        "sd_participant__Intercept",
        "sd_participant__x",
        "cor_participant__Intercept__x",
        "sigma",
    ]
    assert family.PARAMETERS["beta[3]"] == "Slope of x2, beta[3]"
    assert family.PARAMETERS["sd_participant__x"] == "SD of slopes of x3, sd_participant__x"
    assert family.COEFFICIENTS["r_participant[,x]"] == "Participants' slopes of x3"
    assert family.population_of("r_participant[,x]") == "beta[4]"
    assert list(family.COLUMNS) == ["participant", "x1", "x2", "x3", "y"]


def test_random_intercepts_have_no_correlation():
    family = linear(varying=[])
    assert [name for name in family.PARAMETERS if "Omega" in name] == []
    assert "lkj_eta" not in family.Prior.model_fields
    assert not {"rho", "Omega"} & set(family.Truth.model_fields)


@pytest.mark.parametrize(
    ("options", "models"),
    [
        ({}, {"pooled", "unpooled", "centered", "noncentered", "marginal"}),
        ({"predictors": 2}, {"pooled", "unpooled", "centered", "noncentered"}),
        ({"predictors": 2, "varying": ["x1"]}, {"pooled", "centered", "noncentered"}),
        ({"varying": []}, {"pooled", "centered", "noncentered"}),
    ],
)
def test_each_layout_has_the_programs_that_fit_it(options, models):
    assert set(linear(**options).MODELS) == models


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"predictors": 0}, "greater than or equal to 1"),
        ({"predictors": 2, "varying": ["x"]}, "varying: got 'x', must be one of x1, x2"),
        ({"varying": ["x", "x"]}, "is listed more than once"),
        ({"slopes": 2}, "Extra inputs are not permitted"),
    ],
)
def test_invalid_options_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        linear(**options)


def test_an_option_with_its_default_value_does_not_change_the_study():
    default = {"name": "multilevel_linear", "predictors": 1, "varying": None}
    one, same = make_design(), make_design(("family", default))
    for cell in one.cells:
        assert same.fit(*cell, Batch(1, 25, 25)) == one.fit(*cell, Batch(1, 25, 25))
    other = {"name": "multilevel_linear", "varying": ["x"]}
    assert make_study(("family", other)).family == other


# Truths


def test_a_truth_with_more_coefficients_is_recovered_from_its_values(rng):
    family = linear(predictors=3, varying=["x1", "x3"])
    truth = family.draw_truth(prior_of(family), rng)
    _, values = family.simulate(truth, 3, 2, rng)
    assert family.truth_from_estimates(values).beta == truth.beta
    back = family.truth_from_estimates(values).correlations
    np.testing.assert_allclose(back, truth.correlations, atol=1e-11)


@pytest.mark.parametrize(
    "spec",
    [
        "multilevel_linear",
        {"name": "multilevel_linear", "predictors": 2},
        "multilevel_robust",
        {"name": "multilevel_poisson", "predictors": 2},
        "multilevel_ordinal",
        "meta_analysis",
        "mediation",
    ],
    ids=str,
)
def test_data_are_simulated_from_the_values_of_a_truth_from_estimates(spec, rng):
    """Bit by bit, because summaries compare the truth of fits with that of the observed fit."""
    family = families.find(spec)
    name = spec if isinstance(spec, str) else spec["name"]
    means = dict.fromkeys(family.PARAMETERS, 0.3)
    means["nu"] = 4.0
    means |= {f"c[{k}]": 0.1 * k for k in range(1, 5)}
    truth = family.truth_from_estimates(means)
    observed = {column: np.array([1, 1]) for column in family.COLUMNS}
    _, values = family.simulate(truth, 1, observed, rng)
    expected = family.values_of(truth)
    assert set(expected) == set(family.PARAMETERS), name
    assert {key: values[key] for key in expected} == expected


def test_rho_is_the_correlation_of_every_pair():
    family = linear(predictors=2)
    truth = family.Truth(beta=(0, 0, 0), sigma_p=(1, 1, 1), rho=0.4, sigma=1)
    off = truth.correlations[~np.eye(3, dtype=bool)]
    assert set(off) == {0.4}


def test_a_rho_that_is_impossible_for_three_coefficients_is_refused():
    family = linear(predictors=2)
    with pytest.raises(ValidationError, match=r"rho: got -0\.6, must be positive definite"):
        family.Truth(beta=(0, 0, 0), sigma_p=(1, 1, 1), rho=-0.6, sigma=1)


def test_drawn_correlations_of_three_coefficients_have_beta_marginals(rng):
    family = linear(predictors=2)
    prior = prior_of(family)
    drawn = np.array([family.draw_truth(prior, rng).correlations for _ in range(3000)])
    for a, b in ((0, 1), (0, 2), (1, 2)):
        marginal = stats.beta(prior.lkj_eta + 0.5, prior.lkj_eta + 0.5)
        assert stats.kstest((drawn[:, a, b] + 1) / 2, marginal.cdf).pvalue > ALPHA
    sd = family.prior_sd(prior, "centered")["Omega[1,3]"]
    assert sd == pytest.approx(2 * stats.beta(2.5, 2.5).std())


# Datasets


def test_slopes_that_do_not_vary_are_equal_for_all_participants(rng):
    family = linear(predictors=2, varying=["x2"])
    truth = family.Truth(beta=(1, 2, 3), sigma_p=(1, 1), rho=0, sigma=1e-9)
    columns, values = family.simulate(truth, 5, 4, rng)
    own = np.array([[values[f"beta_p[{j},{q}]"] for q in (1, 2)] for j in columns["participant"]])
    expected = own[:, 0] + 2 * columns["x1"] + own[:, 1] * columns["x2"]
    np.testing.assert_allclose(columns["y"], expected, atol=1e-7)
    np.testing.assert_allclose(family.expected(values, columns), expected)


def test_observations_are_missing_at_the_given_rate_and_every_participant_keeps_some(rng):
    family = linear()
    truth = family.Truth(beta=(0, 0), sigma_p=(1, 1), rho=0, sigma=1, missing=0.8)
    columns, _ = family.simulate(truth, 2000, 10, rng)
    seen = np.bincount(columns["participant"])[1:]
    assert seen.min() == 1
    # If all ten observations would be missing, one is kept.
    expected = 10 * 0.2 + 0.8**10
    assert abs(seen.mean() - expected) < stats.norm.isf(ALPHA / 2) * seen.std() / np.sqrt(2000)


def test_a_missing_rate_of_0_does_not_change_the_simulation(truth):
    family = linear()
    with_none, whole = (
        family.simulate(each, 3, 4, np.random.default_rng(1))[0]
        for each in (truth, truth.model_copy(update={"missing": 1e-12}))
    )
    assert with_none["x"].tolist() == whole["x"].tolist()


def test_observed_predictors_keep_their_order():
    family = linear(predictors=2)
    columns = family.ObservedColumns(outcome="rt", predictors=["day", "dose"], participant="who")
    table = {
        "who": np.array([1, 2]),
        "day": np.array([1, 2]),
        "dose": np.array([5, 6]),
        "rt": np.array([3, 4]),
    }
    result = family.read_observed(table, columns, standardize=False)
    assert (result["x1"].tolist(), result["x2"].tolist()) == ([1, 2], [5, 6])


def test_log_likelihoods_are_the_normal_densities_of_scipy(rng):
    family = linear(predictors=2, varying=["x2"])
    truth = family.draw_truth(prior_of(family), rng)
    columns, values = family.simulate(truth, 4, 3, rng)
    draws = {name: np.array([value, value]) for name, value in values.items()}
    result = family.log_likelihood(draws, columns)
    mean = family.expected(values, columns)
    expected = stats.norm(mean, values["sigma"]).logpdf(columns["y"])
    np.testing.assert_allclose(result, np.column_stack([expected] * 2), rtol=1e-9)


# Programs


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [{"predictors": 2, "varying": ["x1"]}, {"varying": []}], ids=str
)
def test_both_parametrisations_have_the_same_posterior(options, rng):
    family = linear(**options)
    prior, size = prior_of(family), 1 + len(family.layout.predictors)
    q = len(family.layout.varying)
    correlated = {"rho": 0.3} if q > 1 else {}
    truth = family.Truth(beta=(0.5,) * size, sigma_p=(1.0,) * q, sigma=1, missing=0.2, **correlated)
    columns, values = family.simulate(truth, 12, 10, rng)
    names = [*family.PARAMETERS, *(name for name in values if name.startswith("beta_p["))]
    result = [means(sample(family, m, columns, prior), names) for m in ("centered", "noncentered")]
    (one, error), (other, other_error) = result
    assert np.all(np.abs(one - other) < 4 * np.hypot(error, other_error))


def test_with_a_flat_prior_the_pooled_model_is_least_squares(rng):
    family = linear(predictors=3)
    truth = family.Truth(beta=(1, 2, 3, 4), sigma_p=(0, 0, 0, 0), rho=0, sigma=1)
    columns, _ = family.simulate(truth, 5, 10, rng)
    prior = prior_of(family).model_copy(update={"beta_sd": (1e4,) * 4, "sigma_rate": 1e-4})
    mean, error = means(sample(family, "pooled", columns, prior), list(family.layout.beta))
    x = np.column_stack([np.ones(50), *(columns[f"x{k}"] for k in (1, 2, 3))])
    expected = np.linalg.lstsq(x, columns["y"], rcond=None)[0]
    assert np.all(np.abs(mean - expected) < 4 * error)
