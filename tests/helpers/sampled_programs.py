"""A program of multilevel_linear sampled, and the means of its draws."""

import numpy as np
from conftest import LINEAR, STAN

from recovery import engines
from recovery.engines.protocol import Program, Settings
from recovery.fit import posterior

SETTINGS = Settings(chains=4, warmup=1000, draws=3000, adapt_delta=0.97, max_treedepth=10)


def sample(model, columns, prior, settings=SETTINGS):
    engine = engines.find("stanli")
    loaded = engine.load(Program(str(STAN / "multilevel_linear" / f"{model}.stan"), str(STAN)))
    return engine.sample(loaded, LINEAR.stan_data(columns, prior), 20261122, settings)


def means(draws, names) -> tuple[np.ndarray, np.ndarray]:
    """Posterior means and their Monte Carlo errors."""
    found = posterior.convergence(draws, names)["mcse_mean"][:-1]
    return posterior.summarise(draws, names, [0.9])["mean"], found
