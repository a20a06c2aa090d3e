"""The family meta_analysis: its generator, and its programs against integrals and references.

Tests of randomness have fixed seeds; ALPHA of helpers/randomness is the rate at which each would
fail with a random seed if the code is correct. Posterior means are compared within 4 combined
Monte Carlo errors: type I error 6e-5 each.
"""

import contextlib
import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import DROP, ROOT, STAN, changed
from randomness import close, follows
from sampled_programs import means
from scipy import integrate, stats

from recovery import engines, families
from recovery.common.errors import StudyError
from recovery.engines.protocol import Program, Settings
from recovery.families.family import SimulationError
from recovery.run import preflight
from recovery.study.parse import parse
from recovery.study.yaml_file import read_yaml
from recovery.tables import read_csv

family = families.find("meta_analysis")

FILE = ROOT / "config/eight_schools.yaml"
REFERENCE = json.loads((ROOT / "tests/reference/expected.json").read_text())["eight_schools"]
COLUMNS = family.ObservedColumns(effect="effect", standard_error="se", study="school")
PRIOR = family.Prior(mu="normal(0, 5)", tau="cauchy(0, 5)")  # of the reference
PARTIAL = ("centered", "noncentered", "marginal")
SETTINGS = Settings(chains=4, warmup=1000, draws=5000, adapt_delta=0.97, max_treedepth=10)
# Effects of schools may be nearly equal: centred chains diverge, and only long ones explore all.
CENTERED = replace(SETTINGS, adapt_delta=0.995)


def sample(model, columns, prior, settings=SETTINGS):
    engine = engines.find("stanli")
    loaded = engine.load(Program(str(family.program(model, STAN)), str(STAN)))
    return engine.sample(loaded, family.stan_data(columns, prior, model), 20261122, settings)


def names_of(columns) -> list[str]:
    return ["mu", "tau", *(f"theta[{j}]" for j in columns["participant"])]


def posterior_means(columns, mu_mean, mu_sd, prior_of_tau) -> np.ndarray:
    """Exact posterior means of mu, tau and theta: mu and theta are normal given tau.

    Gelman et al. (2013), Bayesian Data Analysis, equations 5.20 and 5.21, here with a normal
    prior of mu; only an integral over tau remains.
    """
    y, se = columns["y"], columns["se"]

    def given(tau):
        precision = 1 / (tau**2 + se**2)
        total = mu_sd**-2 + precision.sum()
        mu = (mu_mean / mu_sd**2 + precision @ y) / total
        w = tau**2 * precision
        return total, mu, w * y + (1 - w) * mu

    def log_density(tau):
        total, mu, _ = given(tau)
        squares = ((y - mu) ** 2 / (tau**2 + se**2)).sum()
        squares += ((mu - mu_mean) / mu_sd) ** 2
        return prior_of_tau.logpdf(tau) - 0.5 * (np.log(total * (tau**2 + se**2).prod()) + squares)

    def integrand(tau):
        _, mu, theta = given(tau)
        return np.exp(log_density(tau) - log_density(0.1)) * np.array([1, mu, tau, *theta])

    # The integral from 0 to infinity in two parts, because the tail is long.
    result = sum(integrate.quad_vec(integrand, *part)[0] for part in ((0, 10), (10, np.inf)))
    return result[1:] / result[0]


@pytest.fixture(scope="module")
def schools():
    return family.read_observed(read_csv(ROOT / "config/data/eight_schools.csv"), COLUMNS, False)


# Truths and their simulation


def test_a_truth_is_drawn_from_the_prior(rng):
    prior = family.Prior(mu="normal(3, 2)", tau="student_t(4, 0, 0.5)")
    drawn = [family.draw_truth(prior, rng) for _ in range(3000)]
    assert follows([t.mu for t in drawn], stats.norm(3, 2))
    both_halves = 2 * stats.t(4, scale=0.5).cdf([t.tau for t in drawn]) - 1
    assert follows(both_halves, stats.uniform)


