"""The family mediation: its indirect effect, its generator, and its program.

Tests of randomness have fixed seeds; ALPHA of helpers/randomness is the rate at which each would
fail with a random seed if the code is correct.
"""

import numpy as np
import pytest
from conftest import DROP, ROOT, STAN, changed
from mediation_values import (
    ETA,
    MEANS,
    NORMALS,
    OMEGA,
    PRIOR,
    RATES,
    SDS,
    coefficients,
    family,
)
from named_priors_by_scipy import FLAT, CutAtZero, log_density, program_density, values
from randomness import ALPHA, close, follows
from scipy import special, stats

from recovery import engines, families
from recovery.common.errors import StudyError
from recovery.engines.protocol import Program, Settings
from recovery.fit import posterior
from recovery.run import preflight
from recovery.study.parse import parse
from recovery.study.yaml_file import read_yaml

FILE = ROOT / "config/mediation.yaml"
SETTINGS = Settings(chains=4, warmup=400, draws=400, adapt_delta=0.85, max_treedepth=10)


@pytest.fixture
def truth():
    named = dict(zip(("a", "b", "cp", "d_m", "d_y"), MEANS, strict=True))
    return family.Truth(**named, sigma_p=SDS, Omega=OMEGA.tolist(), sigma_m=0.7, sigma_y=1.2)


def sample(columns, prior):
    engine = engines.find("stanli")
    loaded = engine.load(Program(str(family.program("noncentered", STAN)), str(STAN)))
    return engine.sample(
        loaded, family.stan_data(columns, prior, "noncentered"), 20261122, SETTINGS
    )


# Other distributions; some are cut at 0.
OTHER = family.Prior(
    path="student_t(9, 0.5, 1)",
    b="logistic(-1, 0.4)",
    intercept="double_exponential(0, 1)",
    sd="normal(0.3, 1)",
    sd_a="lognormal(-1, 0.5)",
    sd_b="gamma(2, 3)",
    cor="lkj(3)",
    sigma="normal(1, 2)",
    sigma_y="uniform(-1, 2)",
)

# Truths


def test_a_truth_is_drawn_from_the_prior(rng):
    drawn = [family.draw_truth(PRIOR, rng) for _ in range(2000)]
    for name, normal in NORMALS.items():
        assert follows([getattr(t, name) for t in drawn], stats.norm(*normal)), name
    for place, rate in enumerate([*RATES.values()][:5]):
        assert follows([t.sigma_p[place] for t in drawn], stats.expon(scale=1 / rate)), place
    assert follows([t.sigma_m for t in drawn], stats.expon(scale=1))
    assert follows([t.sigma_y for t in drawn], stats.expon(scale=2))
    shape = ETA - 1 + 5 / 2
    for row, column in zip(*np.tril_indices(5, -1), strict=True):
        rho = np.array([t.Omega[row][column] for t in drawn])
        assert follows((rho + 1) / 2, stats.beta(shape, shape)), (row, column)


def test_a_truth_is_recovered_from_its_values(truth, rng):
    _, values = family.simulate(truth, 2, 2, rng)
    result = family.truth_from_estimates(values)
    assert result.model_dump(exclude={"Omega"}) == truth.model_dump(exclude={"Omega"})
    np.testing.assert_allclose(result.Omega, truth.Omega, atol=1e-11)


def test_rho_ab_is_the_only_correlation_of_the_truth(truth):
    kept = truth.model_dump(exclude={"Omega", "rho_ab"})
    omega = family.Truth(**kept, rho_ab=0.4).correlations
    expected = np.eye(5)
    expected[0, 1] = expected[1, 0] = 0.4
    np.testing.assert_array_equal(omega, expected)


def test_the_indirect_effect_is_the_mean_of_the_product_of_participants_paths(truth, rng):
    # Bauer, Preacher & Gil (2006): a b + cov(a, b).
    _, values = family.simulate(truth, 40_000, 1, rng)
    a, b, cp = coefficients(values).T[:3]
    assert values["indirect"] == pytest.approx(0.6 * -0.4 + 0.5 * 0.8 * 0.5, rel=1e-12)
    assert close([(a * b).mean()], values["indirect"], stats.sem(a * b))
    assert close([(a * b + cp).mean()], values["total"], stats.sem(a * b + cp))


@pytest.mark.parametrize("prior", [PRIOR, OTHER], ids=["normal", "other"])
def test_prior_sds_agree_with_simulated_truths(prior, rng):
    # The `sem` of squares is the standard error of a simulated variance.
    drawn = []
    for _ in range(4000):
        drawn.append(family.simulate(family.draw_truth(prior, rng), 1, 1, rng)[1])
    known = family.prior_sd(prior, "noncentered")
    assert set(known) == set(family.PARAMETERS)
    for name, sd in known.items():
        values = np.array([each[name] for each in drawn])
        squares = (values - values.mean()) ** 2
        z = (squares.mean() - sd**2) / stats.sem(squares)
        assert abs(z) < stats.norm.isf(ALPHA / 2 / len(known)), name


