"""Answers of fits to decisions, their rates and their paired differences."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from recovery.score import decision_rates
from recovery.score.measures import Fits, from_table
from recovery.study.decisions import Equivalence, Evidence, Excludes, OneSided

LEVEL = 0.9
ZERO = Excludes(of="b", interval=LEVEL, excludes=0.0)
NEGLIGIBLE = Equivalence(of="b", rope=(-1.0, 1.0), interval=LEVEL, inside=True)
RELEVANT = Equivalence(of="b", rope=(-1.0, 1.0), interval=LEVEL, inside=False)
ABOVE = OneSided(of="b", above=1.0, probability=0.95)
BELOW = OneSided(of="b", below=-1.0, probability=0.95)
EVIDENCE = Evidence(of="b", null=0.0, bf=10.0)
CELL = ("m", "p")


def estimates(intervals, truth=0.0, sd=1.0, first=1, **known):
    """One fit for each interval; None is a fit without one."""
    ends = np.array([each or (np.nan, np.nan) for each in intervals], dtype=float)
    sds = np.where(np.isnan(ends[:, 0]), np.nan, sd)
    table = pd.DataFrame({"replicate": np.arange(first, first + len(ends)), "truth": truth})
    table = table.assign(mean=ends.mean(axis=1), median=ends.mean(axis=1), sd=sds)
    table = table.assign(low=ends[:, 0], high=ends[:, 1])
    return from_table(table, {LEVEL: ("low", "high")}, **known)


def outcome(rule, interval, truth):
    """The answer of one fit, and whether it is right or wrong."""
    found = decision_rates.answers(rule, estimates([interval], truth)).outcomes
    return {name for name, hits in found.items() if hits[0]}


def test_a_probability_is_the_bound_of_a_central_interval(rng):
    assert ABOVE.level == LEVEL
    assert OneSided(of="b", above=0.0, probability=0.975).level == 0.95
    draws = rng.normal(2.645, 1, (400, 1000))
    low = np.quantile(draws, (1 - LEVEL) / 2, axis=1)
    shares = (draws > 1).mean(axis=1)
    clear = np.abs(shares - 0.95) > 2 / 1000  # quantiles are interpolated
    yes = decision_rates.answers(ABOVE, estimates(list(zip(low, low + 9, strict=True)))).yes
    np.testing.assert_array_equal(yes[clear], shares[clear] >= 0.95)
    assert 0 < yes.mean() < 1


@pytest.mark.parametrize(
    ("rule", "interval", "truth", "expected"),
    [
        (ZERO, (0.1, 1), 0.5, {"yes", "right"}),
        (ZERO, (0.1, 1), -0.5, {"yes", "wrong"}),  # on the other side
        (ZERO, (0.1, 1), 0.0, {"yes", "wrong"}),
        (ZERO, (-2, -1), -0.5, {"yes", "right"}),
        (ZERO, (-1, 1), 0.0, {"no", "right"}),
        (ZERO, (-1, 1), 0.5, {"no", "wrong"}),
        (ZERO, (0, 1), 0.0, {"no", "right"}),  # ends are part of an interval
        (NEGLIGIBLE, (-1, 1), 0.0, {"yes", "right"}),  # and of a region
        (NEGLIGIBLE, (-0.5, 1), 1.0, {"yes", "right"}),
        (NEGLIGIBLE, (-0.5, 0.5), 1.1, {"yes", "wrong"}),
        (NEGLIGIBLE, (1.1, 2), 1.5, {"no", "right"}),
        (NEGLIGIBLE, (1.1, 2), -5.0, {"no", "right"}),  # outside, on either side
        (NEGLIGIBLE, (-2, -1.1), 0.0, {"no", "wrong"}),
        (NEGLIGIBLE, (0, 1.5), 0.0, {"undecided"}),
        (NEGLIGIBLE, (-5, 5), 0.0, {"undecided"}),
        (RELEVANT, (1.1, 2), 1.5, {"yes", "right"}),
        (RELEVANT, (1.1, 2), 0.0, {"yes", "wrong"}),
        (RELEVANT, (-0.5, 0.5), 0.0, {"no", "right"}),
        (RELEVANT, (-0.5, 0.5), 2.0, {"no", "wrong"}),
        (RELEVANT, (0, 1.5), 2.0, {"undecided"}),
        (ABOVE, (1.1, 2), 1.5, {"yes", "right"}),
        (ABOVE, (1.1, 2), 1.0, {"yes", "wrong"}),
        (ABOVE, (0.9, 2), 1.5, {"no", "wrong"}),
        (ABOVE, (0.9, 2), 1.0, {"no", "right"}),
        (BELOW, (-2, -1.1), -1.5, {"yes", "right"}),
        (BELOW, (-2, -1.1), 0.0, {"yes", "wrong"}),
        (BELOW, (-2, -0.9), 0.0, {"no", "right"}),
    ],
)
def test_an_answer_and_whether_the_truth_agrees_with_it(rule, interval, truth, expected):
    assert outcome(rule, interval, truth) == expected


def test_a_truth_that_follows_from_others_equals_a_value_up_to_rounding():
    truth = (0.3 - 0.1) - (0.6 - 0.4)
    assert truth != 0
    assert outcome(ZERO, (-1, 1), truth) == {"no", "right"}
    assert outcome(ZERO, (-1e-30, 1e-30), 1e-30) == {"no", "right"}  # the SD is 1


def test_an_interval_that_cannot_contain_0_answers_nothing():
    x = estimates([(1, 2), (1, 3)], one_sided=True)
    assert decision_rates.answers(ZERO, x).replicate.size == 0
    at_one = ZERO.model_copy(update={"excludes": 1.5})
    np.testing.assert_array_equal(decision_rates.answers(at_one, x).yes, [False, False])


@pytest.mark.parametrize(
    ("log_bf", "bound", "truth", "expected"),
    [
        (np.log(10), "exact", 1.0, {"yes", "right"}),
        (np.log(10), "exact", 0.0, {"yes", "wrong"}),
        (-np.log(10), "exact", 0.0, {"no", "right"}),
        (-np.log(10), "exact", 1.0, {"no", "wrong"}),
        (np.log(9.9), "exact", 1.0, {"undecided"}),
        (np.log(30), "at least", 1.0, {"yes", "right"}),
        (np.log(3), "at least", 1.0, {"undecided"}),
        (-np.log(30), "at least", 0.0, {"undecided"}),
    ],
)
def test_a_bayes_factor_or_a_bound_of_it_decides(log_bf, bound, truth, expected):
    table = pd.DataFrame({"replicate": [1], "parameter": "b", "null": 0.0, "log_bf": log_bf})
    other = table.assign(null=1.0, log_bf=-99.0)
    evidence = pd.concat([other, table]).assign(bound=bound)
    found = decision_rates.answers(EVIDENCE, estimates([(0, 1)], truth), evidence).outcomes
    assert {name for name, hits in found.items() if hits[0]} == expected


def test_fits_without_a_bayes_factor_have_no_answer():
    table = pd.DataFrame({"replicate": [3, 1], "parameter": "b", "null": 0.0, "bound": "exact"})
    table["log_bf"] = [5.0, np.nan]
    x = estimates([(0, 1)] * 4)
    assert decision_rates.answers(EVIDENCE, x, table).replicate.tolist() == [3]
    assert decision_rates.answers(EVIDENCE, x).replicate.tolist() == []


# Rates


def of_scenario(rules, cells, n_planned):
    return decision_rates.of_scenario(rules, cells, {}, n_planned)


def rates(rule, x, converged, n_planned):
    cells = {CELL: Fits({"b": x}, np.array(converged))}
    return of_scenario({"d": rule}, cells, n_planned)["decisions"].set_index(["subset", "outcome"])


def test_rates_are_shares_of_the_fits_with_an_answer():
    x = estimates([(-0.5, 0.5), (-0.5, 0.5), (2, 3), (0, 9), None], truth=0.0)
    table = rates(NEGLIGIBLE, x, [2, 3, 5], n_planned=7)
    every = table.loc["all"]
    assert every["n_of_outcome"].to_dict() == {
        "yes": 2,
        "no": 1,
        "undecided": 1,
        "right": 2,
        "wrong": 1,
    }
    assert set(every["n_replicates"]) == {4}
    assert set(every["n_left_out"]) == {3}  # one has no interval, two have no estimate
    converged = table.loc["converged"]
    assert converged["rate"].tolist() == [0.5, 0.5, 0, 0.5, 0.5]
    assert set(converged["n_left_out"]) == {1}


@pytest.mark.parametrize("n", [1, 5, 20, 200])
def test_the_interval_of_a_rate_is_wilsons(n):
    for hits in {0, 1, n // 3, n}:
        x = estimates([(1, 2)] * hits + [(-1, 1)] * (n - hits))
        row = rates(ZERO, x, [], n).loc[("all", "yes")]
        lower, upper = proportion_confint(hits, n, method="wilson")
        assert row["rate"] == hits / n
        assert row["mcse"] == pytest.approx(np.sqrt(hits / n * (1 - hits / n) / n))
        assert (row["lower"], row["upper"]) == pytest.approx((lower, upper), abs=1e-12)


def test_a_method_without_intervals_has_no_rates():
    table = rates(ZERO, estimates([None, None]), [1, 2], n_planned=2)
    assert table["rate"].isna().all()
    assert set(table["n_replicates"]) == {0}
    assert set(table["n_left_out"]) == {2}


def test_a_model_that_lacks_the_parameter_has_no_rows():
    cells = {
        CELL: Fits({"b": estimates([(0, 1)])}, np.array([1])),
        ("n", "p"): Fits({"c": estimates([(0, 1)])}, np.array([1])),
    }
    tables = of_scenario({"d": ZERO}, cells, 1)
    assert set(tables["decisions"]["model"]) == {"m"}
    assert tables["decision_differences"].empty


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_the_mcse_of_a_rate_is_the_spread_of_repeated_studies(rng, share):
    hits = rng.random((2000, 20)) < share
    got = [decision_rates._share(each) for each in hits]
    spread = np.std([each.value for each in got], ddof=1)
    mean_square = np.sqrt(np.mean(np.square([each.mcse for each in got])))
    # sqrt(p (1 - p) / n) is biased by (n - 1) / n in its square; 4 % is 2.5 of its SDs, 1 in 80
    assert mean_square * np.sqrt(20 / 19) == pytest.approx(spread, rel=0.04)


# Differences


def yes_where(hits, replicates):
    """A fit for each of these replicates, that excludes 0 where it is a hit."""
    table = [(1, 2) if hit else (-1, 2) for hit in hits]
    x = estimates(table, truth=1.5)
    return x.subset(np.asarray(replicates))


def test_differences_are_paired_over_the_replicates_of_both(rng):
    n = 60
    first, second = rng.random(n) < 0.7, rng.random(n) < 0.4
    have = (np.sort(rng.choice(n, 50, replace=False)) + 1 for _ in range(2))
    replicates = list(have)
    converged = [np.sort(rng.choice(each, 40, replace=False)) for each in replicates]
    names = [("m", "p"), ("m", "q")]
    cells = {
        name: Fits({"b": yes_where(hits, each)}, good)
        for name, hits, each, good in zip(
            names, (first, second), replicates, converged, strict=True
        )
    }
    table = of_scenario({"d": ZERO}, cells, n)["decision_differences"]
    keys = table[["compared", "first", "second", "given"]].drop_duplicates()
    assert keys.to_numpy().tolist() == [["prior", "p", "q", "m"]]
    by = table.set_index(["subset", "outcome"])
    for subset, sets in (("all", replicates), ("common", [*replicates, *converged])):
        both = sorted(set.intersection(*(set(each) for each in sets)))
        one, other = first[np.array(both) - 1] * 1.0, second[np.array(both) - 1] * 1.0
        row = by.loc[(subset, "yes")]
        assert row["n_pairs"] == len(both)
        assert row["first_rate"] == pytest.approx(one.mean())
        assert row["second_rate"] == pytest.approx(other.mean())
        assert row["value"] == pytest.approx(np.mean(one - other))
        assert row["mcse"] == pytest.approx(stats.sem(one - other))
        assert row["lower"] < row["value"] < row["upper"]
        # truth is above 0, so an answer is right if it is yes
        pd.testing.assert_series_equal(row, by.loc[(subset, "right")], check_names=False)


def test_an_estimator_is_compared_under_every_prior():
    x = yes_where([True, False, True], [1, 2, 3])
    names = [("m", "p"), ("m", "q"), ("reml", "no_prior")]
    cells = {name: Fits({"b": x}, x.replicate) for name in names}
    table = of_scenario({"d": ZERO}, cells, 3)["decision_differences"]
    pairs = table[["compared", "first", "second", "given"]].drop_duplicates().to_numpy().tolist()
    assert pairs == [
        ["prior", "p", "q", "m"],
        ["model", "m", "reml", "p"],
        ["model", "m", "reml", "q"],
    ]
    assert (table["value"] == 0).all()


def test_one_pair_has_rates_but_no_difference():
    x = yes_where([True], [1])
    cells = {name: Fits({"b": x}, x.replicate) for name in (("m", "p"), ("n", "p"))}
    table = of_scenario({"d": ZERO}, cells, 1)["decision_differences"]
    assert (table["first_rate"] == 1).all()
    assert table[["value", "mcse", "lower", "upper"]].isna().all().all()


def test_without_decisions_the_tables_are_empty():
    tables = of_scenario({}, {CELL: Fits({"b": estimates([(0, 1)])}, np.array([1]))}, 1)
    assert [len(table) for table in tables.values()] == [0, 0]
