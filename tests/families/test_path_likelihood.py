"""The likelihoods of the family mediation: of an observation, and of a participant.

Tests of randomness have fixed seeds; ALPHA of helpers/randomness is the rate at which each would
fail with a random seed if the code is correct.
"""

import numpy as np
import pytest
from mediation_values import MEANS, OMEGA, PRIOR, SDS, coefficients, family
from randomness import ALPHA
from scipy import stats


@pytest.fixture
def truth():
    named = dict(zip(("a", "b", "cp", "d_m", "d_y"), MEANS, strict=True))
    return family.Truth(**named, sigma_p=SDS, Omega=OMEGA.tolist(), sigma_m=0.7, sigma_y=1.2)


def test_the_log_likelihood_is_the_sum_of_the_densities_of_both_equations(truth, rng):
    columns, values = family.simulate(truth, 3, 4, rng)
    draws = {name: np.array([value, 1.1 * value]) for name, value in values.items()}
    result = family.log_likelihood(draws, columns)
    a, b, cp, d_m, d_y = coefficients(values)[columns["participant"] - 1].T
    x, m, y = (columns[name] for name in "xmy")
    expected = stats.norm.logpdf(m, d_m + a * x, 0.7)
    expected += stats.norm.logpdf(y, d_y + b * m + cp * x, 1.2)
    assert result.shape == (12, 2)
    np.testing.assert_allclose(result[:, 0], expected, rtol=1e-12)


def test_the_likelihood_of_a_participant_is_the_normal_density_of_its_m_and_y(truth, rng):
    columns, values = family.simulate(truth, 4, 5, rng)
    draws = {name: np.full(3, value) for name, value in values.items()}
    draws["a"] = draws["a"] + np.array([0, 0.5, -1])
    draws["sigma_y"] = draws["sigma_y"] * np.array([1, 0.1, 3])
    result = family.marginal_log_likelihood("noncentered", PRIOR, draws, columns)
    covariance = np.outer(SDS, SDS) * OMEGA
    for person, draw in np.ndindex(4, 3):
        x, m, y = (columns[name][columns["participant"] == person + 1] for name in ("x", "m", "y"))
        z = np.zeros((10, 5))
        z[:5, 0], z[:5, 3] = x, 1
        z[5:, 1], z[5:, 2], z[5:, 4] = m, x, 1
        mean = z @ [draws[name][draw] for name in ("a", "b", "cp", "d_m", "d_y")]
        noise = np.repeat([draws[name][draw] ** 2 for name in ("sigma_m", "sigma_y")], 5)
        expected = stats.multivariate_normal(mean, z @ covariance @ z.T + np.diag(noise))
        assert result[person, draw] == pytest.approx(expected.logpdf([*m, *y]), abs=1e-8)


def test_the_likelihood_of_a_participant_is_the_mean_over_its_coefficients(truth, rng):
    columns, values = family.simulate(truth, 1, 2, rng)
    draws = {name: np.array([value]) for name, value in values.items()}
    (result,) = family.marginal_log_likelihood("noncentered", PRIOR, draws, columns)
    number = 400_000
    own = rng.multivariate_normal(MEANS, np.outer(SDS, SDS) * OMEGA, size=number)
    many = draws | {f"beta_p[1,{k + 1}]": own[:, k] for k in range(5)}
    density = np.exp(family.log_likelihood(many, columns).sum(axis=0))
    error = density.std() / np.sqrt(number)
    assert abs(np.exp(result[0]) - density.mean()) < stats.norm.isf(ALPHA / 2) * error


def test_the_likelihood_is_finite_for_correlations_at_their_bounds(truth, rng):
    columns, values = family.simulate(truth, 2, 3, rng)
    edge = {f"Omega[{k},{q}]": 1.0 for k in range(1, 6) for q in range(k + 1, 6)}
    draws = {name: np.array([value]) for name, value in (values | edge).items()}
    result = family.marginal_log_likelihood("noncentered", PRIOR, draws, columns)
    assert np.isfinite(result).all()