@pytest.mark.parametrize(
    ("change", "unknown"),
    [
        ({"cp": "flat"}, {"cp", "total"}),
        ({"a": "cauchy(0, 1)"}, {"a", "indirect", "total"}),
        ({"b": "student_t(2, 0, 1)"}, {"b", "indirect", "total"}),
        ({"d_y": "constant(1)"}, {"d_y"}),
        ({"sd_b": "cauchy(0, 1)"}, {"sigma_p[2]", "indirect", "total"}),
        ({"sd_cp": "cauchy(0, 1)"}, {"sigma_p[3]"}),
        ({"sigma_m": "inv_gamma(2, 1)"}, {"sigma_m"}),
    ],
)
def test_what_has_no_prior_sd_is_left_out(change, unknown):
    prior = family.Prior(**PRIOR.model_dump() | change)
    assert set(family.PARAMETERS) - set(family.prior_sd(prior, "noncentered")) == unknown


def test_constant_paths_leave_the_sd_of_the_covariance():
    texts = PRIOR.model_dump() | {"a": "constant(2)", "b": "constant(0.5)", "cp": "constant(1)"}
    known = family.prior_sd(family.Prior(**texts), "noncentered")
    # E[sd^2] of an exponential is 2 / rate^2; the variance of a correlation is 1 / (2 eta + 4).
    expected = np.sqrt(2 / 1 * 2 / 4 / (2 * ETA + 4))
    assert known["indirect"] == pytest.approx(expected, rel=1e-12)
    assert known["total"] == known["indirect"]


def test_keys_of_a_class_are_for_its_parameters_without_keys_of_their_own():
    prior = family.Prior(
        path="normal(0, 1)",
        b="cauchy(0, 2)",
        intercept="normal(0, 3)",
        sd="exponential(4)",
        sd_d_m="exponential(5)",
        cor="lkj(6)",
        sigma="exponential(7)",
        sigma_y="exponential(8)",
    )
    found = [str(prior.of(name)) for name in ("a", "b", "cp", "d_m", "d_y")]
    assert found == ["normal(0, 1)", "cauchy(0, 2)", "normal(0, 1)", *["normal(0, 3)"] * 2]
    rates = [prior.of(f"sigma_p[{k}]").arguments[0] for k in range(1, 6)]
    assert rates == [4, 4, 4, 5, 4]
    assert [prior.of(name).arguments[0] for name in ("sigma_m", "sigma_y")] == [7, 8]
    assert str(prior.of("Omega[2,5]")) == "lkj(6)"


# Simulation


def test_a_large_simulation_has_the_moments_of_its_truth(truth, rng):
    participants = 20_000
    columns, values = family.simulate(truth, participants, 2, rng)
    own = coefficients(values)
    assert close(own.mean(axis=0), MEANS, SDS / np.sqrt(participants))
    assert close(own.std(axis=0), SDS, SDS / np.sqrt(2 * participants))
    below = np.tril_indices(5, -1)
    result, expected = np.corrcoef(own.T)[below], OMEGA[below]
    assert close(np.arctanh(result), np.arctanh(expected), 1 / np.sqrt(participants - 3))
    a, b, cp, d_m, d_y = own[columns["participant"] - 1].T
    x, m, y = (columns[name] for name in "xmy")
    assert follows(x, stats.norm)
    assert follows(m - d_m - a * x, stats.norm(0, 0.7))
    assert follows(y - d_y - b * m - cp * x, stats.norm(0, 1.2))


def test_an_observed_design_is_reused_participant_by_participant(truth, rng):
    seen = {"participant": np.array([1, 2, 2]), "x": np.array([10.0, 20.0, 21.0])}
    columns, _ = family.simulate(truth, 3, seen, rng)
    assert columns["x"].tolist() == [10, 20, 21, 10]
    assert columns["participant"].tolist() == [1, 2, 2, 3]


def test_expected_outcomes_agree_with_the_means_of_simulated_outcomes(truth, rng):
    # The line of each participant and, over participants, that of the population.
    flat = {"participant": np.repeat(np.arange(1, 20_001), 2), "x": np.tile([-1.0, 2.0], 20_000)}
    columns, values = family.simulate(truth, 20_000, flat, rng)
    residuals = columns["y"] - family.expected(values, columns)
    for place in (0, 1):
        assert close([residuals[place::2].mean()], 0, stats.sem(residuals[place::2]))
    population = {name: value for name, value in values.items() if name in family.PARAMETERS}
    expected = family.expected(population, columns)
    for place in (0, 1):
        y = columns["y"][place::2]
        assert close([y.mean()], expected[place], stats.sem(y))


