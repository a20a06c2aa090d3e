"""A researcher's own family: the content of its file, and the shipped example, a bandit task."""

import numpy as np
import pytest
from conftest import STAN
from own_families import tried
from scipy import stats

from recovery import engines, families
from recovery.engines.protocol import Program, Settings
from recovery.fit import posterior

pytestmark = pytest.mark.usefixtures("in_the_repository")

BANDIT = "config/families/learning_rate.py"


# The content of the file


def test_the_template_passes_its_trial(begin):
    assert tried(begin()) == [
        "typical: 50 observations simulated",
        "hierarchical under weakly_informative: a short fit ran and gave all parameters",
    ]


def test_elements_of_vectors_and_participants_have_the_names_of_stan():
    family = families.find(BANDIT)
    assert list(family.PARAMETERS) == ["mu[1]", "mu[2]", "sigma[1]", "sigma[2]"]
    assert family.POSITIVE == ("sigma[1]", "sigma[2]")
    assert list(family.COEFFICIENTS) == ["alpha", "tau"]
    truth = family.Truth(mu=(0, 1), sigma=(0.5, 0.3))
    columns, values = family.simulate(truth, 3, 4, np.random.default_rng(1))
    assert (values["mu[2]"], values["sigma[1]"]) == (1.0, 0.5)
    groups = family.group_coefficients([*values, "z[1,1]"])
    assert groups == {name: [f"{name}[{j}]" for j in (1, 2, 3)] for name in ("alpha", "tau")}
    assert columns["choice"].size == 12


def test_participants_may_have_vectors(begin):
    family = families.find(
        begin(
            ("family.py", '{"theta": ()}', '{"theta": (2,)}'),
            ("family.py", 'MEANS = {"theta": "mu"}', 'MEANS = {"theta[,2]": "mu"}'),
            ("family.py", '{"theta": theta}', '{"theta": np.stack([theta, -theta], axis=1)}'),
        )["family"]
    )
    truth = family.Truth(mu=0, tau=1, sigma=1)
    _, values = family.simulate(truth, 2, 1, np.random.default_rng(1))
    assert values["theta[2,1]"] == -values["theta[2,2]"]
    assert family.group_coefficients(list(values)) == {
        f"theta[,{k}]": [f"theta[1,{k}]", f"theta[2,{k}]"] for k in (1, 2)
    }
    assert family.population_of("theta[,2]") == "mu"


def test_a_log_likelihood_gets_whole_vectors_of_draws(begin):
    given = """
def log_likelihood(values, observations):
    theta = values["theta"][:, observations["participant"] - 1]
    assert theta.shape == (2, observations["y"].size)
    z = (observations["y"] - theta) / values["sigma"][:, None]
    return (-0.5 * z**2 - np.log(values["sigma"])[:, None] - 0.5 * np.log(2 * np.pi)).T


def draw_truth("""
    family = families.find(begin(("family.py", "\ndef draw_truth(", given))["family"])
    columns = {"participant": np.array([1, 2, 2]), "y": np.array([0.0, 1.0, 2.0])}
    values = {"mu": np.zeros(2), "tau": np.ones(2), "sigma": np.array([1.0, 2.0])}
    values |= {"theta[1]": np.array([0.5, 0.0]), "theta[2]": np.array([1.0, 3.0])}
    theta = np.array([[0.5, 1.0, 1.0], [0.0, 3.0, 3.0]])
    expected = stats.norm(theta, [[1.0], [2.0]]).logpdf(columns["y"]).T
    np.testing.assert_allclose(family.log_likelihood(values, columns), expected, rtol=1e-12)
    result = family.test_quantities(values, columns, np.random.default_rng(1))
    assert list(result) == ["log likelihood", "projection of theta"]
    np.testing.assert_allclose(result["log likelihood"], expected.sum(axis=0), rtol=1e-12)


def test_an_edited_file_changes_the_family(begin):
    one = families.find(begin()["family"])
    other = families.find(begin(("family.py", '"Mean, mu"', '"Grand mean"'))["family"])
    assert (one.PARAMETERS["mu"], other.PARAMETERS["mu"]) == ("Mean, mu", "Grand mean")


def test_loading_a_family_creates_no_files(begin, tmp_path):
    tried(begin())
    assert {file.name for file in tmp_path.iterdir()} == {"means.py", "means.stan"}


# The bandit


