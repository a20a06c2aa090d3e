"""Tests of randomness: fixed seeds, and the rate at which each would fail with a fresh one."""

import numpy as np
from scipy import stats

ALPHA = 1e-3


def follows(sample, distribution) -> bool:
    """Whether a Kolmogorov-Smirnov test keeps the distribution, or its cumulative probability."""
    return stats.kstest(sample, getattr(distribution, "cdf", distribution)).pvalue > ALPHA


def close(estimates, expected, errors) -> bool:
    """Say whether all estimates are within their standard errors (Bonferroni)."""
    z = (np.asarray(estimates) - expected) / errors
    return np.abs(z).max() < stats.norm.isf(ALPHA / 2 / z.size)
