"""Intervals of Monte Carlo error: the bars of figures, and intervals of paired proportions."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats
from statsmodels.stats.proportion import proportion_confint

from recovery.score.measures.monte_carlo import half_width, paired_difference, with_bounds

Z = stats.norm.isf(0.025)


def test_missing_bounds_are_those_of_students_t():
    columns = {"value": [0.5, 2.0], "mcse": [0.1, 0.1], "n_replicates": [20, 13]}
    result = with_bounds(pd.DataFrame(columns | {"lower": [0.3, np.nan], "upper": [0.7, np.nan]}))
    t = stats.t.isf(0.025, 12)
    assert result["lower"].tolist() == pytest.approx([0.3, 2 - 0.1 * t])
    assert result["upper"].tolist() == pytest.approx([0.7, 2 + 0.1 * t])


@pytest.mark.parametrize("n", [5, 20])
def test_bars_of_a_mean_contain_it_at_their_rate(rng, n):
    # 20,000 means of normal values: 4 standard errors of a share of 95 % are 0.6 percentage points.
    values = rng.normal(size=(20_000, n))
    half = half_width(values.std(axis=1, ddof=1) / np.sqrt(n), n)
    assert (np.abs(values.mean(axis=1)) < half).mean() == pytest.approx(0.95, abs=0.006)


def score(first_alone, second_alone, n, difference):
    """The score statistic from the likelihood, maximised over the nuisance parameter."""
    rest = n - first_alone - second_alone

    def loss(q):  # q: probability of a hit of the second only
        chances = q + difference, q, 1 - 2 * q - difference
        counts = first_alone, second_alone, rest
        return -sum(k * np.log(max(c, 1e-300)) for k, c in zip(counts, chances, strict=True) if k)

    ends = max(0, -difference), (1 - difference) / 2
    q = optimize.minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-12}).x
    variance = n * (2 * q + difference - difference**2)
    return (first_alone - second_alone - n * difference) / np.sqrt(variance)


@pytest.mark.parametrize(
    ("first", "second", "n"), [(12, 9, 44), (5, 0, 20), (1, 3, 20), (7, 7, 14)]
)
def test_ends_of_a_paired_difference_are_where_the_score_test_rejects(first, second, n):
    low, high = paired_difference(first, second, n)
    assert score(first, second, n, low) == pytest.approx(Z, abs=1e-3)
    assert score(first, second, n, high) == pytest.approx(-Z, abs=1e-3)


def test_equal_outcomes_in_all_pairs_still_have_an_interval():
    low, high = paired_difference(20, 0, 20)
    assert high == 1
    assert low == pytest.approx(2 * proportion_confint(20, 20, method="wilson")[0] - 1)
    low, high = paired_difference(0, 0, 20)
    assert -low == pytest.approx(high)
    assert high == pytest.approx(Z**2 / (20 + Z**2))
    assert paired_difference(0, 20, 20) == pytest.approx((-1, -paired_difference(20, 0, 20)[0]))


@pytest.mark.parametrize("chances", [(0.15, 0.0), (0.3, 0.1), (0.05, 0.05)])
def test_intervals_of_a_paired_difference_contain_it_at_about_their_rate(rng, chances):
    n, difference = 20, chances[0] - chances[1]
    counts = rng.multinomial(n, [*chances, 1 - sum(chances)], 4000)[:, :2]
    pairs, times = np.unique(counts, axis=0, return_counts=True)
    ends = np.array([paired_difference(*map(int, pair), n) for pair in pairs])
    holds = (ends[:, 0] <= difference) & (difference <= ends[:, 1])
    assert 0.92 < times[holds].sum() / times.sum() <= 1