# The program


PROGRAM = (
    *("a", "b", "cp", "d_m", "d_y"),
    *(f"sigma_p[{k}]" for k in range(1, 6)),
    *("sigma_m", "sigma_y"),
)
POSITIVE = dict.fromkeys(PROGRAM[5:], 0.0)
BY_SCIPY = [stats.norm(*NORMALS[name]) for name in PROGRAM[:5]]
BY_SCIPY += [stats.expon(scale=1 / rate) for rate in RATES.values()]
PRIORS = {  # a prior, and the same by SciPy
    "normal": (PRIOR, BY_SCIPY),
    "other": (
        OTHER,
        [
            *(stats.t(9, 0.5, 1), stats.logistic(-1, 0.4), stats.t(9, 0.5, 1)),
            *[stats.laplace(0, 1)] * 2,
            *(stats.lognorm(0.5, scale=np.exp(-1)), stats.gamma(2, scale=1 / 3)),
            *[stats.truncnorm(-0.3, np.inf, 0.3, 1)] * 3,
            *(stats.truncnorm(-0.5, np.inf, 1, 2), stats.uniform(0, 2)),
        ],
    ),
    "heavy tails": (
        family.Prior(
            path="cauchy(0, 1)",
            intercept="uniform(-2, 3)",
            sd="cauchy(0, 0.5)",
            sd_cp="inv_gamma(2, 1)",
            cor="lkj(3)",
            sigma="student_t(3, 1, 2)",
        ),
        [
            *[stats.cauchy(0, 1)] * 3,
            *[stats.uniform(-2, 5)] * 2,
            *[stats.halfcauchy(0, 0.5)] * 2,
            *(stats.invgamma(2, scale=1), stats.halfcauchy(0, 0.5), stats.halfcauchy(0, 0.5)),
            *[CutAtZero(stats.t(3, 1, 2))] * 2,
        ],
    ),
    "constants": (
        family.Prior(**PRIOR.model_dump() | {"b": "constant(0.3)", "sd_d_y": "constant(0.8)"}),
        [0.3 if k == 1 else 0.8 if k == 9 else each for k, each in enumerate(BY_SCIPY)],
    ),
    "flat": (
        family.Prior(**dict.fromkeys(("path", "intercept", "sd", "sigma"), "flat"), cor="lkj(1)"),
        [FLAT] * 12,
    ),
}


def formula_density(columns, at, z_p) -> float:
    """Log density by SciPy of observations and of participants' standard normal deviations."""
    population = [at[name] for name in PROGRAM[:5]]
    scale = np.array([at[name] for name in PROGRAM[5:10]])[:, None] * np.linalg.cholesky(OMEGA)
    own = np.array(population) + (scale @ z_p).T
    a, b, cp, d_m, d_y = own[columns["participant"] - 1].T
    x, m, y = (columns[name] for name in "xmy")
    total = stats.norm.logpdf(z_p).sum()
    total += stats.norm.logpdf(m, d_m + a * x, at["sigma_m"]).sum()
    return total + stats.norm.logpdf(y, d_y + b * m + cp * x, at["sigma_y"]).sum()


def log_lkj(eta) -> float:
    """Log density of OMEGA: Lewandowski, Kurowicka & Joe (2009), equations 15 and 16.

    doi:10.1016/j.jmva.2009.04.008
    """
    below = 5 - np.arange(1, 5)  # d - k
    shape = eta + (below - 1) / 2
    constant = ((2 * (eta - 1) + below) * below).sum() * np.log(2)
    constant += (below * special.betaln(shape, shape)).sum()
    return (eta - 1) * np.linalg.slogdet(OMEGA)[1] - constant


def test_the_programs_density_is_that_of_the_formula(truth, rng):
    # Up to the constant of the likelihood and what the transform of Omega adds, which are the
    # same under every prior and at every point.
    columns, _ = family.simulate(truth, 4, 3, rng)
    factor = np.linalg.cholesky(OMEGA)
    differences = []
    for prior, by_scipy in PRIORS.values():
        priors = dict(zip(PROGRAM, by_scipy, strict=True))
        density = program_density(family, "noncentered", columns, prior, priors)
        for _ in range(4):
            at, z_p = values(priors, rng), rng.normal(size=(5, 4))
            expected = log_density(priors, at, POSITIVE) + formula_density(columns, at, z_p)
            expected += log_lkj(prior.of("Omega[1,2]").arguments[0])
            differences.append(density(at, L_p=factor, z_p=z_p) - expected)
    np.testing.assert_allclose(differences, differences[0], rtol=0, atol=1e-8, equal_nan=False)


