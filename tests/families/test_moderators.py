"""Meta-analyses with moderators: posterior means against integrals, simulation, and refusals.

Posterior means are compared within 4 combined Monte Carlo errors: type I error 6e-5 each.
"""

import numpy as np
import pytest
from conftest import STAN
from randomness import follows
from scipy import stats

from recovery import engines, families
from recovery.engines.protocol import Program, Settings
from recovery.fit import chain_statistics

MODERATED = {
    "name": "meta_analysis",
    "formula": "effect ~ latitude + allocation",
    "design": {
        "latitude": {"uniform": [10, 55]},
        "allocation": {"levels": ["random", "other"], "between": "participant"},
    },
}
family = families.find(MODERATED)
PRIOR = family.Prior(mu="normal(0, 2)", b="normal(0, 1)", tau="student_t(3, 0, 1)")
TRUTH = family.Truth(mu=0.3, tau=0.3, se=(0.1, 0.4), b={"latitude": -0.03, "allocation": 0.2})
SETTINGS = Settings(chains=4, warmup=1000, draws=4000, adapt_delta=0.95, max_treedepth=10)


@pytest.fixture(scope="module")
def columns():
    return family.simulate(TRUTH, 13, 1, np.random.default_rng(1))[0]


def exact_means(columns, taus) -> np.ndarray:
    """Posterior means of mu and the coefficients: normal given tau, which is integrated over."""
    y, se = columns["y"], columns["se"]
    x = np.column_stack([np.ones(y.size), columns["latitude"], columns["allocation"] == 2])
    prior_sd = np.array([2.0, 1.0, 1.0])
    means, weights = [], []
    for tau in taus:
        covariance = np.diag(se**2 + tau**2) + x @ np.diag(prior_sd**2) @ x.T
        weights.append(
            stats.multivariate_normal(np.zeros(y.size), covariance).logpdf(y)
            + stats.t(3).logpdf(tau)
        )
        means.append(prior_sd**2 * (x.T @ np.linalg.solve(covariance, y)))
    weights = np.exp(np.array(weights) - max(weights))
    return weights @ np.array(means) / weights.sum()


@pytest.mark.parametrize("model", ["centered", "noncentered", "marginal", "common_effect"])
def test_posterior_means_agree_with_an_integral(model, columns):
    engine = engines.find("stanli")
    program = engine.load(Program(str(family.program(model, STAN)), str(STAN)))
    draws = engine.sample(program, family.stan_data(columns, PRIOR, model), 1, SETTINGS)
    names = family.parameter_names(draws.names, columns)
    places = [names.index(name) for name in ("mu", "b_latitude", "b_allocation")]
    values = np.moveaxis(draws.values[:, :, places], 2, 0)
    error = values.std(axis=(1, 2)) / np.sqrt(
        chain_statistics.ess(chain_statistics.split_chains(values))
    )
    taus = [0.0] if model == "common_effect" else np.linspace(0.002, 6, 1500)
    assert np.all(abs(values.mean(axis=(1, 2)) - exact_means(columns, taus)) < 4 * error)


def test_effects_are_simulated_around_the_line_of_the_moderators():
    truth = TRUTH.model_copy(update={"tau": 0.0, "se": (1e-9, 1e-9)})
    columns, values = family.simulate(truth, 20, 1, np.random.default_rng(2))
    line = 0.3 - 0.03 * columns["latitude"] + 0.2 * (columns["allocation"] == 2)
    assert columns["y"] == pytest.approx(line, abs=1e-7)
    assert values["b_latitude"] == -0.03


def test_a_truth_from_estimates_has_the_moderators_too():
    assert family.values_of(family.truth_from_estimates(family.values_of(TRUTH))) == (
        family.values_of(TRUTH)
    )


def test_densities_use_the_moderators(columns):
    values = {name: np.array([value]) for name, value in family.values_of(TRUTH).items()}
    mean = 0.3 - 0.03 * columns["latitude"] + 0.2 * (columns["allocation"] == 2)
    density = stats.norm(mean, np.hypot(0.3, columns["se"])).logpdf(columns["y"])
    found = family.marginal_log_likelihood("marginal", PRIOR, values, columns)
    assert found[:, 0] == pytest.approx(density)
    density = stats.norm(mean, columns["se"]).logpdf(columns["y"])
    assert family.log_likelihood(values, columns)[:, 0] == pytest.approx(density)


def test_without_moderators_names_and_types_are_as_before():
    plain = families.find("meta_analysis")
    assert list(plain.PARAMETERS) == ["mu", "tau"]
    assert list(plain.Prior.model_fields) == ["mu", "tau"]
    assert plain.CHOICE == "meta_analysis"
    assert families.find(family.CHOICE).CHOICE == family.CHOICE


def test_a_coefficient_may_have_a_prior_of_its_own(rng):
    texts = {"mu": "normal(0, 2)", "tau": "exponential(1)", "b_latitude": "normal(0, 0.1)"}
    with pytest.raises(ValueError, match=r"must have a prior for b \(for b_allocation\)"):
        family.Prior(**texts)
    prior = family.Prior(**texts, b="uniform(2, 3)")
    known = {"mu": 2, "b_latitude": 0.1, "b_allocation": 12**-0.5, "tau": 1}
    assert family.prior_sd(prior, "marginal") == pytest.approx(known)
    drawn = [family.draw_truth(prior, rng).b for _ in range(500)]
    assert follows([each["latitude"] for each in drawn], stats.norm(0, 0.1))
    assert follows([each["allocation"] for each in drawn], stats.uniform(2, 1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"formula": "y ~ latitude"}, "outcome 'y', must be effect"),
        ({"formula": "effect ~ latitude + (1 | participant)"}, "moderators only"),
        ({"formula": "effect ~ 0 + latitude"}, "must have an intercept"),
        ({"formula": "effect ~ altitude"}, "did you mean 'latitude'"),
        ({"sizes": {"item": None}}, "the studies are the participants"),
    ],
)
def test_formulas_of_other_models_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        families.find({**MODERATED, **change})


def test_moderators_that_depend_on_one_another_are_refused():
    dependent = families.find({**MODERATED, "formula": "effect ~ latitude + I(2 * latitude)"})
    with pytest.raises(ValueError, match="cannot be told from"):
        dependent.check_coefficients(13, {}, 1)


def test_observed_moderators_are_read_by_their_levels():
    table = {
        "effect": np.array(["0.1", "0.2", "-0.3"], dtype=object),
        "se": np.array(["0.1", "0.1", "0.2"], dtype=object),
        "study": np.array(["a", "b", "c"], dtype=object),
        "lat": np.array(["10", "20", "15"], dtype=object),
        "allocation": np.array(["other", "random", "other"], dtype=object),
    }
    columns = family.ObservedColumns(
        effect="effect", standard_error="se", study="study", latitude="lat"
    )
    data = family.read_observed(table, columns, standardize=False)
    assert data["latitude"].tolist() == [10, 20, 15]
    assert data["allocation"].tolist() == [2, 1, 2]