def test_one_degree_of_freedom_is_a_half_cauchy(rng):
    prior = family.Prior(mu="normal(0, 5)", tau="student_t(1, 0, 5)")
    drawn = [family.draw_truth(prior, rng).tau for _ in range(3000)]
    assert follows(drawn, stats.halfcauchy(scale=5))


@pytest.mark.parametrize(
    ("text", "median"),
    [
        ("cauchy(0, 5)", 5.0),
        ("student_t(4, 0, 0.5)", 0.5 * stats.t(4).ppf(0.75)),
        ("normal(1, 2)", stats.truncnorm(-0.5, np.inf, 1, 2).median()),
        ("exponential(2)", np.log(2) / 2),
        ("uniform(-1, 4)", 2.0),
        ("constant(0.3)", 0.3),
    ],
)
def test_standard_errors_of_a_drawn_truth_are_the_median_of_taus_prior(text, median):
    prior = family.Prior(mu="normal(0, 1)", tau=text)
    assert prior.bounded("tau").median == pytest.approx(median, rel=1e-9)


def test_standard_errors_are_above_0_where_the_median_rounds_to_it(rng):
    prior = family.Prior(mu="normal(0, 1)", tau="gamma(0.001, 1)")
    drawn = []
    while not drawn:
        with contextlib.suppress(SimulationError):  # half of the draws round to 0 too
            drawn.append(family.draw_truth(prior, rng))
    assert drawn[0].se == (1e-300, 1e-300)


def test_a_drawn_truth_has_them(rng):
    prior = family.Prior(mu="normal(0, 1)", tau="exponential(2)")
    assert family.draw_truth(prior, rng).se == pytest.approx([np.log(2) / 2] * 2)


def test_a_large_simulation_has_the_moments_of_its_truth(rng):
    studies = 40_000
    truth = family.Truth(mu=1.0, tau=0.5, se=[0.2, 0.8])
    columns, values = family.simulate(truth, studies, 1, rng)
    theta = np.array([values[f"theta[{j}]"] for j in columns["participant"]])
    assert close([theta.mean()], 1.0, 0.5 / np.sqrt(studies))
    assert close([theta.var(ddof=1)], 0.25, 0.25 * np.sqrt(2 / studies))
    assert follows((columns["y"] - theta) / columns["se"], stats.norm)
    assert follows(columns["se"], stats.uniform(0.2, 0.6))


def test_the_common_effect_model_simulates_equal_effects(rng):
    joint = family.MODELS["common_effect"].joint
    columns, values = family.simulate_joint(joint, PRIOR, {"se": (0.1, 0.1)}, 5, 1, rng)
    assert values["tau"] == 0
    assert {values[f"theta[{j}]"] for j in range(1, 6)} == {values["mu"]}
    assert columns["se"].tolist() == [0.1] * 5


def test_standard_errors_of_an_observed_dataset_are_reused_in_order(schools, rng):
    truth = family.truth_from_estimates({"mu": 1.0, "tau": 2.0})
    columns, _ = family.simulate(truth, 10, schools, rng)
    assert columns["se"].tolist() == [15, 10, 16, 11, 9, 11, 10, 18, 15, 10]
    assert columns["participant"].tolist() == list(range(1, 11))


def test_models_that_estimate_tau_determine_a_truth():
    assert [model for model in family.MODELS if family.determines_truth(model)] == list(PARTIAL)


# Densities and prior standard deviations


def test_log_likelihood_is_the_normal_density_of_every_effect(schools, rng):
    values = {name: rng.normal(size=6) for name in names_of(schools)}
    theta = np.array([values[name] for name in names_of(schools)[2:]])
    y, se = schools["y"][:, None], schools["se"][:, None]
    result = family.log_likelihood(values, schools)
    np.testing.assert_allclose(result, stats.norm.logpdf(y, theta, se), rtol=1e-12)
    alike = family.log_likelihood({"mu": values["mu"]}, schools)
    np.testing.assert_allclose(alike, stats.norm.logpdf(y, values["mu"], se), rtol=1e-12)


