"""Programs of a formula with a factor of three levels, participants and items, against SciPy.

The three coefficients of participants have a correlation matrix that the programs make of partial
correlations; its density must be LKJ's.
"""

import numpy as np
import pytest
import stanli
from conftest import STAN
from sampled_programs import sample
from scipy import stats

from recovery import families
from recovery.engines.protocol import Settings

FAMILY = families.find(
    {
        "name": "multilevel_linear",
        "formula": "y ~ condition * x + (condition | participant) + (1 | item)",
        "design": {
            "condition": {"levels": ["a", "b", "c"], "within": ["participant", "item"]},
            "x": {"normal": [0, 1]},
        },
        "sizes": {"item": None},
    }
)
ETA = 1.7
MEANS, SDS = [0.2, -0.1, 0.3, 0.5, 0, -0.4], [1.5, 0.7, 1.1, 2, 0.5, 0.8]
RATES = {"participant": [1.2, 2.0, 0.4], "item": [0.7]}
B = ["condition[b]", "condition[c]", "x", "condition[b]:x", "condition[c]:x"]
PRIOR = FAMILY.Prior(
    Intercept=f"normal({MEANS[0]}, {SDS[0]})",
    **{
        f"b_{name}": f"normal({mean}, {sd})"
        for name, mean, sd in zip(B, MEANS[1:], SDS[1:], strict=True)
    },
    **{
        f"sd_participant__{name}": f"exponential({rate})"
        for name, rate in zip(["Intercept", *B[:2]], RATES["participant"], strict=True)
    },
    sd_item="exponential(0.7)",
    cor=f"lkj({ETA})",
    sigma="exponential(2)",
)
PEOPLE, ITEMS = 4, 3


@pytest.fixture
def columns(rng):
    """Unbalanced: two thirds of all combinations, in no order."""
    person, item, condition = (
        each.ravel() for each in np.meshgrid(range(1, PEOPLE + 1), range(1, ITEMS + 1), (1, 2, 3))
    )
    rows = rng.permutation(person.size)[:24]
    data = {"participant": person, "item": item, "condition": condition}
    assert all(set(values) == set(values[rows]) for values in data.values())
    data = {name: values[rows] for name, values in data.items()}
    return data | {"x": rng.normal(size=24), "y": rng.normal(size=24)}


def point(model, rng) -> dict:
    """Values of parameters."""
    at = {"b": rng.normal(size=6), "sigma": rng.uniform(0.5, 2)}
    if model == "pooled":
        return at
    own = "u" if model == "centered" else "z"
    coefficients = rng.normal(size=3 * PEOPLE + ITEMS)
    return at | {
        "sd": rng.uniform(0.3, 2, 4),
        "partial": rng.uniform(-0.9, 0.9, 3),
        own: coefficients,
    }


def correlations(partial) -> np.ndarray:
    """The matrix of r12, r13 and the partial correlation of 2 and 3 given 1."""
    r12, r13, given = partial
    r23 = given * np.sqrt((1 - r12**2) * (1 - r13**2)) + r12 * r13
    return np.array([[1, r12, r13], [r12, 1, r23], [r13, r23, 1]])


def predictors_of(columns) -> np.ndarray:
    """The predictors of the population's coefficients."""
    c, x = columns["condition"], columns["x"]
    return np.column_stack([x**0, c == 2, c == 3, x, (c == 2) * x, (c == 3) * x])


def at_means(b, columns) -> np.ndarray:
    """Coefficients with the intercept at the means of predictors, where its prior is."""
    return np.array([predictors_of(columns).mean(axis=0) @ b, *b[1:]])


def in_program(at, columns) -> dict:
    """The parameters of a program: `free` has all with a named prior."""
    free = [*at_means(at["b"], columns), *at.get("sd", []), at["sigma"]]
    return {"free": free} | {name: at[name] for name in ("partial", "u", "z") if name in at}


def log_density(at, columns) -> float:
    """All priors and the observations, with the Jacobians of Stan's transforms."""
    predictors = predictors_of(columns)
    total = stats.norm.logpdf(at_means(at["b"], columns), MEANS, SDS).sum()
    total += stats.expon.logpdf(at["sigma"], scale=1 / 2) + np.log(at["sigma"])
    mean = predictors @ at["b"]
    if "sd" in at:
        rates = np.array([*RATES["participant"], *RATES["item"]])
        total += (stats.expon.logpdf(at["sd"], scale=1 / rates) + np.log(at["sd"])).sum()
        total += log_lkj(at["partial"])
        covariance = np.outer(at["sd"][:3], at["sd"][:3]) * correlations(at["partial"])
        if "u" in at:
            people, items = at["u"][: 3 * PEOPLE].reshape(PEOPLE, 3), at["u"][3 * PEOPLE :]
            total += stats.multivariate_normal.logpdf(people, at["b"][:3], covariance).sum()
            total += stats.norm.logpdf(items, 0, at["sd"][3]).sum()
            people = people - at["b"][:3]
        else:
            total += stats.norm.logpdf(at["z"]).sum()
            standard = at["z"][: 3 * PEOPLE].reshape(PEOPLE, 3)
            people = standard @ np.linalg.cholesky(covariance).T
            items = at["sd"][3] * at["z"][3 * PEOPLE :]
        own = people[columns["participant"] - 1]
        mean = mean + (predictors[:, :3] * own).sum(axis=1) + items[columns["item"] - 1]
    return total + stats.norm.logpdf(columns["y"], mean, at["sigma"]).sum()


