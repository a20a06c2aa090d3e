"""The marginal programs of any formula with one grouping factor, against SciPy and one another.

Posterior means are compared within 4 combined Monte Carlo errors: type I error 6e-5 each.
"""

from itertools import pairwise

import exact_normal
import numpy as np
import pytest
import stanli
from conftest import STAN
from exact_normal import exact
from sampled_programs import means, sample
from scipy import stats

from recovery import families
from recovery.engines.protocol import Settings
from recovery.fit import posterior

FORMULAS = {
    "one": "x1 + x2 + (1 | participant)",
    "uncorrelated": "x1 + (x1 || participant)",
    "three": "x1 + x2 + (x1 + x2 | participant)",
    "two terms": "x1 + x2 + x3 + (0 + x3 || participant) + (x1 + x2 | participant)",
    "without means": "x1 + (x1 + x2 + x3 | participant)",
    "nothing in the population": "0 + (1 + x1 | participant)",
    "no intercept": "0 + x1 + x2 + (0 + x2 + x1 | participant)",
    "a factor": "condition * x1 + offset(known) + (condition | participant)",
    "items": "x1 + x2 + (x1 || item)",
    "six": "x1 + x2 + x3 + x4 + x5 + (x1 + x2 + x3 + x4 + x5 | participant)",
}
FAMILIES = ("multilevel_linear", "multilevel_lognormal")
ETA = 1.5
SIZES = (1, 2, 3, 5, 7, 4, 6, 8)  # of groups: most have fewer rows than "six" has coefficients


def find(formula, name="multilevel_linear"):
    """The family of a formula; its design has all covariates."""
    design = {x: {"normal": [0, 1]} for x in ("x1", "x2", "x3", "x4", "x5", "known")}
    design |= {"condition": {"levels": ["a", "b", "c"], "within": "participant"}}
    sizes = {"item": None} if "item" in formula else {}
    choice = {"name": name, "formula": f"y ~ {formula}", "sizes": sizes}
    return families.find(
        choice | {"design": {each: of for each, of in design.items() if each in formula}}
    )


def prior_of(family):
    """A prior with a distribution for every class of parameters."""
    texts = {"sd": "exponential(1)", "sigma": "exponential(2)"}
    texts |= {"cor": f"lkj({ETA})"} if family.layout.cor else {}
    texts |= {"b": "normal(0.5, 2)"} if set(family.layout.b) - {"b_Intercept"} else {}
    texts |= {"Intercept": "normal(-1, 3)"} if "b_Intercept" in family.layout.b else {}
    return family.Prior(**texts)


def dataset(rng):
    """Groups of different sizes in no order, with all columns that a formula may have."""
    group = rng.permutation(np.repeat(np.arange(1, len(SIZES) + 1), SIZES))
    columns = {f"x{k}": rng.normal(size=group.size) for k in range(1, 6)}
    columns |= {"participant": group, "item": group, "known": rng.normal(size=group.size)}
    columns["condition"] = rng.permutation(np.resize([1, 2, 3], group.size))
    return columns | {"y": np.exp(rng.normal(size=group.size))}


def point_of(family, rng):
    """Values of parameters."""
    layout = family.layout
    return {
        "b": rng.normal(size=layout.size),
        "sd": rng.uniform(0.3, 2, len(layout.sd)),
        "partial": rng.uniform(-0.8, 0.8, len(layout.cor)),
        "sigma": rng.uniform(0.5, 2),
    }


def correlations(partial, size) -> np.ndarray:
    """Correlations by the recursion of partial correlations (Lewandowski et al. 2009)."""
    given, omega = np.zeros((size, size)), np.eye(size)
    below = np.tril_indices(size, -1)
    given[below] = partial
    for i, j in zip(*below, strict=True):
        r = given[i, j]
        for k in reversed(range(j)):
            r = r * np.sqrt((1 - given[i, k] ** 2) * (1 - given[j, k] ** 2))
            r += given[i, k] * given[j, k]
        omega[i, j] = omega[j, i] = r
    return omega


