"""Posteriors of the Stan programs, against each other and against external sources.

Posterior means are compared within 4 combined Monte Carlo errors: type I error 6e-5 each.
"""

import json
import re
import subprocess
import textwrap

import numpy as np
import pytest
from classical_fits import simulated
from conftest import ROOT, STAN
from sampled_programs import means, sample

from recovery import families
from recovery.tables import read_csv

family = families.find("multilevel_linear")
AT_ZERO = families.find(
    {"name": "multilevel_linear", "formula": "y ~ 0 + Intercept + x + (x | participant)"}
)

REFERENCE = json.loads((ROOT / "tests" / "reference" / "expected.json").read_text())["sleepstudy"]
FLAT = family.Prior(
    Intercept="normal(0, 1e4)",
    b="normal(0, 1e4)",
    sd="exponential(1e-4)",
    cor="lkj(1)",
    sigma="exponential(1e-4)",
)
COEFFICIENTS = ("Intercept", "x")
DEVIATIONS = [f"r_participant[{j},{each}]" for each in COEFFICIENTS for j in range(1, 17)]
FILES = sorted(STAN.rglob("*.stan"))
THEIR_NAMES = ("beta[1]", "beta[2]", "sigma_p[1]", "sigma_p[2]", "Omega[1,2]", "sigma")


def least_squares(columns, rows) -> np.ndarray:
    x, y = columns["x"][rows], columns["y"][rows]
    return np.linalg.lstsq(np.column_stack([np.ones(x.size), x]), y, rcond=None)[0]


@pytest.fixture(scope="module")
def dataset():
    return simulated(participants=16, observations=12)


@pytest.fixture(scope="module")
def sleepstudy():
    columns = family.ObservedColumns(y="Reaction", x="Days", participant="Subject")
    return family.read_observed(read_csv(ROOT / "config/data/sleepstudy.csv"), columns, False)


@pytest.mark.slow
def test_both_parametrisations_have_the_same_posterior(dataset, prior):
    names = [*family.PARAMETERS, *DEVIATIONS]
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
    prior = AT_ZERO.Prior(
        b_Intercept="normal(250, 50)",
        b="normal(10, 10)",
        sd_participant__Intercept="exponential(0.04)",
        sd_participant__x="exponential(0.2)",
        cor="lkj(2)",
        sigma="exponential(0.04)",
    )
    assert reference["priors"] == {
        "prior_beta_mean": [250, 10],
        "prior_beta_sd": [50, 10],
        "prior_sigma_p_rate": [0.04, 0.2],
        "prior_sigma_rate": 0.04,
        "prior_lkj_eta": 2,
    }
    draws = sample(model, sleepstudy, prior, family=AT_ZERO)
    mean, error = means(draws, list(AT_ZERO.PARAMETERS))
    for name, ours, our_error in zip(THEIR_NAMES, mean, error, strict=True):
        theirs = reference["posterior"][name]
        assert abs(ours - theirs["mean"]) < 4 * np.hypot(our_error, theirs["mcse_mean"]), name


def test_unpooled_b_is_the_mean_of_participants_in_every_draw(dataset, prior):
    draws = sample("unpooled", dataset, prior)
    groups = family.group_coefficients(draws.names)
    for k, name in enumerate(COEFFICIENTS, start=1):
        own = [draws.names.index(f"B[{k},{j}]") for j in range(1, 17)]
        b = draws.values[:, :, draws.names.index(f"b_{name}")]
        np.testing.assert_allclose(b, draws.values[:, :, own].mean(axis=2), atol=1e-12)
        members = [draws.names.index(each) for each in groups[f"r_participant[,{name}]"]]
        deviations = draws.values[:, :, own] - b[:, :, None]
        np.testing.assert_allclose(draws.values[:, :, members], deviations, atol=1e-12)


def test_with_a_flat_prior_the_pooled_model_is_least_squares(dataset):
    mean, error = means(sample("pooled", dataset, FLAT), ["b_Intercept", "b_x"])
    assert np.all(np.abs(mean - least_squares(dataset, slice(None))) < 4 * error)


def test_with_a_flat_prior_the_unpooled_model_is_least_squares_for_every_participant(dataset):
    draws = sample("unpooled", dataset, FLAT)
    for participant in range(1, 17):
        names = [f"B[{k},{participant}]" for k in (1, 2)]
        mean, error = means(draws, names)
        expected = least_squares(dataset, dataset["participant"] == participant)
        assert np.all(np.abs(mean - expected) < 4 * error), participant


# Format of the programs


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_lines_have_at_most_80_columns(file):
    assert [line for line in file.read_text().splitlines() if len(line) > 80] == []


def in_a_program(file) -> str:
    """The text of a program; that of a piece in a program which includes it."""
    text, line = file.read_text(), f"#include {file.relative_to(STAN)}"
    if file.parent.name == "functions":
        return f"functions {{\n{textwrap.indent(text, '  ')}}}\n"
    host = next((each for each in FILES if line in each.read_text()), None)
    if host is None:
        return text
    whole = in_a_program(host)
    (indent,) = {found[1] for found in re.finditer(rf"^( *){re.escape(line)}$", whole, re.M)}
    return whole.replace(indent + line, textwrap.indent(text.rstrip("\n"), indent))


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_programs_are_formatted_by_stanc(file, cmdstan_home, tmp_path):
    text = in_a_program(file)  # stanc takes whole programs only
    file = tmp_path / file.name
    file.write_text(text)
    command = [cmdstan_home / "bin" / "stanc", f"--include-paths={STAN}", "--auto-format", file]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    formatted = [line.rstrip() for line in done.stdout.rstrip().splitlines()]
    assert formatted == text.splitlines()
