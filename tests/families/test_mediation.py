"""The family mediation: its indirect effect, its generator, and its program.

Tests of randomness have fixed seeds; ALPHA of helpers/randomness is the rate at which each would
fail with a random seed if the code is correct.
"""

import json

import numpy as np
import pytest
import stanli
from conftest import ROOT, STAN, changed
from mediation_values import MEANS, OMEGA, PRIOR, SDS, coefficients, family
from randomness import ALPHA, close, follows
from scipy import stats

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
    return engine.sample(loaded, family.stan_data(columns, prior), 20261122, SETTINGS)


# Truths


def test_a_truth_is_drawn_from_the_prior(rng):
    drawn = [family.draw_truth(PRIOR, rng) for _ in range(2000)]
    named = dict(
        zip(("a", "b", "cp"), zip(PRIOR.path_mean, PRIOR.path_sd, strict=True), strict=True)
    )
    named |= {"d_m": (3, 1), "d_y": (0, 4)}
    for name, normal in named.items():
        assert follows([getattr(t, name) for t in drawn], stats.norm(*normal)), name
    for place, rate in enumerate(PRIOR.sigma_p_rate):
        assert follows([t.sigma_p[place] for t in drawn], stats.expon(scale=1 / rate)), place
    assert follows([t.sigma_m for t in drawn], stats.expon(scale=1))
    assert follows([t.sigma_y for t in drawn], stats.expon(scale=2))
    shape = PRIOR.lkj_eta - 1 + 5 / 2
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


def test_prior_sds_agree_with_simulated_truths(rng):
    # The `sem` of squares is the standard error of a simulated variance.
    drawn = []
    for _ in range(4000):
        drawn.append(family.simulate(family.draw_truth(PRIOR, rng), 1, 1, rng)[1])
    known = family.prior_sd(PRIOR, "noncentered")
    assert set(known) == set(family.PARAMETERS)
    for name, sd in known.items():
        values = np.array([each[name] for each in drawn])
        squares = (values - values.mean()) ** 2
        z = (squares.mean() - sd**2) / stats.sem(squares)
        assert abs(z) < stats.norm.isf(ALPHA / 2 / len(known)), name


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


def program_density(columns, point) -> float:
    """The log density of the program at these parameters, minus the Jacobians of positive ones."""
    source = family.program("noncentered", STAN).read_text()
    program = stanli.stan_to_mir(source, include_paths=str(STAN))
    model = stanli.Model(mir=program, data=family.stan_data(columns, PRIOR))
    values = {name: np.asarray(value).tolist() for name, value in point.items()}
    result = model.log_prob_grad(model.unconstrain(json.dumps(values)))[0]
    positive = [point[name] for name in ("sigma_p", "sigma_m", "sigma_y")]
    return result - np.log(np.hstack(positive)).sum()


def formula_density(columns, point) -> float:
    """Log density by SciPy: all priors except that of Omega, and all observations."""
    population = [point[name] for name in ("a", "b", "cp", "d_m", "d_y")]
    means, sds = (*PRIOR.path_mean, *PRIOR.intercept_mean), (*PRIOR.path_sd, *PRIOR.intercept_sd)
    total = stats.norm.logpdf(population, means, sds).sum()
    total += stats.expon.logpdf(point["sigma_p"], scale=1 / np.array(PRIOR.sigma_p_rate)).sum()
    for name, rate in zip(("sigma_m", "sigma_y"), PRIOR.sigma_rate, strict=True):
        total += stats.expon.logpdf(point[name], scale=1 / rate)
    total += stats.norm.logpdf(point["z_p"]).sum()
    scale = np.array(point["sigma_p"])[:, None] * point["L_p"]
    own = np.array(population) + (scale @ point["z_p"]).T
    a, b, cp, d_m, d_y = own[columns["participant"] - 1].T
    x, m, y = (columns[name] for name in "xmy")
    total += stats.norm.logpdf(m, d_m + a * x, point["sigma_m"]).sum()
    return total + stats.norm.logpdf(y, d_y + b * m + cp * x, point["sigma_y"]).sum()


def test_the_programs_density_is_that_of_the_formula(truth, rng):
    # Up to terms of Omega alone, which are equal at all points.
    columns, _ = family.simulate(truth, 4, 3, rng)
    differences = []
    for _ in range(5):
        point = dict(zip(("a", "b", "cp", "d_m", "d_y"), rng.normal(size=5), strict=True))
        point |= {"sigma_p": rng.exponential(size=5), "z_p": rng.normal(size=(5, 4))}
        point |= {"sigma_m": rng.exponential(), "sigma_y": rng.exponential()}
        point["L_p"] = np.linalg.cholesky(OMEGA)
        differences.append(program_density(columns, point) - formula_density(columns, point))
    np.testing.assert_allclose(differences, differences[0], rtol=0, atol=1e-8)


@pytest.mark.slow
def test_much_data_recover_the_truth(truth, rng):
    columns, values = family.simulate(truth, 80, 8, rng)
    prior = family.Prior(
        path_mean=0,
        path_sd=1,
        intercept_mean=0,
        intercept_sd=2,
        sigma_p_rate=1,
        sigma_rate=1,
        lkj_eta=1,
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
