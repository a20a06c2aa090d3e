"""The trial refuses a family whose functions do not depend on their arguments alone."""

import pytest
from own_families import tried_in_vain
from slow_cases import slow_after

pytestmark = pytest.mark.usefixtures("in_the_repository")

RNG = "it must draw from `rng` alone, not from `random`, `numpy.random`, the clock, numbers drawn"
ODD = {  # what stands at the top of the file, and what a function adds to its numbers
    "drawn at load": ("SHIFT = np.random.normal()", "SHIFT"),
    "the clock": ("import time", "1e-6 * time.time()"),
    "the process": ("import os", "os.getpid()"),
    "a count of calls": ("COUNT = []", "(COUNT.append(1) or len(COUNT))"),
    "a generator of its own": ("RNG = np.random.default_rng()", "RNG.normal()"),
    "drawn at load by random": ("import random; SHIFT = random.random()", "SHIFT"),
    "seconds": ("import time", "int(time.time())"),
    "the date": ("import datetime", "datetime.date.today().toordinal()"),
    "the hour": ("import time", "time.localtime().tm_hour"),
    "the order of a set": ("ORDER = [*{'a', 'b', 'c', 'd', 'e', 'f', 'g'}]", "ORDER.index('d')"),
    "the hash of text": ("", "hash('text') % 1000"),
    "a seeded generator of its own": ("RNG = np.random.default_rng(1)", "RNG.normal()"),
    "numpy.random, seeded": ("np.random.seed(1)", "np.random.normal()"),
}


@pytest.mark.parametrize("kind", slow_after(4, ODD))
def test_a_generator_draws_from_its_rng_alone(begin, kind):
    before, added = ODD[kind]
    raw = begin(
        ("family.py", "import numpy as np", f"import numpy as np\n{before}"),
        ("family.py", "    theta = truth.mu", f"    theta = {added} + truth.mu"),
    )
    said = tried_in_vain(raw | {"participants": [10]})
    assert f"{raw['family']}: simulate: gave other data for the same `rng`; {RNG}" in said


PRIOR_SD = "def prior_sd(prior):\n    return {'mu': 1 + abs(ADDED)}"
DENSITY = (
    "def log_likelihood(values, observations):\n"
    "    return np.zeros((observations['y'].size, values['mu'].size)) + ADDED"
)
OTHERS = {  # function: what it has in the template, what it has here
    "draw_truth": ("mu=rng.normal", "mu=ADDED + rng.normal"),
    "stan_data": ('"prior_mu_mean": prior', '"prior_mu_mean": ADDED + prior'),
    "log_likelihood": ("def stan_data(", f"{DENSITY}\n\n\ndef stan_data("),
    "prior_sd": ("def stan_data(", f"{PRIOR_SD}\n\n\ndef stan_data("),
}


@pytest.mark.parametrize("kind", slow_after(1, ["drawn at load", "a count of calls"]))
@pytest.mark.parametrize("function", OTHERS)
def test_other_functions_are_decided_by_their_arguments(begin, function, kind):
    (before, added), (old, new) = ODD[kind], OTHERS[function]
    raw = begin(
        ("family.py", "import numpy as np", f"import numpy as np\n{before}"),
        ("family.py", old, new.replace("ADDED", added)),
    )
    said = tried_in_vain(raw | {"participants": [10]})
    assert f"{raw['family']}: {function}: gave an" in said
    alone = "for the same `rng`; " if function == "draw_truth" else "for the same arguments; "
    assert alone in said


@pytest.mark.parametrize(
    ("old", "new"),
    slow_after(
        1,
        [
            ('"sigma": ()}', '"sigma": ()}\nPARAMETERS = {name: () for name in set(PARAMETERS)}'),
            ("    sigma: Positive\n", "    sigma: Positive\n    x: Real = hash('x')\n"),
        ],
    ),
)
def test_a_file_says_the_same_in_every_process(begin, old, new):
    raw = begin(("family.py", old, new))
    said = tried_in_vain(raw)
    assert f"{raw['family']}: load: gave other names, shapes, columns, models or fields; " in said
