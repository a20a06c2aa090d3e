"""The family multilevel_linear, and the LKJ distribution it draws from.

Tests of randomness have fixed seeds; ALPHA is the rate at which each would fail with
a random seed if the code is correct.
"""

import numpy as np
import pytest
from classical_fits import linear_truth
from conftest import STAN
from randomness import close, follows
from scipy import stats
from simulated_datasets import drawn_from_prior

from recovery import families
from recovery.families.correlations import draw_correlation

family = families.find("multilevel_linear")

COLUMNS = family.ObservedColumns(y="rt", x="day", participant="who")
DEVIATIONS = {
    "r_participant[1,Intercept]": -9.0,
    "r_participant[1,x]": 1.5,
    "r_participant[2,Intercept]": -7.0,
    "r_participant[2,x]": -1.5,
}
POPULATION = {"b_Intercept": 10.0, "b_x": 0.5}


# LKJ


@pytest.mark.parametrize("eta", [0.5, 1.0, 2.0, 8.0])
@pytest.mark.parametrize("size", [2, 3])
def test_lkj_correlations_have_beta_marginals(size, eta, rng):
    draws = np.array([draw_correlation(size, eta, rng) for _ in range(4000)])
    shape = eta - 1 + size / 2
    for row, column in zip(*np.tril_indices(size, -1), strict=True):
        assert follows((draws[:, row, column] + 1) / 2, stats.beta(shape, shape))


def test_lkj_determinants_have_the_mean_of_independent_partial_correlations(rng):
    # On a vine, partial correlations are independent betas of shapes eta + 1/2 (twice) and
    # eta, and det(Omega) is the product of 1 - r^2, of mean 2a / (2a + 1) for shape a.
    eta = 1.5
    determinants = np.linalg.det([draw_correlation(3, eta, rng) for _ in range(10000)])
    expected = np.prod([2 * a / (2 * a + 1) for a in (eta + 0.5, eta + 0.5, eta)])
    assert close([determinants.mean()], expected, stats.sem(determinants))


@pytest.mark.parametrize("size", [2, 3, 5])
def test_lkj_draws_are_correlation_matrices(size, rng):
    for _ in range(200):
        omega = draw_correlation(size, 1.0, rng)
        np.testing.assert_array_equal(omega, omega.T)
        np.testing.assert_array_equal(np.diag(omega), np.ones(size))
        assert np.linalg.eigvalsh(omega).min() > 0


# Truths


def test_a_truth_is_drawn_from_the_prior(rng):
    prior = family.Prior(
        Intercept="normal(3, 2)",
        b="normal(-1, 0.5)",
        sd="exponential(4)",
        sd_participant__x="exponential(0.2)",
        cor="lkj(2)",
        sigma="exponential(0.5)",
    )
    datasets = drawn_from_prior(family, prior, rng, 3000)
    drawn = {name: np.array([values[name] for _, values in datasets]) for name in family.PARAMETERS}
    means = [columns["x"].mean() for columns, _ in datasets]
    assert follows(drawn["b_Intercept"] + drawn["b_x"] * means, stats.norm(3, 2))
    assert follows(drawn["b_x"], stats.norm(-1, 0.5))
    assert follows(drawn["sd_participant__Intercept"], stats.expon(scale=1 / 4))
    assert follows(drawn["sd_participant__x"], stats.expon(scale=1 / 0.2))
    assert follows(drawn["sigma"], stats.expon(scale=1 / 0.5))
    assert follows((drawn["cor_participant__Intercept__x"] + 1) / 2, stats.beta(2, 2))


def test_a_prior_of_extreme_correlations_still_gives_truths(prior, rng):
    prior = family.Prior(**prior.model_dump() | {"cor": "lkj(0.05)"})
    for columns, _ in drawn_from_prior(family, prior, rng, 200):
        assert np.isfinite(columns["y"]).all()


def test_a_truth_is_recovered_from_its_values(truth, simulated):
    _, values = simulated
    assert family.truth_from_estimates(values) == truth


def test_only_models_with_every_parameter_determine_a_truth():
    determining = {model for model in family.MODELS if family.determines_truth(model)}
    assert determining == {"centered", "noncentered", "marginal"}


# Simulation


