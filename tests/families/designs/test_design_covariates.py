"""Covariates and missing rows.

ALPHA is the rate at which a test of randomness would fail with a random seed if the code is
correct.
"""

import numpy as np
import pytest
from scipy import stats

from recovery.families.designs import read_design, simulate_rows

ALPHA = 1e-3
SEED = 20261122


def rows(design, participants, groups=None, sizes=None, observations=1, seed=SEED):
    read = read_design(design, groups or dict.fromkeys(sizes or {}))
    return simulate_rows(read, participants, sizes or {}, observations, np.random.default_rng(seed))


def test_random_covariates_have_a_value_per_row_or_per_group():
    design = {"x": {"normal": [0, 1]}, "z": {"uniform": [0, 2], "between": "item"}}
    columns = rows(design, 3, sizes={"item": 4}, observations=2)
    assert np.unique(columns["x"]).size == 24
    assert len(set(zip(columns["item"], columns["z"], strict=True))) == 4
    assert columns["x"].dtype == columns["z"].dtype == float


def test_covariates_are_drawn_in_the_order_of_the_design():
    design = {
        "u": {"uniform": [1, 3], "between": "participant"},
        "f": {"levels": ["a", "b"]},
        "x": {"normal": [5, 2]},
        "b": {"bernoulli": 0.3, "between": "participant"},
    }
    columns = rows(design, 3)
    rng = np.random.default_rng(SEED)
    np.testing.assert_array_equal(columns["u"], np.repeat(rng.uniform(1, 3, 3), 2))
    np.testing.assert_allclose(columns["x"], 5 + 2 * rng.standard_normal(6))
    np.testing.assert_array_equal(columns["b"], np.repeat(rng.random(3) < 0.3, 2))
    assert list(columns) == ["participant", "u", "f", "x", "b"]


@pytest.mark.parametrize(
    ("keys", "distribution"),
    [
        ({"normal": [100, 15]}, stats.norm(100, 15)),
        ({"uniform": [-1, 2]}, stats.uniform(-1, 3)),
    ],
)
def test_values_have_their_distribution(keys, distribution):
    values = rows({"x": keys}, 2000)["x"]
    assert stats.kstest(values, distribution.cdf).pvalue > ALPHA


def test_bernoulli_values_are_0_and_1_with_their_probability():
    values = rows({"x": {"bernoulli": 0.3}}, 2000)["x"]
    assert set(values) == {0.0, 1.0}
    assert stats.binomtest(int(values.sum()), 2000, 0.3).pvalue > ALPHA