def test_constants_are_in_every_draw(truth, rng):
    prior, _ = PRIORS["constants"]
    draws = sample(family.simulate(truth, 6, 5, rng)[0], prior)
    for name, value in {"b": 0.3, "sigma_p[5]": 0.8}.items():
        assert np.all(draws.values[:, :, draws.names.index(name)] == value)
    drawn = family.draw_truth(prior, rng)
    assert (drawn.b, drawn.sigma_p[4]) == (0.3, 0.8)


@pytest.mark.slow
def test_much_data_recover_the_truth(truth, rng):
    columns, values = family.simulate(truth, 80, 8, rng)
    prior = family.Prior(
        path="normal(0, 1)",
        intercept="normal(0, 2)",
        sd="exponential(1)",
        sigma="exponential(1)",
        cor="lkj(1)",
    )
    draws, names = sample(columns, prior), list(family.PARAMETERS)
    summary = posterior.summarise(draws, names, [0.9])
    z = (summary["mean"] - [values[name] for name in names]) / summary["sd"]
    assert np.abs(z).max() < stats.norm.isf(ALPHA / 2 / z.size), names[np.abs(z).argmax()]
    assert summary["sd"][names.index("indirect")] < 0.15


def test_indirect_and_total_effects_follow_from_the_other_parameters_in_every_draw(truth, rng):
    draws = sample(family.simulate(truth, 6, 5, rng)[0], PRIOR)

    def of(name):
        return draws.values[:, :, draws.names.index(name)]

    indirect = of("a") * of("b") + of("sigma_p[1]") * of("sigma_p[2]") * of("Omega[1,2]")
    np.testing.assert_allclose(of("indirect"), indirect, atol=1e-10)
    np.testing.assert_allclose(of("total"), indirect + of("cp"), atol=1e-10)


# Study files and observed data


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("truths", "known", "rho_ab"), 0.2, "must have either rho_ab or Omega"),
        (("truths", "known", "sigma_p"), [1, 1], "truths.known.sigma_p"),
        (("priors", "weakly_informative", "path_sd"), [1, 1], "priors.weakly_informative.path_sd"),
        (("priors", "weakly_informative", "path"), [0, 1], "priors.weakly_informative.path: got"),
        (("priors", "weakly_informative", "sd_a"), "lkj(2)", "sd_a: got 'lkj(2)', must be"),
        (("priors", "weakly_informative", "cor"), "normal(0, 1)", "must be lkj(eta) here"),
        (("priors", "weakly_informative", "cor"), DROP, "must have a prior for cor"),
        (("priors", "weakly_informative", "sigma_m"), "constant(-1)", "must be above 0"),
        (("models",), ["centered"], "models[0]: got 'centered', must be one of 'noncentered'"),
    ],
)
def test_invalid_studies_are_refused_with_a_message(truth, place, value, message):
    known = truth.model_dump(mode="json", exclude_none=True)
    raw = changed(read_yaml(FILE), ("truths", "known", known), (*place, value))
    with pytest.raises(StudyError) as refused:
        parse(raw, families.find, "study.yaml")
    assert message in str(refused.value)


def test_correlations_that_contradict_one_another_are_refused(truth):
    kept = truth.model_dump(exclude={"Omega", "rho_ab"})
    omega = np.eye(5)
    omega[:3, :3] = [[1, 0.9, 0.9], [0.9, 1, -0.9], [0.9, -0.9, 1]]
    with pytest.raises(ValueError, match="must be positive definite"):
        family.Truth(**kept, Omega=omega.tolist())


def test_the_program_of_the_shipped_study_accepts_its_data():
    preflight.try_programs(parse(read_yaml(FILE), families.find), STAN, "stanli")


def test_observed_columns_are_read_and_standardized():
    table = {
        "who": np.array(["z", "a", "z"], dtype=object),
        "stress": np.array([1.0, 2.0, 3.0]),
        "sleep": np.array([5.0, 5.0, 8.0]),
        "mood": np.array([0.0, -1.0, 1.0]),
    }
    columns = family.ObservedColumns(
        outcome="mood", mediator="sleep", predictor="stress", participant="who"
    )
    result = family.read_observed(table, columns, standardize=False)
    assert {name: values.tolist() for name, values in result.items()} == {
        "participant": [1, 2, 1],
        "x": [1, 2, 3],
        "m": [5, 5, 8],
        "y": [0, -1, 1],
    }
    scaled = family.read_observed(table, columns, standardize=True)
    assert [scaled[name].std(ddof=1) for name in "xmy"] == pytest.approx([1, 1, 1])
    with pytest.raises(ValueError, match="column 'sleep' is constant and cannot be standardized"):
        family.read_observed({**table, "sleep": np.ones(3)}, columns, standardize=True)
