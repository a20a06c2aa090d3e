"""The trial of a family ends, with a short message, whatever the family does."""

import pytest
from conftest import STAN
from own_families import tried_in_vain
from slow_cases import slow_after

from recovery import families
from recovery.common.errors import StudyError
from recovery.run import preflight
from recovery.study.parse import parse

pytestmark = pytest.mark.usefixtures("in_the_repository", "without_pause")

ENDLESS = {
    "simulate": ("    theta = truth.mu", "    while True: pass\n    theta = truth.mu"),
    "draw_truth": ("    return Truth(", "    while True: pass\n    return Truth("),
    "stan_data": ('    return {\n        "N"', '    while True: pass\n    return {\n        "N"'),
    "prior_sd": (
        "def stan_data(",
        "def prior_sd(prior):\n    while True: pass\n\n\ndef stan_data(",
    ),
    "log_likelihood": (
        "def stan_data(",
        "def log_likelihood(values, data):\n    while True: pass\n\n\ndef stan_data(",
    ),
}
LOOP = "real endless = 0;\n  while (1) { endless += 1; }"
ENDLESS_DATA = ("family.stan", "parameters {", f"transformed data {{ {LOOP} }}\nparameters {{")


@pytest.mark.parametrize("function", slow_after(1, ENDLESS))
def test_a_function_that_does_not_end_is_said_by_the_time_limit(begin, function):
    raw = begin(("family.py", *ENDLESS[function]))
    raw |= {"sampler": {"time_limit": 2.0}, "participants": [10]}
    said = f"{raw['family']}: {function}: time limit: took more than 2 seconds"
    assert said in tried_in_vain(raw)


ENDLESS_MODEL = ("family.stan", "model {", f"model {{ {LOOP}")


@pytest.mark.parametrize(
    "change",
    [ENDLESS_DATA, pytest.param(ENDLESS_MODEL, marks=pytest.mark.slow)],
    ids=["data", "model"],
)
def test_a_program_that_does_not_end_is_said_by_the_time_limit(begin, change):
    raw = begin(change) | {"sampler": {"time_limit": 2.0}, "participants": [10]}
    said = "means.stan: a fit of 50 iterations: time limit: took more than 2 seconds"
    assert said in tried_in_vain(raw)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("os._exit(0)", "the process of the trial died: exit code 0"),
        ("os.abort()", "the process of the trial died: SIGABRT"),
        ("sys.exit(0)", "raised SystemExit: 0"),
        ("raise KeyboardInterrupt", "raised KeyboardInterrupt: "),
    ],
)
def test_an_exit_is_no_success(begin, does, said):
    raw = begin(
        ("family.py", "import numpy as np", "import os, sys\nimport numpy as np"),
        ("family.py", "    theta = truth.mu", f"    {does}\n    theta = truth.mu"),
    )
    assert f"{raw['family']}: simulate: {said}" in tried_in_vain(raw)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("does", "lines"),
    [
        ("simulate(truth, participants, observations, rng)", 13),
        ("raise ValueError('x' * 10**8)", 3),
    ],
)
def test_what_is_said_stays_short(begin, does, lines):
    raw = begin(("family.py", "    theta = truth.mu", f"    {does}\n    theta = truth.mu"))
    said = tried_in_vain(raw)
    assert len(said.splitlines()) == lines
    assert len(said) < 4000


def refused_before_any_job(raw) -> str:
    study = parse(raw | {"sampler": {"time_limit": 2.0}}, families.find)
    with pytest.raises(StudyError) as error:
        preflight.try_programs(study, STAN, "stanli")
    return str(error.value)


@pytest.mark.slow
def test_checks_before_work_end_too(begin):
    limit = "time limit: took more than 2 seconds, with a dataset of the first prior"
    assert f"means.stan: {limit}" in refused_before_any_job(begin(ENDLESS_DATA))
    endless = begin(("family.py", *ENDLESS["simulate"]))
    assert f"means.py: simulate or stan_data: {limit}" in refused_before_any_job(endless)