def log_lkj(partial) -> float:
    """LKJ's density of the matrix, with the Jacobians to partial correlations and then logits."""
    r12, r13, _ = partial
    total = (ETA - 1) * np.linalg.slogdet(correlations(partial))[1]
    total += 0.5 * np.log((1 - r12**2) * (1 - r13**2))  # of r23 by the partial correlation
    return total + np.log1p(-np.square(partial)).sum()


@pytest.mark.parametrize("model", ["pooled", "centered", "noncentered"])
def test_the_density_of_a_program_is_that_of_the_formula(model, columns, rng):
    program = stanli.Model(
        str(FAMILY.program(model, STAN)),
        FAMILY.stan_data(columns, PRIOR, model),
        include_paths=str(STAN),
    )
    differences = []
    for _ in range(8):
        at = point(model, rng)
        own = in_program(at, columns)
        flat = {name: np.ravel(value).tolist() for name, value in own.items()}
        result, _ = program.log_prob_grad(program.unconstrain(flat))
        differences.append(result - log_density(at, columns))
    np.testing.assert_allclose(differences, differences[0], atol=1e-8, equal_nan=False)


def test_a_formula_with_items_has_no_marginal_and_no_unpooled_program():
    assert set(FAMILY.MODELS) == {"pooled", "centered", "noncentered"}


def test_partial_correlations_of_four_coefficients_have_the_density_of_lkj(rng):
    names = ["x1", "x2", "x3"]
    family = families.find(
        {
            "name": "multilevel_linear",
            "formula": "y ~ x1 + x2 + x3 + (x1 + x2 + x3 | participant)",
            "design": {name: {"normal": [0, 1]} for name in names},
        }
    )
    prior = family.Prior(
        Intercept="normal(0, 1)",
        b="normal(0, 1)",
        sd="exponential(1)",
        cor=f"lkj({ETA})",
        sigma="exponential(1)",
    )
    columns = {name: rng.normal(size=4) for name in (*names, "y")}
    data = family.stan_data(columns | {"participant": np.arange(1, 5)}, prior, "centered")
    shape = data["partial_shape"]
    below, differences = np.tril_indices(4, -1), []

    def matrix(partial):
        """Correlations by the recursion of partial correlations (Lewandowski et al. 2009)."""
        given = np.zeros((4, 4))
        given[below] = partial
        omega = np.eye(4)
        for i, j in zip(*below, strict=True):
            r = given[i, j]
            for k in reversed(range(j)):
                r = r * np.sqrt((1 - given[i, k] ** 2) * (1 - given[j, k] ** 2))
                r += given[i, k] * given[j, k]
            omega[i, j] = omega[j, i] = r
        return omega

    for _ in range(5):
        partial, steps = rng.uniform(-0.8, 0.8, 6), 1e-5 * np.eye(6)
        slopes = [(matrix(partial + s) - matrix(partial - s))[below] / 2e-5 for s in steps]
        lkj = (ETA - 1) * np.linalg.slogdet(matrix(partial))[1] + np.linalg.slogdet(slopes)[1]
        betas = stats.beta.logpdf((partial + 1) / 2, shape, shape).sum()
        differences.append(betas - lkj)
    np.testing.assert_allclose(differences, differences[0], atol=1e-7, equal_nan=False)


@pytest.mark.parametrize("model", ["centered", "noncentered"])
def test_correlations_and_deviations_follow_from_the_parameters_in_every_draw(model, columns):
    few = Settings(chains=1, warmup=50, draws=20, adapt_delta=0.9, max_treedepth=8)
    draws = sample(model, columns, PRIOR, few, FAMILY)
    coefficients = ["Intercept", "condition[b]", "condition[c]"]
    for row in draws.values[0]:
        at = dict(zip(draws.names, row, strict=True))
        omega = correlations([at[f"partial[{k}]"] for k in (1, 2, 3)])
        found = [
            at[f"cor_participant__{coefficients[j]}__{coefficients[i]}"]
            for i, j in ((1, 0), (2, 0), (2, 1))
        ]
        np.testing.assert_allclose(found, omega[[1, 2, 2], [0, 0, 1]], atol=1e-10)
        scale = np.array([at[f"sd_participant__{name}"] for name in coefficients])
        factor = scale[:, None] * np.linalg.cholesky(omega)
        for j in range(PEOPLE):
            r = [at[f"r_participant[{j + 1},{name}]"] for name in coefficients]
            own = [at[f"{'u' if model == 'centered' else 'z'}[{3 * j + k}]"] for k in (1, 2, 3)]
            b = [at[f"b_{name}"] for name in coefficients]
            expected = np.subtract(own, b) if model == "centered" else factor @ own
            np.testing.assert_allclose(r, expected, atol=1e-10)
        for i in range(ITEMS):
            r, own = at[f"r_item[{i + 1},Intercept]"], 3 * PEOPLE + i + 1
            expected = (
                at[f"u[{own}]"]
                if model == "centered"
                else at[f"z[{own}]"] * at["sd_item__Intercept"]
            )
            assert r == pytest.approx(expected, abs=1e-10)