def test_a_large_simulation_has_the_moments_of_its_truth(rng):
    participants, observations = 20_000, 2
    truth = linear_truth((0.5, 1.0), (2.0, 0.5), -0.6, sigma=1.5)
    columns, values = family.simulate(truth, participants, observations, rng)
    deviations = np.array(
        [
            [values[f"r_participant[{j},{name}]"] for name in ("Intercept", "x")]
            for j in range(1, participants + 1)
        ]
    )
    errors = np.array([2.0, 0.5]) / np.sqrt(participants)
    assert close(deviations.mean(axis=0), np.zeros(2), errors)
    variances = np.array([4.0, 0.25])
    result = deviations.var(axis=0, ddof=1)
    assert close(result, variances, variances * np.sqrt(2 / participants))
    rho = np.corrcoef(deviations.T)[0, 1]
    assert close([np.arctanh(rho)], np.arctanh(-0.6), 1 / np.sqrt(participants - 3))
    residuals = columns["y"] - family.expected(values, columns)
    assert close([residuals.std()], 1.5, 1.5 / np.sqrt(2 * residuals.size))
    assert follows(columns["x"], stats.norm)


def test_a_correlation_and_its_matrix_give_the_same_simulations(truth):
    with_matrix = family.Truth(
        **truth.model_dump(exclude={"cor"}), cor={"participant": [[1, 0.3], [0.3, 1]]}
    )
    datasets = [
        family.simulate(each, 3, 4, np.random.default_rng(1))[0]["y"]
        for each in (truth, with_matrix)
    ]
    np.testing.assert_array_equal(*datasets)


def test_days_count_from_0_for_every_participant(truth, rng):
    days = families.find({"name": "multilevel_linear", "design": {"x": {"sequence": [0, 1]}}})
    columns, _ = days.simulate(days.Truth(**truth.model_dump()), 2, 3, rng)
    assert columns["x"].tolist() == [0, 1, 2, 0, 1, 2]
    assert columns["participant"].tolist() == [1, 1, 1, 2, 2, 2]


def test_participants_without_differences_have_the_same_line(rng):
    _, values = family.simulate(linear_truth((1, 2), (0, 0), 0.9), 3, 1, rng)
    assert {values[f"r_participant[{j},x]"] for j in (1, 2, 3)} == {0.0}
    line = {"participant": np.array([1, 2, 3]), "x": np.array([5.0, 5.0, 5.0])}
    assert family.expected(values, line).tolist() == [11, 11, 11]


def test_an_observed_design_is_reused_participant_by_participant(truth, rng):
    observed = {
        "participant": np.array([1, 2, 2, 2, 1]),
        "x": np.array([10.0, 20.0, 21.0, 22.0, 11.0]),
        "y": np.zeros(5),
    }
    columns, _ = family.simulate(truth, 3, observed, rng)
    assert columns["x"].tolist() == [10, 11, 20, 21, 22, 10, 11]
    assert columns["participant"].tolist() == [1, 1, 2, 2, 2, 3, 3]


def test_expected_outcomes_are_on_the_lines_of_participants():
    columns = {"participant": np.array([1, 2, 2]), "x": np.array([0.5, 0.0, 2.0])}
    assert family.expected(DEVIATIONS | POPULATION, columns).tolist() == [2.0, 3.0, 1.0]


def test_without_participants_expected_outcomes_are_on_the_line_of_the_population():
    columns = {"participant": np.array([1, 2]), "x": np.array([0.0, 4.0])}
    assert family.expected(POPULATION, columns).tolist() == [10.0, 12.0]


def test_lines_are_drawn_between_the_smallest_and_largest_x():
    grid = family.line_grid({"participant": np.array([1, 2, 2]), "x": np.array([3.0, 1.0, 2.0])})
    assert grid["participant"].tolist() == [1, 1, 2, 2]
    assert grid["x"].tolist() == [1, 3, 1, 3]


# Data of programs and names of tables


