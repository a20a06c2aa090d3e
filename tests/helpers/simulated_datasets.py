"""Datasets that are simulated in a process started with `spawn`, which imports this module."""

import numpy as np

from recovery.families.family import Columns, Family, Values


def simulate(family: Family, truth: dict, seed: int, sizes: dict) -> tuple[Columns, Values]:
    """Return a dataset of 4 participants and its true values."""
    rng = np.random.default_rng(seed)
    observations = family.MOST_OBSERVATIONS or 5
    return family.simulate(family.Truth(**truth), 4, observations, rng, sizes)
