"""Datasets of several tests; a process started with `spawn` imports this module."""

import numpy as np

from recovery.families.family import NO_SIZES, Columns, Family, Values


def simulate(family: Family, truth: dict, seed: int, sizes: dict) -> tuple[Columns, Values]:
    """Return a dataset of 4 participants and its true values."""
    rng = np.random.default_rng(seed)
    observations = family.MOST_OBSERVATIONS or 5
    return family.simulate(family.Truth(**truth), 4, observations, rng, sizes)


def drawn_from_prior(
    family: Family, prior, rng: np.random.Generator, number: int, size=(2, 2), sizes=NO_SIZES
) -> list[tuple[Columns, Values]]:
    """Return datasets of truths from a prior: of 2 participants with 2 observations each."""
    return [
        family.simulate_joint(family.JOINT, prior, {}, *size, rng, sizes) for _ in range(number)
    ]
