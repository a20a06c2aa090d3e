"""Estimates of a cell with given errors, and two cells compared."""

import numpy as np
import pandas as pd
from scipy import stats

from recovery.score import measures
from recovery.score.measures import Fits, Replicates

LEVEL = 0.9
Z = stats.norm.ppf(0.95)


def replicates(error, truth=0.0, sd=1.0, **known) -> Replicates:
    """Estimates with these errors; intervals are mean -+ 1.645 sd."""
    error = np.asarray(error, dtype=float)
    truth, sd = np.broadcast_to(truth, error.shape), np.broadcast_to(sd, error.shape)
    mean = truth + error
    bounds = {LEVEL: (mean - Z * sd, mean + Z * sd)}
    number, mcse = np.arange(1, error.size + 1), 0.02 * sd
    return Replicates(number, truth, mean, sd, mcse, bounds, **known)


def fits(converged=(1, 2, 3), **estimates) -> Fits:
    return Fits(estimates, np.array(converged))


def rows(table, **keys) -> pd.DataFrame:
    """The rows of a table with these keys, by measure; those of the one level where there are."""
    for name, value in keys.items():
        table = table[table[name] == value]
    return table.set_index("measure")


def compare(first, second, converged=((1, 2, 3), (1, 2, 3))) -> pd.DataFrame:
    cells = {
        ("m", "p"): fits(converged[0], beta=first),
        ("n", "p"): fits(converged[1], beta=second),
    }
    return measures.comparison(cells)