@pytest.mark.parametrize("df", [2.5, 4, 30])
def test_the_prior_sd_of_tau_is_that_of_a_half_student_t(df):
    prior = family.Prior(mu="normal(0, 2)", tau=f"student_t({df}, 0, 3)")
    density = stats.t(df, scale=3).pdf
    first, second = (
        integrate.quad(lambda x, k=k: 2 * x**k * density(x), 0, np.inf, limit=500)[0]
        for k in (1, 2)
    )
    result = family.prior_sd(prior, "marginal")
    assert result == {"mu": 2, "tau": pytest.approx(np.sqrt(second - first**2), rel=1e-6)}


def test_a_half_cauchy_has_no_sd():
    assert family.prior_sd(PRIOR, "marginal") == {"mu": 5}
    assert family.prior_sd(PRIOR, "common_effect") == {"mu": 5}


def test_flat_priors_and_constants_have_no_sd():
    prior = family.Prior(mu="flat", tau="constant(2)")
    assert family.prior_sd(prior, "marginal") == {}


# Programs


def test_constants_are_in_every_draw(schools):
    prior = family.Prior(mu="constant(3)", tau="constant(10)")
    draws = sample("marginal", schools, prior, replace(SETTINGS, warmup=100, draws=100))
    for name, value in {"mu": 3, "tau": 10}.items():
        assert np.all(draws.values[:, :, draws.names.index(name)] == value)


def test_a_truth_with_a_constant_has_its_value(rng):
    prior = family.Prior(mu="normal(0, 1)", tau="constant(10)")
    assert family.draw_truth(prior, rng).tau == 10


def test_a_draw_too_large_for_a_number_is_refused(rng):
    prior = family.Prior(mu="normal(0, 1)", tau="lognormal(1000, 1)")
    with pytest.raises(SimulationError, match="a draw from lognormal"):
        family.draw_truth(prior, rng)


@pytest.mark.parametrize("flat", ["mu", "tau"])
def test_nothing_is_drawn_from_a_flat_prior(flat, rng):
    prior = family.Prior(**{"mu": "normal(0, 1)", "tau": "cauchy(0, 1)", flat: "flat"})
    with pytest.raises(SimulationError, match="nothing can be drawn from a flat prior"):
        family.draw_truth(prior, rng)


@pytest.mark.parametrize("model", PARTIAL)
def test_the_posterior_of_eight_schools_is_that_of_posteriordb(model, schools):
    settings = CENTERED if model == "centered" else SETTINGS
    draws, names = sample(model, schools, PRIOR, settings), names_of(schools)
    mean, error = means(draws, names)
    theirs = REFERENCE["reference_means"]
    sd = draws.values[:, :, [draws.names.index(name) for name in names[2:]]].std(axis=(0, 1))
    their_error = [0.033, 0.032, *(sd / np.sqrt(10_000))]  # of as many draws, hardly correlated
    expected = [theirs["mu"], theirs["tau"], *theirs["theta"]]
    assert np.all(np.abs(mean - expected) < 4 * np.hypot(error, their_error)), model


@pytest.mark.parametrize("model", ["noncentered", "marginal"])
@pytest.mark.parametrize("df", [1, 5])
def test_posterior_means_agree_with_numerical_integration(model, df, schools):
    prior = family.Prior(mu="normal(2, 5)", tau=f"student_t({df}, 0, 5)")
    mean, error = means(sample(model, schools, prior), names_of(schools))
    expected = posterior_means(schools, 2, 5, stats.t(df, scale=5))
    assert np.all(np.abs(mean - expected) < 4 * error)


@pytest.mark.slow
def test_all_parametrisations_have_the_same_posterior_if_the_centred_one_samples_well(rng):
    truth = family.Truth(mu=1.0, tau=1.0, se=[0.1, 0.3])
    columns, _ = family.simulate(truth, 12, 1, rng)
    prior = family.Prior(mu="normal(0, 2)", tau="student_t(4, 0, 1)")
    expected = posterior_means(columns, 0, 2, stats.t(4))
    for model in PARTIAL:
        mean, error = means(sample(model, columns, prior), names_of(columns))
        assert np.all(np.abs(mean - expected) < 4 * error), model


