"""The marginal program: its density against SciPy, its posterior against the other programs."""

import json
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import stanli
from conftest import STAN
from sampled_programs import means, sample

from recovery import families

family = families.find("multilevel_linear")

FLAT = family.Prior(beta_mean=0, beta_sd=1e9, sigma_p_rate=1, sigma_rate=1, lkj_eta=1)
BALANCED = np.repeat(np.arange(1, 7), 4)
# Unordered; participants 1 and 2 have a single observation, 3 has two at the same x.
UNBALANCED = np.array([4, 1, 3, 4, 5, 6, 4, 5, 2, 3, 6, 5, 6, 5, 4, 5, 6, 6, 4, 5, 4, 4, 6, 5])
POINTS = {
    "ordinary": {"beta": [0.4, 0.9], "sigma_p": [1.1, 0.6], "rho": 0.3, "sigma": 0.8},
    "no differences": {"beta": [0.4, 0.9], "sigma_p": [1e-12, 1e-12], "rho": 0.9, "sigma": 1},
    "one coefficient": {"beta": [0, 0], "sigma_p": [2, 1e-9], "rho": -0.5, "sigma": 0.5},
    "great differences": {"beta": [-50, 20], "sigma_p": [1e4, 1e3], "rho": 0.99, "sigma": 0.1},
    "much noise": {"beta": [3, -2], "sigma_p": [0.1, 0.2], "rho": -0.99, "sigma": 1e4},
}


def dataset(participant, seed, level=0.0):
    """Observations of these participants; both rows of participant 3 have the same x."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=participant.size)
    if participant is UNBALANCED:
        x[participant == 3] = 0.7
    lines = rng.normal([0.5, 1.0], [1.0, 0.5], size=(participant.max(), 2))[participant - 1]
    y = level + lines[:, 0] + lines[:, 1] * x + rng.normal(size=x.size)
    return {"participant": participant, "x": x, "y": y}


def log_density(columns, point) -> float:
    """The log density of the program at these parameters: priors, Jacobian and likelihood."""
    source = (STAN / "multilevel_linear" / "marginal.stan").read_text()
    program = stanli.stan_to_mir(source, include_paths=str(STAN))
    model = stanli.Model(mir=program, data=family.stan_data(columns, FLAT))
    rho = point["rho"]
    values = {name: point[name] for name in ("beta", "sigma_p", "sigma")}
    values["L_p"] = [[1, 0], [rho, np.sqrt(1 - rho**2)]]
    return model.log_prob_grad(model.unconstrain(json.dumps(values)))[0]


def elimination(matrix, rhs):
    """Determinant of a positive definite matrix and rhs' inv(matrix) rhs, in exact fractions."""
    rows = [[*row, b] for row, b in zip(matrix.tolist(), rhs.tolist(), strict=True)]
    determinant, form = Fraction(1), Fraction(0)
    while rows:
        (pivot, *head), rest = rows[0], rows[1:]
        determinant, form = determinant * pivot, form + head[-1] ** 2 / pivot
        rows = [
            [a - row[0] * h / pivot for a, h in zip(row[1:], head, strict=True)] for row in rest
        ]
    return determinant, form


exact = np.vectorize(lambda number: Fraction(float(number)), otypes=[object])


def log_likelihood(columns, point) -> float:
    """The observations of each participant are one draw of a multivariate normal.

    With exact fractions, because floating point loses half of its digits here.
    """
    (sd1, sd2), rho = exact(point["sigma_p"]), Fraction(point["rho"])
    between = np.array([[sd1**2, rho * sd1 * sd2], [rho * sd1 * sd2, sd2**2]])
    total = 0.0
    for j in np.unique(columns["participant"]):
        selected = columns["participant"] == j
        x, y = exact(columns["x"][selected]), exact(columns["y"][selected])
        predictors = np.column_stack([x**0, x])
        noise = Fraction(point["sigma"]) ** 2 * np.eye(x.size, dtype=int)
        determinant, form = elimination(
            predictors @ between @ predictors.T + noise, y - predictors @ exact(point["beta"])
        )
        log_determinant = math.log(determinant.numerator) - math.log(determinant.denominator)
        total -= (x.size * math.log(2 * math.pi) + log_determinant + float(form)) / 2
    return total


@pytest.mark.parametrize("participant", [BALANCED, UNBALANCED], ids=["balanced", "unbalanced"])
@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_the_likelihood_is_multivariate_normal(participant, point):
    # Priors, Jacobian and dropped constants are the same for both datasets.
    one, other = dataset(participant, 1), dataset(participant, 2)
    result = log_density(one, point) - log_density(other, point)
    expected = log_likelihood(one, point) - log_likelihood(other, point)
    assert result == pytest.approx(expected, rel=1e-10, abs=1e-10)


def test_a_large_mean_of_the_outcome_does_not_reduce_precision():
    one, other = dataset(UNBALANCED, 1, level=1e6), dataset(UNBALANCED, 2, level=1e6)
    point = {"beta": [1e6, 1.0], "sigma_p": [1.0, 0.5], "rho": 0.2, "sigma": 1.0}
    expected = log_likelihood(one, point) - log_likelihood(other, point)
    assert log_density(one, point) - log_density(other, point) == pytest.approx(expected, rel=1e-10)


def squared(draws):
    return replace(draws, values=draws.values**2)


@pytest.mark.slow
@pytest.mark.parametrize("participant", [np.repeat(np.arange(1, 17), 12), UNBALANCED])
def test_the_marginal_program_has_the_same_posterior_as_the_others_including_participants(
    participant, prior
):
    # First and second moments of every parameter, within 4.5 combined Monte Carlo errors:
    # type I error once in 1,400 tests.
    columns = dataset(participant, 3)
    people = range(1, participant.max() + 1)
    names = [*family.PARAMETERS, *(f"beta_p[{j},{k}]" for k in (1, 2) for j in people)]
    marginal, sibling = (sample(model, columns, prior) for model in ("marginal", "noncentered"))
    for one, other in ((marginal, sibling), (squared(marginal), squared(sibling))):
        (mean, error), (expected, its_error) = means(one, names), means(other, names)
        z = (mean - expected) / np.hypot(error, its_error)
        assert np.abs(z).max() < 4.5, names[np.abs(z).argmax()]


def test_participants_without_differences_have_the_line_of_the_population():
    tight = family.Prior(beta_mean=0, beta_sd=1, sigma_p_rate=1e12, sigma_rate=1, lkj_eta=2)
    draws = sample("marginal", dataset(UNBALANCED, 4), tight)
    beta = draws.values[:, :, draws.names.index("b_x")]
    theirs = draws.values[:, :, draws.names.index("r_participant[1,x]")]
    np.testing.assert_allclose(theirs, beta, atol=1e-9)


def test_the_marginal_program_refuses_more_than_two_coefficients(prior):
    data = family.stan_data(dataset(BALANCED, 1), prior)
    columns = np.column_stack([data["X"], data["X"][:, 1] ** 2])
    data |= {"K": 3, "X": columns}
    data |= {f"prior_{name}": [1, 1, 1] for name in ("beta_mean", "beta_sd", "sigma_p_rate")}
    source = (STAN / "multilevel_linear" / "marginal.stan").read_text()
    program = stanli.stan_to_mir(source, include_paths=str(STAN))
    with pytest.raises(RuntimeError, match="K is 3, but must be less than or equal to 2"):
        stanli.Model(mir=program, data=data)
