"""A program of a regression sampled, and the means of its draws."""

from dataclasses import replace

import numpy as np
from conftest import LINEAR, STAN

from recovery import engines
from recovery.engines.protocol import Program, Settings
from recovery.fit import posterior

SETTINGS = Settings(chains=4, warmup=1000, draws=3000, adapt_delta=0.97, max_treedepth=10)


def sample(model, columns, prior, settings=SETTINGS, family=LINEAR, seed=20261122):
    """Draws from a posterior, under the family's names."""
    engine = engines.find("stanli")
    loaded = engine.load(Program(str(family.program(model, STAN)), str(STAN)))
    data = family.stan_data(columns, prior, model)
    draws = engine.sample(loaded, data, seed, settings)
    return replace(draws, names=family.parameter_names(draws.names, columns))


def means(draws, names) -> tuple[np.ndarray, np.ndarray]:
    """Posterior means and their Monte Carlo errors."""
    found = posterior.convergence(draws, names)["mcse_mean"][:-1]
    return posterior.summarise(draws, names, [0.9])["mean"], found