def test_the_common_effect_model_weights_studies_by_precision(schools):
    mean, error = means(sample("common_effect", schools, PRIOR), ["mu"])
    precision = schools["se"] ** -2
    expected = precision @ schools["y"] / (precision.sum() + 1 / 25)
    assert abs(mean[0] - expected) < 4 * error[0]


@pytest.mark.parametrize("scale", [1e-50, 1e20])
def test_the_marginal_program_draws_effects_for_extreme_values_of_tau(scale, schools):
    prior = family.Prior(mu="normal(0, 5)", tau=f"student_t(1000, 0, {scale})")
    draws = sample("marginal", schools, prior, replace(SETTINGS, draws=1000))
    theta = draws.values[:, :, [draws.names.index(name) for name in names_of(schools)[2:]]]
    if scale < 1:
        mu = draws.values[:, :, [draws.names.index("mu")]]
        np.testing.assert_allclose(theta, np.broadcast_to(mu, theta.shape), atol=1e-40)
    else:
        assert np.isfinite(theta).all()


# Study files and observed data

OF_TAU = ("priors", "weakly_informative", "tau")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("observations", [1, 4]), "observations[1]: got 4, must be at most 1 in this family"),
        (("truths", "known", "se", [0.3, 0.1]), "se: got [0.3, 0.1], must be [smallest, largest]"),
        (("truths", "known", "se", [0, 1]), "se[0]: got 0"),
        (("truths", "drawn", {"prior": "weakly_informative"}), "truths.drawn.se: missing"),
        ((*OF_TAU, "student_t(0, 0, 1)"), "tau: got 'student_t(0, 0, 1)', its nu must be"),
        ((*OF_TAU, "lkj(2)"), "tau: got 'lkj(2)', must be"),
        ((*OF_TAU, "constant(0)"), "got 'constant(0)', must be above 0, where tau is"),
        ((*OF_TAU, DROP), "weakly_informative: must have a prior for tau"),
        (("priors", "weakly_informative", "b", "normal(0, 1)"), "weakly_informative.b: unknown"),
    ],
)
def test_invalid_studies_are_refused_with_a_message(change, message):
    raw = changed(
        read_yaml(FILE),
        ("observations", [1]),
        ("truths", "known", {"mu": 0, "tau": 1, "se": [0.1, 0.3]}),
        change,
    )
    with pytest.raises(StudyError) as refused:
        parse(raw, families.find, "study.yaml")
    assert message in str(refused.value)


def test_every_program_accepts_one_observation_per_study():
    study = parse(read_yaml(FILE), families.find)
    preflight.try_programs(study, STAN, "stanli")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("se", 0.0, "column 'se' must hold numbers above 0"),
        ("se", -1.0, "column 'se' must hold numbers above 0"),
        ("school", "B", "column 'school' must have each study once"),
    ],
)
def test_invalid_observed_effects_are_refused(column, value, message):
    table = {
        "school": np.array(["A", "B", "C"], dtype=object),
        "effect": np.array([1.0, 2.0, 3.0]),
        "se": np.array([1.0, 1.0, 1.0]),
    }
    table[column][0] = value
    with pytest.raises(ValueError, match=message):
        family.read_observed(table, COLUMNS, standardize=False)


def test_effects_are_not_standardized():
    table = read_csv(ROOT / "config/data/eight_schools.csv")
    with pytest.raises(ValueError, match="cannot be standardized"):
        family.read_observed(table, COLUMNS, standardize=True)


def test_every_model_has_a_program_and_every_program_has_a_model():
    programs = {file.stem for file in (STAN / "meta_analysis").glob("*.stan")}
    assert programs == set(family.MODELS)
