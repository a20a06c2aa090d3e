"""The marginal programs of straight lines: their densities in exact fractions, their posterior.

`marginal_lines` is what the formula has; `marginal`, the program of all formulas, is compared too.
"""

import json
from dataclasses import replace
from fractions import Fraction

import exact_normal
import numpy as np
import pytest
import stanli
from conftest import STAN
from exact_normal import exact
from sampled_programs import means, sample
from scipy import stats

from recovery import families

family = families.find("multilevel_linear")

FLAT = family.Prior(
    Intercept="normal(0, 1e9)",
    b="normal(0, 1e9)",
    sd="exponential(1)",
    cor="lkj(1)",
    sigma="exponential(1)",
)
BALANCED = np.repeat(np.arange(1, 7), 4)
# Unordered; participants 1 and 2 have a single observation, 3 has two at the same x.
UNBALANCED = np.array([4, 1, 3, 4, 5, 6, 4, 5, 2, 3, 6, 5, 6, 5, 4, 5, 6, 6, 4, 5, 4, 4, 6, 5])
POINTS = {
    "ordinary": {"b": [0.4, 0.9], "sd": [1.1, 0.6], "rho": 0.3, "sigma": 0.8},
    "no differences": {"b": [0.4, 0.9], "sd": [1e-12, 1e-12], "rho": 0.9, "sigma": 1},
    "one coefficient": {"b": [0, 0], "sd": [2, 1e-9], "rho": -0.5, "sigma": 0.5},
    "great differences": {"b": [-50, 20], "sd": [1e4, 1e3], "rho": 0.99, "sigma": 0.1},
    "much noise": {"b": [3, -2], "sd": [0.1, 0.2], "rho": -0.99, "sigma": 1e4},
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


@pytest.fixture(params=["marginal_lines", "marginal"])
def program(request):
    return request.param


def log_density(program, columns, point, family=family, prior=FLAT, x=None) -> float:
    """The log density of a program at these parameters: priors, Jacobian and likelihood.

    `x` is the predictor, if it is not the column x.
    """
    source = (STAN / "multilevel_linear" / f"{program}.stan").read_text()
    compiled = stanli.stan_to_mir(source, include_paths=str(STAN))
    model = stanli.Model(mir=compiled, data=family.stan_data(columns, prior, "marginal"))
    intercept, slope = point["b"]
    at_means = intercept + slope * np.mean(columns["x"] if x is None else x)
    free = [at_means, slope, *point["sd"], point["sigma"]]
    values = {"free": free, "partial": [point["rho"]]}
    return model.log_prob_grad(model.unconstrain(json.dumps(values)))[0]


def log_likelihood(columns, point) -> float:
    """The observations of each participant are one draw of a multivariate normal.

    With exact fractions, because floating point loses half of its digits here.
    """
    (sd1, sd2), rho = exact(point["sd"]), Fraction(point["rho"])
    between = np.array([[sd1**2, rho * sd1 * sd2], [rho * sd1 * sd2, sd2**2]])
    total = 0.0
    for j in np.unique(columns["participant"]):
        selected = columns["participant"] == j
        x, y = exact(columns["x"][selected]), exact(columns["y"][selected])
        predictors = np.column_stack([x**0, x])
        noise = Fraction(point["sigma"]) ** 2 * np.eye(x.size, dtype=int)
        covariance = predictors @ between @ predictors.T + noise
        total += exact_normal.log_density(y, predictors @ exact(point["b"]), covariance)
    return total


@pytest.mark.parametrize("participant", [BALANCED, UNBALANCED], ids=["balanced", "unbalanced"])
@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_the_likelihood_is_multivariate_normal(program, participant, point):
    # Priors, Jacobian and dropped constants are the same for both datasets.
    one, other = dataset(participant, 1), dataset(participant, 2)
    result = log_density(program, one, point) - log_density(program, other, point)
    expected = log_likelihood(one, point) - log_likelihood(other, point)
    assert result == pytest.approx(expected, rel=1e-10, abs=1e-10)


def test_a_large_mean_of_the_outcome_does_not_reduce_precision(program):
    one, other = dataset(UNBALANCED, 1, level=1e6), dataset(UNBALANCED, 2, level=1e6)
    point = {"b": [1e6, 1.0], "sd": [1.0, 0.5], "rho": 0.2, "sigma": 1.0}
    expected = log_likelihood(one, point) - log_likelihood(other, point)
    result = log_density(program, one, point) - log_density(program, other, point)
    assert result == pytest.approx(expected, rel=1e-10)


def test_priors_and_known_parts_are_in_the_density(program, rng):
    # Up to a constant. The coefficient that varies is that of a condition.
    family = families.find(
        {
            "name": "multilevel_linear",
            "formula": "y ~ condition + offset(known) + (condition | participant)",
            "design": {
                "condition": {
                    "levels": ["a", "b"],
                    "coding": "difference",
                    "within": "participant",
                },
                "known": {"normal": [0, 1]},
            },
        }
    )
    prior = family.Prior(
        Intercept="normal(1, 2)",
        b_condition="normal(-1, 0.5)",
        sd_participant__Intercept="exponential(2)",
        sd_participant__condition="exponential(0.3)",
        cor="lkj(1.7)",
        sigma="exponential(1.5)",
    )
    condition, known = rng.integers(1, 3, UNBALANCED.size), rng.normal(size=UNBALANCED.size)
    columns = {"participant": UNBALANCED, "condition": condition, "known": known}
    columns["y"] = rng.normal(size=UNBALANCED.size)
    as_x = {"participant": UNBALANCED, "x": condition - 1.5, "y": columns["y"] - known}
    differences = []
    for _ in range(5):
        b, sd = rng.normal(size=2), rng.uniform(0.3, 2, 2)
        rho, sigma = rng.uniform(-0.9, 0.9), rng.uniform(0.5, 2)
        at = {"b": b, "sd": sd, "rho": rho, "sigma": sigma}
        expected = log_likelihood(as_x, at) + np.log([*sd, sigma]).sum()
        at_means = [b[0] + b[1] * as_x["x"].mean(), b[1]]
        expected += stats.norm.logpdf(at_means, [1, -1], [2, 0.5]).sum()
        expected += stats.expon.logpdf(sd, scale=[1 / 2, 1 / 0.3]).sum()
        expected += stats.expon.logpdf(sigma, scale=1 / 1.5)
        expected += 1.7 * np.log1p(-(rho**2))  # LKJ's (1 - rho^2)^0.7, and the Jacobian
        plain = {name: np.asarray(value).tolist() for name, value in at.items()}
        result = log_density(program, columns, plain, family, prior, as_x["x"])
        differences.append(result - expected)
    np.testing.assert_allclose(differences, differences[0], atol=1e-8, equal_nan=False)


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
    coefficients = ("Intercept", "x")
    names = [*family.PARAMETERS]
    names += [f"r_participant[{j},{each}]" for each in coefficients for j in people]
    marginal, sibling = (sample(model, columns, prior) for model in ("marginal", "noncentered"))
    for one, other in ((marginal, sibling), (squared(marginal), squared(sibling))):
        (mean, error), (expected, its_error) = means(one, names), means(other, names)
        z = (mean - expected) / np.hypot(error, its_error)
        assert np.abs(z).max() < 4.5, names[np.abs(z).argmax()]


def test_participants_without_differences_have_the_line_of_the_population():
    tight = family.Prior(
        Intercept="normal(0, 1)",
        b="normal(0, 1)",
        sd="exponential(1e12)",
        cor="lkj(1)",
        sigma="exponential(1)",
    )
    draws = sample("marginal", dataset(UNBALANCED, 4), tight)
    theirs = draws.values[:, :, draws.names.index("r_participant[1,x]")]
    np.testing.assert_allclose(theirs, 0, atol=1e-9)


@pytest.mark.parametrize(
    ("formula", "file"),
    [
        ("y ~ x + (x | participant)", "marginal_lines"),
        ("y ~ condition + (condition | participant)", "marginal_lines"),
        ("y ~ x + (x || participant)", "marginal"),
        ("y ~ x + (1 | participant)", "marginal"),
        ("y ~ x + I(x^2) + (x | participant)", "marginal"),
        ("y ~ 0 + x + I(x^2) + (0 + x + I(x^2) | participant)", "marginal"),
    ],
)
def test_lines_of_all_participants_have_their_own_program(formula, file):
    design = {"x": {"normal": [0, 1]}} if "x" in formula else {"condition": {"levels": ["a", "b"]}}
    found = families.find({"name": "multilevel_linear", "formula": formula, "design": design})
    assert found.MODELS["marginal"].program == f"multilevel_linear/{file}.stan"