def test_a_learner_follows_the_delta_rule():
    """Choices and rewards, replayed by hand, have the probabilities that they were drawn with."""
    family = families.find(BANDIT)
    truth = family.Truth(mu=(0.0, 1.0), sigma=(0.0, 0.0))  # alpha 1/2 for everybody
    columns, values = family.simulate(truth, 4000, 3, np.random.default_rng(1))
    assert {values[f"alpha[{j}]"] for j in range(1, 4001)} == {0.5}
    choice = columns["choice"].reshape(3, -1)
    reward = columns["reward"].reshape(3, -1)
    assert abs(choice[0].mean() - 0.5) < 4 * 0.5 / np.sqrt(4000)  # no value is known yet
    once = (choice[0] == 1) & (reward[0] == 1)  # arm 2 is then worth 1/2, arm 1 nothing
    expected = 1 / (1 + np.exp(-np.e * 0.5))
    error = np.sqrt(expected * (1 - expected) / once.sum())
    assert abs(choice[1][once].mean() - expected) < 4 * error
    for arm, chance in ((0, 0.3), (1, 0.7)):
        selected = reward[choice == arm]
        assert abs(selected.mean() - chance) < 4 * np.sqrt(chance * (1 - chance) / selected.size)


def test_the_program_of_the_bandit_has_the_likelihood_of_the_choices():
    """Differences of log densities between points agree with SciPy."""
    import stanli

    family = families.find(BANDIT)
    prior = family.Prior(mu_mean=(0, 1), mu_sd=(1, 0.5), sigma_rate=2)
    truth = family.Truth(mu=(-0.5, 1.2), sigma=(0.5, 0.3))
    columns, _ = family.simulate(truth, 3, 20, np.random.default_rng(1))
    found = family.stan_data(columns, prior, "hierarchical")
    data = {k: np.asarray(v).tolist() for k, v in found.items()}
    model = stanli.Model(stan_file=str(family.program("hierarchical", STAN)), data=data)
    result, expected = [], []
    for point in np.random.default_rng(2).normal(scale=0.5, size=(2, 10)):
        result.append(model.log_prob_grad(point)[0])
        expected.append(_log_density(point, columns, prior))
    assert result[1] - result[0] == pytest.approx(expected[1] - expected[0], rel=1e-9)


def _log_density(point, columns, prior) -> float:
    """Log density at unconstrained mu, log sigma and z (by columns), with its Jacobian."""
    mu, sigma, z = point[:2], np.exp(point[2:4]), point[4:].reshape(2, 3)
    alpha = 1 / (1 + np.exp(-(mu[0] + sigma[0] * z[0])))
    tau = np.exp(mu[1] + sigma[1] * z[1])
    total = stats.norm(prior.mu_mean, prior.mu_sd).logpdf(mu).sum() + stats.norm.logpdf(z).sum()
    total += stats.expon(scale=1 / prior.sigma_rate).logpdf(sigma).sum() + point[2:4].sum()
    for j in range(3):
        value = [0.0, 0.0]
        selected = columns["participant"] == j + 1
        for arm, reward in zip(
            columns["choice"][selected], columns["reward"][selected], strict=True
        ):
            chance = 1 / (1 + np.exp(-tau[j] * (value[1] - value[0])))
            total += stats.bernoulli(chance).logpmf(arm)
            value[arm] += alpha[j] * (reward - value[arm])
    return total


@pytest.mark.slow
def test_much_data_recover_the_parameters_of_the_bandit():
    family, engine = families.find(BANDIT), engines.find("stanli")
    truth = family.Truth(mu=(-0.5, 1.2), sigma=(0.5, 0.3))
    columns, values = family.simulate(truth, 40, 60, np.random.default_rng(1))
    prior = family.Prior(mu_mean=(0, 1), mu_sd=(1, 0.5), sigma_rate=2)
    program = Program(str(family.program("hierarchical", STAN)), str(STAN))
    data = family.stan_data(columns, prior, "hierarchical")
    draws = engine.sample(engine.load(program), data, 1, Settings(2, 300, 300, 0.9, 8))
    result = posterior.summarise(draws, list(family.PARAMETERS), [0.999])
    low, high = result["q0_05"], result["q99_95"]
    true = np.array([values[name] for name in family.PARAMETERS])
    assert np.all((low < true) & (true < high))  # type I error: 4e-3