def test_stan_data_have_the_observations_and_all_hyperparameters(prior):
    columns = {
        "participant": np.array([1, 2, 2]),
        "x": np.array([4.0, 5.0, 6.0]),
        "y": np.array([7.0, 8.0, 9.0]),
    }
    data = family.stan_data(columns, prior, "centered")
    assert (data["N"], data["K"], data["T"], data["Q"], data["J"]) == (3, 2, 1, [2], [2])
    assert (data["M"], data["P"], data["R"]) == (2, 1, 4)
    assert data["X"].tolist() == data["Z"].tolist() == [[1, 4], [1, 5], [1, 6]]
    assert data["y"].tolist() == [7, 8, 9]
    assert data["offsets"].tolist() == [0, 0, 0]
    assert data["place"].tolist() == [[1, 3, 3], [2, 4, 4]]
    assert (data["centre"], data["F"], data["fixed"]) == ([1, 2], 0, [])
    assert data["X_mean"].tolist() == [0, 5]
    assert (data["n_parameters"], data["n_free"]) == (5, 5)
    assert (data["position"], data["constants"]) == ([1, 2, 3, 4, 5], [])
    hyperparameters = {name: value for name, value in data.items() if name.startswith("prior_")}
    assert {name: np.array(value).tolist() for name, value in hyperparameters.items()} == {
        "prior_distribution": [1, 1, 6, 6, 6],  # two normal, three exponential
        "prior_arguments": [[0, 1, 0]] * 2 + [[1, 0, 0]] * 3,
        "prior_lower": [0] * 5,
        "prior_upper": [0] * 5,
        "prior_log_mass": 0.0,
    }
    assert data["partial_shape"] == [2.0]
    assert data["n_bounds"].tolist() == [0, 0, 1, 1, 1]


def test_participants_coefficients_are_grouped_in_order():
    names = [
        "b_Intercept",
        "r_participant[1,Intercept]",
        "r_participant[2,Intercept]",
        "r_participant[1,x]",
        "z[1]",
        "r_participant[2,x]",
    ]
    assert family.group_coefficients(names) == {
        "r_participant[,Intercept]": ["r_participant[1,Intercept]", "r_participant[2,Intercept]"],
        "r_participant[,x]": ["r_participant[1,x]", "r_participant[2,x]"],
    }


def test_draws_are_named_after_terms():
    columns = {"participant": np.array([2, 7, 7]), "x": np.zeros(3), "y": np.zeros(3)}
    names = ["b[1]", "b[2]", "sd[2]", "partial[1]", "u[1]", "sigma", "cor[1]", "r[1]", "r[2]"]
    assert family.parameter_names([*names, "r[3]", "r[4]"], columns) == [
        "b_Intercept",
        "b_x",
        "sd_participant__x",
        "partial[1]",
        "u[1]",
        "sigma",
        "cor_participant__Intercept__x",
        "r_participant[2,Intercept]",
        "r_participant[2,x]",
        "r_participant[7,Intercept]",
        "r_participant[7,x]",
    ]


def test_deviations_have_no_population_parameter_as_their_mean():
    assert [family.population_of(coefficient) for coefficient in family.COEFFICIENTS] == [None] * 2


def test_models_estimate_parameters_of_the_family():
    for model in family.MODELS.values():
        assert set(model.scored) <= set(family.PARAMETERS)


def test_every_model_has_a_program_and_every_program_has_a_model():
    others = families.find({"name": "multilevel_linear", "formula": "y ~ x + (1 | participant)"})
    programs = {str(file.relative_to(STAN)) for file in (STAN / "multilevel_linear").glob("*.stan")}
    of_models = {each.program for each in (*family.MODELS.values(), *others.MODELS.values())}
    assert programs == of_models


def test_an_unknown_family_is_refused_with_the_known_families():
    with pytest.raises(ValueError, match="got 'logistic', must be one of 'multilevel_linear'"):
        families.find("logistic")


# Observed data


def test_participants_are_numbered_by_first_appearance():
    table = {
        "who": np.array(["z", "a", "z", "m"], dtype=object),
        "day": np.array([0, 1, 2, 3]),
        "rt": np.array([1.0, 2.0, 3.0, 4.0]),
    }
    columns = family.read_observed(table, COLUMNS, standardize=False)
    assert columns["participant"].tolist() == [1, 2, 1, 3]
    assert columns["x"].tolist() == [0, 1, 2, 3]
    assert columns["y"].tolist() == [1, 2, 3, 4]


def test_standardized_columns_have_mean_0_and_sd_1():
    table = {"who": np.array([1, 2]), "day": np.array([1.0, 3.0]), "rt": np.array([10.0, 30.0])}
    columns = family.read_observed(table, COLUMNS, standardize=True)
    expected = [-np.sqrt(0.5), np.sqrt(0.5)]
    np.testing.assert_allclose(columns["x"], expected, rtol=1e-12)
    np.testing.assert_allclose(columns["y"], expected, rtol=1e-12)