def test_correlated_normals_have_their_means_sds_and_correlations():
    # Fisher's z of a sample correlation has an SD of 1 / sqrt(n - 3). The 3 correlations share
    # ALPHA; so do the means, and the SDs.
    design = {
        "w": {"normal": [10, 3], "correlated": {"x": 0.5, "v": -0.4}},
        "between": {"normal": [0, 1], "between": "participant"},
        "x": {"normal": [0, 1]},
        "v": {"normal": [0, 0.1], "correlated": {"x": 0.2}},
    }
    n = 20_000
    columns = rows(design, n // 10, observations=10)
    limit = stats.norm.isf(ALPHA / 6)
    for (a, b), rho in {("w", "x"): 0.5, ("w", "v"): -0.4, ("x", "v"): 0.2}.items():
        z = np.arctanh(np.corrcoef(columns[a], columns[b])[0, 1]) - np.arctanh(rho)
        assert abs(z) * np.sqrt(n - 3) < limit
    for name, mean, sd in (("w", 10, 3), ("x", 0, 1), ("v", 0, 0.1)):
        assert abs(columns[name].mean() - mean) * np.sqrt(n) / sd < limit
        tail = stats.chi2(n - 1).cdf(columns[name].var(ddof=1) * (n - 1) / sd**2)
        assert min(tail, 1 - tail) > ALPHA / 6


def test_correlated_covariates_of_groups_have_a_value_per_group():
    design = {
        "a": {"normal": [0, 1], "between": "participant"},
        "b": {"normal": [0, 1], "between": "participant", "correlated": {"a": 0.999999}},
    }
    columns = rows(design, 5, observations=3)
    assert np.unique(columns["a"]).size == np.unique(columns["b"]).size == 5
    np.testing.assert_allclose(columns["a"], columns["b"], atol=0.02)  # SD of a difference 0.0014


# Fixed values


def test_a_sequence_restarts_in_every_combination():
    design = {"days": {"sequence": [10, 2]}, "f": {"levels": ["a", "b"]}}
    assert rows(design, 2, observations=3)["days"].tolist() == [10, 12, 14] * 4


def test_values_are_dealt_in_turn():
    assert rows({"dose": {"values": [0, 5, 10]}}, 2, observations=4)["dose"].tolist() == [
        *(0, 5, 10, 0),
        *(0, 5, 10, 0),
    ]


def test_a_sequence_between_groups_goes_over_the_groups():
    design = {
        "t": {"sequence": [1, 1], "between": "item"},
        "d": {"values": [3, 4], "between": "item"},
    }
    columns = rows(design, 2, sizes={"item": 3})
    assert columns["t"].tolist() == [1, 2, 3] * 2
    assert columns["d"].tolist() == [3, 4, 3] * 2


def test_a_sequence_between_nested_groups_restarts_in_every_parent():
    groups = {"session": {"in": "participant", "each": [3, 2]}}
    columns = rows({"t": {"sequence": [0, 1], "between": "session"}}, 3, groups)
    assert columns["t"].tolist() == [0, 1, 2, 0, 1, 0, 1, 2]


# Missing rows


def test_missing_rows_are_drawn_last():
    design = {"x": {"normal": [0, 1]}, "b": {"bernoulli": 0.5}}
    whole = rows(design, 20, observations=5)
    columns = rows({"missing": 0.5, **design}, 20, observations=5)
    rng = np.random.default_rng(SEED)
    rng.standard_normal(100)
    rng.random(100)
    uniform = rng.random(100).reshape(20, 5)
    observed = uniform >= 0.5
    observed[np.arange(20), uniform.argmax(axis=1)] = True
    for name in whole:
        np.testing.assert_array_equal(columns[name], whole[name][observed.ravel()])


def test_every_group_keeps_a_row():
    groups = {"item": None, "session": {"in": "participant", "each": [2]}}
    columns = rows({"missing": 0.999}, 5, groups, {"item": 30})
    assert set(columns["participant"]) == set(range(1, 6))
    assert set(columns["session"]) == set(range(1, 11))
    assert set(columns["item"]) == set(range(1, 31))


def test_rows_are_missing_with_the_chance_of_their_cell():
    chances = {"a": {"u": 0, "v": 0.1}, "b": {"u": 0.3, "v": 0.6}}
    design = {
        "f": {"levels": ["a", "b"]},
        "g": {"levels": ["u", "v"], "between": "participant"},
    }
    n = 2000
    columns = rows(design | {"missing": {"g:f": _turned(chances)}}, 2, observations=n)
    for f, row in enumerate(chances.values(), start=1):
        for g, chance in enumerate(row.values(), start=1):
            missing = n - np.sum((columns["f"] == f) & (columns["g"] == g))
            assert stats.binomtest(int(missing), n, chance).pvalue > ALPHA / 4


def _turned(chances):
    return {inner: {outer: row[inner] for outer, row in chances.items()} for inner in ("v", "u")}


def test_rows_are_missing_with_the_chance_of_their_level():
    design = {"f": {"levels": ["a", "b"]}, "missing": {"f": {"b": 0.4, "a": 0}}}
    columns = rows(design, 2, observations=1000)
    assert np.sum(columns["f"] == 1) == 2000
    assert stats.binomtest(int(np.sum(columns["f"] == 2)), 2000, 0.6).pvalue > ALPHA


def test_no_random_numbers_are_used_if_no_row_can_be_missing():
    rng = np.random.default_rng(SEED)
    simulate_rows(read_design({"missing": 0}, {}), 3, {}, 2, rng)
    assert rng.random() == np.random.default_rng(SEED).random()