def correlation_matrix(layout, partial) -> np.ndarray:
    """The correlation matrix of the coefficients of all terms."""
    blocks, ends = [], np.cumsum([0, *(n * (n - 1) // 2 for n in layout.sizes)])
    for size, (start, end) in zip(layout.sizes, pairwise(ends), strict=True):
        blocks.append(correlations(partial[start:end], size))
    ends, whole = np.cumsum([0, *layout.sizes]), np.zeros((sum(layout.sizes),) * 2)
    for block, (start, end) in zip(blocks, pairwise(ends), strict=True):
        whole[start:end, start:end] = block
    return whole


def groups_of(family, columns, at):
    """Yield of every group: outcomes, their means, and Z."""
    layout, log = family.layout, "lognormal" in family.MODELS["marginal"].program
    y = np.log(columns["y"]) if log else columns["y"]
    mean = layout.design_matrix(columns) @ at["b"] + layout.offset(columns)
    z = np.hstack([block.matrix(columns) for block in layout.blocks])
    for group in np.unique(columns["participant"]):
        rows = columns["participant"] == group
        yield y[rows], mean[rows], z[rows]


def log_likelihood(family, columns, at) -> float:
    """Multivariate normal, group by group; of logarithms, the Jacobian is that of log(y)."""
    sigma = np.diag(at["sd"]) @ correlation_matrix(family.layout, at["partial"]) @ np.diag(at["sd"])
    total = -np.log(columns["y"]).sum() if "lognormal" in family.MODELS["pooled"].program else 0.0
    for y, mean, z in groups_of(family, columns, at):
        covariance = z @ sigma @ z.T + at["sigma"] ** 2 * np.eye(len(y))
        total += stats.multivariate_normal.logpdf(y, mean, covariance)
    return total


def exact_log_likelihood(family, columns, at) -> float:
    """The same in exact fractions."""
    sd, total = exact(at["sd"]), 0.0
    sigma = sd[:, None] * exact(correlation_matrix(family.layout, at["partial"])) * sd
    layout = family.layout
    for rows in (columns["participant"] == j for j in np.unique(columns["participant"])):
        one = {name: values[rows] for name, values in columns.items()}
        z = exact(np.hstack([block.matrix(one) for block in layout.blocks]))
        noise = exact(at["sigma"]).item() ** 2 * np.eye(len(z), dtype=int)
        mean = exact(layout.design_matrix(one)) @ exact(at["b"])
        total += exact_normal.log_density(exact(one["y"]), mean, z @ sigma @ z.T + noise)
    return total


def log_prior(family, prior, columns, at) -> float:
    """Log density of parameters, with the Jacobians of Stan's transforms.

    That partial correlations with these shapes are LKJ's is tested in test_crossed_programs.
    """
    in_program, shape = at_means(family, columns, at), shapes(family, prior, columns)
    total = 0.0
    for name, b in zip(family.layout.b, in_program, strict=True):
        total += stats.norm.logpdf(b, *((-1, 3) if name == "b_Intercept" else (0.5, 2)))
    total += (stats.expon.logpdf(at["sd"]) + np.log(at["sd"])).sum()
    total += stats.expon.logpdf(at["sigma"], scale=1 / 2) + np.log(at["sigma"])
    total += stats.beta.logpdf((at["partial"] + 1) / 2, shape, shape).sum()
    return total + np.log1p(-np.square(at["partial"])).sum()


def shapes(family, prior, columns) -> np.ndarray:
    """The shapes of partial correlations' beta distributions."""
    return np.array(family.stan_data(columns, prior, "marginal")["partial_shape"])


def at_means(family, columns, at) -> np.ndarray:
    """Coefficients with the intercept at the means of predictors, where its prior is."""
    b = at["b"].copy()
    if "b_Intercept" in family.layout.b:
        b[0] = family.layout.design_matrix(columns).mean(axis=0) @ at["b"]
    return b


def program_density(family, prior, columns):
    """Return the function of a point that the program computes."""
    program = stanli.Model(
        str(family.program("marginal", STAN)),
        family.stan_data(columns, prior, "marginal"),
        include_paths=str(STAN),
    )

    def density(at) -> float:
        free = [*at_means(family, columns, at), *at["sd"], at["sigma"]]
        values = {"free": free, "partial": at["partial"].tolist()}
        return program.log_prob_grad(program.unconstrain(values))[0]

    return density


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
def test_the_density_agrees_with_scipy(name, formula, rng):
    family, differences = find(formula, name), []
    prior = prior_of(family)
    for columns in (dataset(rng), dataset(rng)):
        density = program_density(family, prior, columns)
        for _ in range(4):
            at = point_of(family, rng)
            expected = log_prior(family, prior, columns, at) + log_likelihood(family, columns, at)
            differences.append(density(at) - expected)
    np.testing.assert_allclose(differences, differences[0], atol=1e-7, equal_nan=False)


EXTREMES = {
    "no differences": {"sd": [1e-12] * 6, "partial": 0.99, "sigma": 1.0},
    "great differences": {"sd": [1e4] * 6, "partial": 0.99, "sigma": 0.1},
    "some differences": {"sd": [1e-12, 1e4, 1e-6, 1e4, 1, 1e4], "partial": -0.9, "sigma": 0.5},
    "much noise": {"sd": [0.1, 2, 0.1, 2, 0.1, 2], "partial": 0.5, "sigma": 1e4},
}


@pytest.mark.parametrize("extreme", EXTREMES.values(), ids=EXTREMES)
@pytest.mark.parametrize("formula", ["three", "two terms", "without means"])
def test_nothing_cancels_in_the_likelihood(formula, extreme, rng):
    # Priors, Jacobians and dropped constants are the same for both outcomes and predictors.
    family = find(FORMULAS[formula])
    prior, values = prior_of(family), point_of(family, rng)
    at = values | extreme | {"sd": np.array(extreme["sd"][: values["sd"].size])}
    at["partial"] = np.full(values["partial"].size, extreme["partial"])
    found, expected = [], []
    for columns in (dataset(rng), dataset(rng)):
        b = at_means(family, columns, at)
        prior_of_b = stats.norm.logpdf(b, [-1, *(0.5,) * (b.size - 1)], [3, *(2,) * (b.size - 1)])
        found.append(program_density(family, prior, columns)(at) - prior_of_b.sum())
        expected.append(exact_log_likelihood(family, columns, at))
    assert found[0] - found[1] == pytest.approx(expected[0] - expected[1], rel=1e-9, abs=1e-9)


def test_a_posterior_with_known_variances_is_that_of_linear_algebra(rng):
    # b and all deviations are jointly normal then. Means within 4.5 Monte Carlo errors and
    # variances within 10 %, about 5 of their standard errors.
    family = find("x1 + x2 + (x1 || participant) + (0 + x3 || participant)")
    sds, sigma, columns = [1.1, 0.6, 0.8], 0.7, dataset(rng)
    texts = {
        f"sd_participant__{x}": f"constant({sd})"
        for x, sd in zip(("Intercept", "x1", "x3"), sds, strict=True)
    }
    prior = family.Prior(
        Intercept="normal(-1, 3)", b="normal(0.5, 2)", sigma=f"constant({sigma})", **texts
    )
    x = family.layout.design_matrix(columns)
    x[:, 1:] -= x[:, 1:].mean(axis=0)  # coefficients with the intercept at means
    z = np.column_stack([np.ones(len(x)), columns["x1"], columns["x3"]])
    member = columns["participant"][:, None] == np.arange(1, len(SIZES) + 1)
    whole = np.hstack([x, *(member * column[:, None] for column in z.T)])
    precision = 1 / np.square([3, 2, 2, *np.repeat(sds, len(SIZES))])
    mean = np.array([-1, 0.5, 0.5, *np.zeros(3 * len(SIZES))])
    covariance = np.linalg.inv(np.diag(precision) + whole.T @ whole / sigma**2)
    expected = covariance @ (precision * mean + whole.T @ columns["y"] / sigma**2)
    names = [
        "b_x1",
        "b_x2",
        *(f"r_participant[{j},{c}]" for c in ("Intercept", "x1", "x3") for j in range(1, 9)),
    ]
    draws = sample("marginal", columns, prior, SETTINGS, family)
    found, error = means(draws, names)
    assert np.abs((found - expected[1:]) / error).max() < 4.5
    sd = posterior.summarise(draws, names, [0.9])["sd"]
    np.testing.assert_allclose(np.square(sd), np.diagonal(covariance)[1:], rtol=0.1)


SETTINGS = Settings(chains=4, warmup=1000, draws=2000, adapt_delta=0.95, max_treedepth=10)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("formula", ["three", "two terms", "without means", "a factor", "items"])
def test_the_posterior_is_that_of_noncentered_including_groups(formula, name):
    rng = np.random.default_rng(5)
    family = find(FORMULAS[formula], name)
    prior, sizes = prior_of(family), {"item": 8} if formula == "items" else {}
    truth = family.Prior(**{**prior.model_dump(exclude_none=True), "sigma": "constant(0.5)"})
    columns, values = family.simulate_joint(family.JOINT, truth, {}, 8, 12, rng, sizes)
    (one, error), (other, its_error) = (
        means(sample(model, columns, prior, SETTINGS, family), list(values))
        for model in ("marginal", "noncentered")
    )
    z = (one - other) / np.hypot(error, its_error)
    assert np.abs(z).max() < 4, list(values)[np.abs(z).argmax()]


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("formula", ["three", "two terms", "without means", "six", "a factor"])
def test_likelihoods_of_participants_agree_with_scipy(name, formula, rng):
    family, columns = find(FORMULAS[formula], name), dataset(rng)
    layout, at = family.layout, point_of(find(FORMULAS[formula], name), rng)
    omega = correlation_matrix(layout, at["partial"])
    cor, values = [], dict(zip(layout.b, at["b"], strict=True)) | {"sigma": at["sigma"]}
    values |= dict(zip(layout.sd, at["sd"], strict=True))
    start = 0
    for block in layout.blocks:
        cor += [(name, omega[start + i, start + j]) for i, j, name in block.places]
        start += len(block.coefficients)
    draws = {key: np.array([value]) for key, value in (values | dict(cor)).items()}
    prior = prior_of(family)
    found = family.marginal_log_likelihood("marginal", prior, draws, columns)
    assert found.shape == (len(SIZES), 1)
    assert found.sum() == pytest.approx(log_likelihood(family, columns, at), rel=1e-10)


def test_crossed_grouping_factors_have_no_marginal_program():
    family = find("x1 + (1 | participant) + (1 | item)")
    assert "marginal" not in family.MODELS
