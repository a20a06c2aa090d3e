"""Named priors of a researcher's own family, as the page about them shows."""

import re
from pathlib import Path

import numpy as np
import pytest
import sampled_programs
import yaml
from conftest import ROOT
from own_families import refused, tried, tried_in_vain
from scipy import integrate, stats

from recovery import families
from recovery.engines.protocol import Settings
from recovery.plan.imported_modules import closure

pytestmark = pytest.mark.usefixtures("in_the_repository")

PAGE = (ROOT / "docs/how-to/own-priors.md").read_text()
SETTINGS = Settings(chains=4, warmup=500, draws=2000, adapt_delta=0.95, max_treedepth=10)
PRIOR = {"mu": "normal(0, 1)", "tau": "exponential(1)", "sigma": "exponential(1)"}
MEAN, TAU, SIGMA = 0.4, 0.7, 1.3  # of constants


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def raw(begin):
    """The study of the template's family, changed as on the page."""
    made = begin()
    file = Path(made["family"])
    file.write_text(file.read_text() + "\n\n" + "\n\n".join(blocks("python")))
    file.with_suffix(".stan").write_text(blocks("stan")[0])
    return made | yaml.safe_load(blocks("yaml")[0])


@pytest.fixture
def family(raw):
    return families.find(raw["family"])


@pytest.mark.usefixtures("without_pause")
def test_the_family_of_the_page_passes_its_trial(raw):
    assert len(raw["priors"]) == 2
    assert tried(raw)


def test_modules_of_named_priors_decide_its_numbers(raw):
    assert "named_priors.py" in {file.name for file in closure([Path(raw["family"])])}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("expo(1)", "tau: got 'expo(1)', must be "),
        ("exponential(0)", "tau: got 'exponential(0)', its beta must be above 0"),
        ("lkj(1)", "tau: got 'lkj(1)', must be "),
        (1, "tau: got 1, must be text such as exponential(1)"),
    ],
)
def test_a_wrong_text_is_refused_with_the_study(raw, text, said):
    assert f"priors.wrong.{said}" in refused(raw | {"priors": {"wrong": PRIOR | {"tau": text}}})


@pytest.mark.parametrize("before", [{}, {"right": PRIOR}])
@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("mu", "flat", "must be one of"),
        ("tau", "uniform(-2, -1)", "must have some of its probability above 0"),
        ("sigma", "constant(-1)", "must be above 0"),
    ],
)
def test_a_distribution_that_does_not_fit_is_refused_with_the_study(raw, before, key, text, said):
    priors = before | {"wrong": PRIOR | {key: text}}
    assert f"priors.wrong.{key}: got '{text}', {said}" in refused(raw | {"priors": priors})


@pytest.mark.usefixtures("without_pause")
def test_a_bound_that_only_the_function_names_is_held_in_the_trial(raw):
    file = Path(raw["family"])
    file.write_text(file.read_text().replace(", low=0)", ")"))
    priors = {"wrong": PRIOR | {"tau": "uniform(-2, -1)"}}
    said = tried_in_vain(raw | {"priors": priors})
    assert "uniform(-2, -1) must have some of its probability above 0" in said
    assert "with the prior wrong" in said


def test_standard_deviations_are_those_of_the_distributions(family):
    texts = {"mu": "cauchy(0, 1)", "tau": "normal(0, 2)", "sigma": "constant(1)"}
    assert family.prior_sd(family.Prior(**texts), "hierarchical") == pytest.approx(
        {"tau": stats.halfnorm(scale=2).std()}
    )


@pytest.mark.parametrize(
    ("mu", "prior"),
    [
        ("student_t(3, 0, 0.5)", stats.t(3, 0, 0.5)),
        ("gamma(2, 4)", stats.gamma(2, scale=1 / 4)),
        ("uniform(-0.2, 0.5)", stats.uniform(-0.2, 0.7)),
    ],
)
def test_the_posterior_of_a_mean_is_that_of_quadrature(family, mu, prior):
    columns = dataset(family)
    texts = {"mu": mu, "tau": f"constant({TAU})", "sigma": f"constant({SIGMA})"}
    density = stats.norm(means_of(columns)[:, None], np.hypot(TAU, SIGMA / 2))
    compare(family, columns, texts, "mu", lambda x: density.pdf(x).prod(axis=0) * prior.pdf(x))


@pytest.mark.parametrize(
    ("tau", "prior"),
    [
        ("cauchy(0, 1)", stats.halfcauchy()),
        ("student_t(3, 0.5, 0.3)", stats.t(3, 0.5, 0.3)),
        ("uniform(-1, 0.9)", stats.uniform(-1, 1.9)),
        ("inv_gamma(2, 1)", stats.invgamma(2)),
    ],
)
def test_the_posterior_of_a_standard_deviation_is_that_of_quadrature(family, tau, prior):
    columns = dataset(family)
    texts = {"mu": f"constant({MEAN})", "tau": tau, "sigma": f"constant({SIGMA})"}
    y = means_of(columns)[:, None]

    def density(x):
        likelihood = stats.norm(MEAN, np.hypot(x, SIGMA / 2)).pdf(y).prod(axis=0)
        return likelihood * prior.pdf(x) * (x > 0)

    compare(family, columns, texts, "tau", density)


def dataset(family):
    """Six participants with four observations each."""
    truth = family.Truth(mu=0.3, tau=0.8, sigma=SIGMA)
    return family.simulate(truth, 6, 4, np.random.default_rng(7))[0]


def means_of(columns) -> np.ndarray:
    return columns["y"].reshape(6, 4).mean(axis=1)


def compare(family, columns, texts, parameter, density):
    """Hold a posterior mean to that of a density on a fine grid."""
    prior = family.Prior(**texts)
    draws = sampled_programs.sample("hierarchical", columns, prior, SETTINGS, family)
    (mean,), (error,) = sampled_programs.means(draws, [parameter])
    grid = np.linspace(-10, 60, 700_001)
    weight = density(grid)
    right = integrate.trapezoid(grid * weight, grid) / integrate.trapezoid(weight, grid)
    assert error < 0.02
    assert abs(mean - right) < 4 * error
