"""Posteriors of the Stan programs, against each other and against external sources.

Posterior means are compared within 4 combined Monte Carlo errors: type I error 6e-5 each.
"""

import json
import subprocess

import numpy as np
import pytest
from conftest import ROOT, STAN
from sampled_programs import means, sample

from recovery import families
from recovery.tables import read_csv

family = families.find("multilevel_linear")

REFERENCE = json.loads((ROOT / "tests" / "reference" / "expected.json").read_text())["sleepstudy"]
FLAT = family.Prior(beta_mean=0, beta_sd=1e4, sigma_p_rate=1e-4, sigma_rate=1e-4, lkj_eta=1)
FILES = sorted(STAN.rglob("*.stan"))
PIECES = {"functions": "functions", "multilevel": "data"}  # folders of what programs include


def least_squares(columns, rows) -> np.ndarray:
    x, y = columns["x"][rows], columns["y"][rows]
    return np.linalg.lstsq(np.column_stack([np.ones(x.size), x]), y, rcond=None)[0]


@pytest.fixture(scope="module")
def dataset():
    truth = family.Truth(beta=(0.5, 1.0), sigma_p=(1.0, 0.5), rho=0.3, sigma=1.0)
    return family.simulate(truth, 16, 12, np.random.default_rng(1))[0]


@pytest.fixture(scope="module")
def sleepstudy():
    columns = family.ObservedColumns(outcome="Reaction", predictor="Days", participant="Subject")
    return family.read_observed(read_csv(ROOT / "config/data/sleepstudy.csv"), columns, False)


@pytest.mark.slow
def test_both_parametrisations_have_the_same_posterior(dataset, prior):
    names = [*family.PARAMETERS, *(f"beta_p[{j},{k}]" for k in (1, 2) for j in range(1, 17))]
    result = [means(sample(model, dataset, prior), names) for model in ("centered", "noncentered")]
    (one, error), (other, other_error) = result
    assert np.all(np.abs(one - other) < 4 * np.hypot(error, other_error))


@pytest.mark.parametrize(
    "model",
    [
        "marginal",
        *(pytest.param(each, marks=pytest.mark.slow) for each in ("centered", "noncentered")),
    ],
)
def test_the_posterior_of_sleepstudy_is_that_of_cmdstan(model, sleepstudy):
    reference = REFERENCE["posterior_cmdstan"]
    hyperparameters = reference["priors"].items()
    prior = family.Prior(**{name.removeprefix("prior_"): value for name, value in hyperparameters})
    draws = sample(model, sleepstudy, prior)
    mean, error = means(draws, list(family.PARAMETERS))
    for name, ours, our_error in zip(family.PARAMETERS, mean, error, strict=True):
        theirs = reference["posterior"][name]
        assert abs(ours - theirs["mean"]) < 4 * np.hypot(our_error, theirs["mcse_mean"]), name


def test_unpooled_beta_is_the_mean_of_participants_in_every_draw(dataset, prior):
    draws = sample("unpooled", dataset, prior)
    groups = family.group_coefficients(draws.names)
    for k in (1, 2):
        members = [draws.names.index(name) for name in groups[f"beta_p[,{k}]"]]
        beta = draws.values[:, :, draws.names.index(f"beta[{k}]")]
        assert len(members) == 16
        np.testing.assert_allclose(beta, draws.values[:, :, members].mean(axis=2), atol=1e-12)


def test_with_a_flat_prior_the_pooled_model_is_least_squares(dataset):
    mean, error = means(sample("pooled", dataset, FLAT), ["b_Intercept", "b_x"])
    assert np.all(np.abs(mean - least_squares(dataset, slice(None))) < 4 * error)


def test_with_a_flat_prior_the_unpooled_model_is_least_squares_for_every_participant(dataset):
    draws = sample("unpooled", dataset, FLAT)
    for participant in range(1, 17):
        names = [f"beta_p[{participant},{k}]" for k in (1, 2)]
        mean, error = means(draws, names)
        expected = least_squares(dataset, dataset["participant"] == participant)
        assert np.all(np.abs(mean - expected) < 4 * error), participant


# Format of the programs


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_lines_have_at_most_80_columns(file):
    assert [line for line in file.read_text().splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_programs_are_formatted_by_stanc(file, cmdstan_home, tmp_path):
    text = file.read_text()
    if block := PIECES.get(file.parent.name):  # stanc takes whole programs only
        inside = "".join(f"  {line}".rstrip() + "\n" for line in text.splitlines())
        text = f"{block} {{\n{inside}}}\n"
        file = tmp_path / file.name
        file.write_text(text)
    command = [cmdstan_home / "bin" / "stanc", f"--include-paths={STAN}", "--auto-format", file]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    formatted = [line.rstrip() for line in done.stdout.rstrip().splitlines()]
    assert formatted == text.splitlines()
