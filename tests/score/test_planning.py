"""Number of participants that a target needs."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special, stats
from statsmodels.stats.proportion import proportion_confint

from recovery.score import planning
from recovery.score.measures.monte_carlo import with_bounds
from recovery.study.settings import PlanningTarget
from recovery.tables.summary_schemas import DECISIONS

LEVEL = 0.95
Z = stats.norm.ppf(0.975)
COUNTS = (6, 12, 24)
STUDIES = 1000


def performance(measure, values, mcse=0.0, counts=COUNTS, n=1000, **keys):
    """Rows of one measure and one parameter, with one cell per count."""
    name = planning.SCALES[measure].measure
    return pd.DataFrame(
        {
            "truth": "moderate",
            "observations": 8,
            "participants": counts,
            "model": "marginal",
            "prior": "weak",
            "parameter": "beta",
            "subset": "all",
            "measure": name,
            "level": np.nan if name == "rmse" else LEVEL,
            "value": values,
            "mcse": mcse,
            "lower": np.nan,
            "upper": np.nan,
            "n_replicates": n,
            **keys,
        }
    )


def planned(table):
    """The values of planning, of a study without decisions."""
    return planning.planned_values(table, pd.DataFrame(columns=DECISIONS.names))


def needed(measure, target, table):
    wanted = {"beta": PlanningTarget(**{measure: target})}
    return planning.participants_needed(planned(table), wanted)


def row(measure, target, *values, **keys):
    (result,) = needed(measure, target, performance(measure, *values, **keys)).to_dict("records")
    return result


def test_a_number_is_found_at_every_value_of_the_other_sizes():
    widths = {12: [2.0, 1.5, 0.9], 24: [1.4, 0.9, 0.5], 48: [2.0, 1.8, 1.2]}
    tables = [performance("interval_width", each, n_item=n) for n, each in widths.items()]
    target = {"beta": PlanningTarget(interval_width=0.9)}
    result = planning.participants_needed(planned(pd.concat(tables)), target, ["item"])
    assert result[["n_item", "n_needed"]].fillna(0).to_numpy().tolist() == [
        [12, 24],
        [24, 12],
        [48, 0],
    ]
    assert result["status"].tolist() == [planning.REACHED] * 2 + [planning.BEYOND]


# Closed forms


@pytest.mark.parametrize("measure", ["interval_width", "rmse"])
def test_a_measure_that_falls_with_the_root_of_n_needs_the_square_of_the_ratio(measure):
    counts = np.array([8, 30, 200])
    result = row(measure, 0.8, 4 / np.sqrt(counts), counts=counts)
    assert result["n_needed"] == result["lower"] == result["upper"] == 25  # (4 / 0.8)^2
    assert result["status"] == planning.REACHED
    assert row(measure, 0.79, 4 / np.sqrt(counts), counts=counts)["n_needed"] == 26


@pytest.mark.parametrize(("effect", "power"), [(0.2, 0.8), (0.5, 0.8), (0.5, 0.95), (0.8, 0.9)])
def test_the_power_of_a_z_test_needs_its_textbook_number(effect, power):
    textbook = math.ceil(((Z + stats.norm.ppf(power)) / effect) ** 2)
    counts = np.array([textbook // 2, textbook + 20])
    values = stats.norm.cdf(effect * np.sqrt(counts) - Z)
    assert row("power", power, values, counts=counts, n=10**9)["n_needed"] == textbook


def test_coverage_is_interpolated_on_the_logit_scale():
    values = special.expit([1.0, 2.0])
    result = row("coverage", special.expit(1.5), values, counts=(10, 40), n=10**9)
    assert result["n_needed"] == 20  # half way from 10 to 40, in logarithms


def test_coverage_is_reached_from_the_count_on_where_it_stays_above_the_target():
    result = row("coverage", 0.9, [0.95, 0.80, 0.95], n=10**6)
    assert 12 < result["n_needed"] < 24


def test_between_counts_the_bounds_are_where_the_ends_of_the_interval_cross_the_target():
    value, mcse, n = np.array([2.0, 0.5]), np.array([0.1, 0.025]), 30
    result = row("rmse", 1.0, value, mcse, counts=(1000, 16_000), n=n)
    half = stats.t.isf(0.025, n - 1) * mcse

    def end(share, sign):
        """Logarithm of one end, at this share of the way from 1000 to 16,000."""
        y, reach = np.log(value), np.log(value + sign * half) - np.log(value)
        weights = np.array([1 - share, share])
        return weights @ y + sign * np.sqrt(((weights * reach) ** 2).sum())

    lower, upper = (1000 * 16 ** optimize.brentq(end, 0, 1, args=(sign,)) for sign in (-1, 1))
    assert result["n_needed"] == 4000
    assert result["lower"] == math.ceil(lower)
    assert result["upper"] == math.ceil(upper)


def knots(measure, values, mcse, **keys):
    table = planning.usable(performance(measure, values, mcse, **keys), measure)
    return planning.curve(table, measure, 0.5)


def test_values_that_decline_by_noise_are_pooled_by_their_precision():
    result = knots("rmse", [1.0, 1.1, 0.5], [0.1, 0.055, 0.05])  # 10 %, 5 % and 10 % of the value
    x = np.average(np.log([6, 12]), weights=[1, 4])
    y = np.average(np.log([1.0, 1.1]), weights=[1, 4])
    np.testing.assert_allclose(result.x, [x, np.log(24)])
    np.testing.assert_allclose(result.y, [-y, -np.log(0.5)])
    np.testing.assert_allclose(result.variance, [1 / (1 / 0.1**2 + 1 / 0.05**2), 0.1**2])


def test_errors_that_grow_by_more_than_noise_are_not_pooled():
    # A prior near the truth makes errors small with few participants.
    result = knots("rmse", [0.3, 0.6, 0.4], 0.01)
    np.testing.assert_allclose(-result.y, np.log([0.3, 0.6, 0.4]))
    assert row("rmse", 0.5, [0.3, 0.6, 0.4], 0.01)["status"] == planning.REACHED
    assert 12 < row("rmse", 0.5, [0.3, 0.6, 0.4], 0.01)["n_needed"] < 24


def test_coverage_is_not_pooled():
    assert knots("coverage", [0.90, 0.89, 0.91], 0.01, n=100).x.size == 3


def test_a_curve_is_constant_outside_its_knots():
    result = knots("rmse", [1.0, 1.02, 0.5], 0.05)
    assert result.x.size == 2
    assert result.value(np.array([6])) == pytest.approx(np.exp(-result.y[0]))


# Status and bounds


@pytest.mark.parametrize(
    ("values", "mcse", "expected"),
    [
        ([3.0, 2.0, 0.5], 0.01, ("reached", "between", "between")),
        ([0.9, 0.7, 0.5], 0.01, ("at the smallest count", "open", 6)),
        ([0.9, 0.7, 0.5], 0.15, ("not clear", "open", "between")),
        ([3.0, 2.0, 1.5], 0.01, ("beyond the largest count", 24, "open")),
        ([3.0, 2.0, 1.1], 0.20, ("not clear", "between", "open")),
        ([1.2, 1.1, 1.0], 2.00, ("reached", "open", "open")),
        ([np.nan, np.nan, np.nan], np.nan, ("unknown", "open", "open")),
        ([np.nan, np.nan, 0.5], 0.01, ("unknown", "open", "open")),
    ],
)
def test_a_status_and_its_bounds(values, mcse, expected):
    result = row("interval_width", 1.0, values, mcse)
    status, *bounds = expected
    assert result["status"] == status
    for got, message in zip((result["lower"], result["upper"]), bounds, strict=True):
        if message == "open":
            assert math.isnan(got)
        elif message == "between":
            assert 6 < got < 24
        else:
            assert got == message


def test_a_target_that_is_not_reached_has_no_number():
    result = row("power", 0.8, [0.1, 0.2, 0.3])
    assert math.isnan(result["n_needed"])
    assert result["largest"] == 24


def test_counts_without_values_are_not_used_for_interpolation():
    result = row("rmse", 0.7, [np.nan, 1.0, 0.5], [np.nan, 0.1, 0.1])
    assert (result["smallest"], result["largest"]) == (12, 24)
    assert result["status"] == planning.REACHED


@pytest.mark.parametrize(("measure", "target"), [("power", 0.99), ("coverage", 0.999)])
def test_an_observed_100_percent_reaches_every_target_but_is_not_clear(measure, target):
    result = row(measure, target, [0.0, 0.5, 1.0], n=20)
    assert result["n_needed"] == 24
    assert math.isnan(result["upper"])


def test_an_observed_0_percent_reaches_no_target_and_is_beyond_those_above_its_bar():
    result = row("power", 0.001, [0.0, 0.0, 0.0], n=20)
    assert result["status"] == planning.UNCLEAR
    assert math.isnan(result["n_needed"])
    assert math.isnan(result["lower"])
    assert row("power", 0.2, [0.0, 0.0, 0.0], n=20)["status"] == planning.BEYOND  # 0 to 16 %


def test_19_of_20_is_not_clearly_above_80_percent_at_the_smallest_count():
    result = row("power", 0.8, [0.95, 1.0, 1.0], n=20)  # Wilson: 76 to 99 %, 84 to 100 %
    assert result["n_needed"] == 6
    assert result["status"] == planning.UNCLEAR
    assert 6 < result["upper"] <= 12
    assert row("power", 0.76, [0.95, 1.0, 1.0], n=20)["status"] == planning.AT_SMALLEST


def wilson(hits, n):
    """The plotted bar of a share, from statsmodels."""
    return proportion_confint(hits, n, method="wilson")


@pytest.mark.parametrize("measure", ["power", "coverage"])
@pytest.mark.parametrize("n", [5, 20, 100])
def test_at_every_count_a_bound_of_a_share_agrees_with_the_plotted_bar(rng, measure, n):
    for target in (0.05, 0.5, 0.8, 0.9, 0.95, 0.99):
        hits = np.array([[0, 0, 0], [n, n, n], *rng.integers(0, n + 1, (50, 3))])
        tables = [
            performance(measure, each / n, counts=COUNTS, n=n, model=str(number))
            for number, each in enumerate(hits)
        ]
        rows = needed(measure, target, pd.concat(tables)).to_dict("records")
        for each, result in zip(hits, rows, strict=True):
            agrees(result, np.array([wilson(share, n) for share in each]), target)


@pytest.mark.parametrize("measure", ["interval_width", "rmse"])
def test_at_every_count_a_bound_of_a_length_agrees_with_the_plotted_bar(rng, measure):
    n = 20
    for value in rng.uniform(0.5, 1.5, (150, 3)):
        mcse = rng.uniform(0.02, 0.4, 3)
        half = stats.t.isf(0.025, n - 1) * mcse
        ends = -np.column_stack([value + half, value - half])  # larger is better
        agrees(row(measure, 1.0, value, mcse, n=n), ends, -1.0)


@pytest.mark.parametrize("measure", ["interval_width", "rmse"])
def test_the_bounds_in_a_table_are_plotted_and_used_for_planning(rng, measure):
    for value in rng.uniform(0.5, 1.5, (50, 3)):
        table = performance(measure, value, 0.3, n=20)
        table = table.assign(lower=value / 1.2, upper=value * 1.2)
        plotted = with_bounds(table)
        ends = -plotted[["upper", "lower"]].to_numpy()
        (result,) = needed(measure, 1.0, table).to_dict("records")
        agrees(result, ends, -1.0)


def agrees(result, ends, target):
    """Assert that bounds and status agree with `ends`, the worse and better ends of the bars."""
    worse, better = ((ends[:, side] >= target)[::-1].cumprod()[::-1] for side in (0, 1))
    for place, count in enumerate(COUNTS):
        assert (result["upper"] <= count) == worse[place]
        beyond = result["status"] == planning.BEYOND
        assert (not result["lower"] > count and not beyond) == better[place]
    assert (result["status"] == planning.AT_SMALLEST) == worse[0]
    assert (result["status"] == planning.BEYOND) == (not better[-1])
    if not math.isnan(result["n_needed"]):
        assert not result["n_needed"] < result["lower"]
        assert not result["n_needed"] > result["upper"]


def test_every_cell_parameter_and_target_has_a_row():
    cells = [("t1", "m1", "p1"), ("t1", "m2", "p1"), ("t2", "m1", "p1"), ("t1", "m1", "p2")]
    table = pd.concat(
        performance(measure, [0.9, 0.7, 0.5], truth=truth, model=model, prior=prior)
        for truth, model, prior in cells
        for measure in ("interval_width", "rmse")
    )
    target = {"beta": PlanningTarget(interval_width=0.6, rmse=0.6)}
    result = planning.participants_needed(planned(table), target)
    assert len(result) == 8
    assert len(result.drop_duplicates(["truth", "model", "prior", "measure"])) == 8


def test_only_the_subset_all_and_the_level_of_the_target_are_used():
    table = pd.concat(
        [
            performance("interval_width", [3.0, 2.0, 0.5]),
            performance("interval_width", [0.1, 0.1, 0.1], level=0.5),
            performance("interval_width", [0.1, 0.1, 0.1], subset="converged"),
        ]
    )
    (result,) = needed("interval_width", 1.0, table).to_dict("records")
    assert result["status"] == planning.REACHED
    assert result["level"] == LEVEL
    wanted = {"beta": PlanningTarget(interval_width=1.0, interval=0.5)}
    (result,) = planning.participants_needed(planned(table), wanted).to_dict("records")
    assert result["status"] == planning.AT_SMALLEST
    assert result["level"] == 0.5


@pytest.mark.parametrize("effect", [0.3, 0.5])
def test_a_rate_of_yes_is_planned_as_power_is(effect):
    counts, n = np.array([20, 60, 100]), 500
    values = np.round(n * stats.norm.cdf(effect * np.sqrt(counts) - Z)) / n
    power = performance("power", values, counts=counts, n=n)
    yes = power.drop(columns=["parameter", "measure", "level"]).rename(columns={"value": "rate"})
    yes = yes.assign(decision="claim", outcome="yes")
    no = yes.assign(outcome="no", rate=1 - values)
    table = planning.planned_values(power, pd.concat([no, yes, yes.assign(subset="converged")]))
    wanted = {"beta": PlanningTarget(power=0.8), "claim": PlanningTarget(rate=0.8)}
    of_power, of_rate = planning.participants_needed(table, wanted).to_dict("records")
    assert of_rate["measure"] == "rate"
    for key in ("n_needed", "lower", "upper", "status", "n_fewest"):
        assert of_rate[key] == of_power[key] or math.isnan(of_rate[key]), key
    assert of_power["n_needed"] > 20


def test_observations_of_an_observed_design_are_a_separate_condition():
    table = performance("rmse", [0.9, 0.7, 0.5], observations=np.nan)
    assert needed("rmse", 0.6, table)["n_needed"].notna().all()


def test_neither_order_nor_index_of_rows_matters(rng):
    table = pd.concat(
        performance("rmse", rng.uniform(0.2, 1, 3), 0.1, model=model) for model in "abcdef"
    )
    shuffled = table.sample(frac=1, random_state=1).set_axis([7] * len(table))
    expected = needed("rmse", 0.6, table)
    result = needed("rmse", 0.6, shuffled).sort_values("model", ignore_index=True)
    pd.testing.assert_frame_equal(result, expected)


def test_without_targets_the_table_is_empty():
    result = planning.participants_needed(planned(performance("rmse", [0.9, 0.7, 0.5])), {})
    assert result.empty
    assert "n_needed" in result


# Coverage of the interval


def missed(measure, target, tables, true):
    """Shares of studies whose interval lies above, and below, the true number."""
    studies = pd.concat(table.assign(model=number) for number, table in enumerate(tables))
    result = needed(measure, target, studies)
    assert len(result) == STUDIES
    return (result["lower"] > math.ceil(true)).mean(), (result["upper"] < math.ceil(true)).mean()


def at_most(share):
    """A share plus 4 standard errors, which is exceeded once in 30,000 tests."""
    return share + 4 * math.sqrt(share * (1 - share) / STUDIES)


def at_least(share):
    return share - 4 * math.sqrt(share * (1 - share) / STUDIES)


@pytest.mark.parametrize("replicates", [20, pytest.param(100, marks=pytest.mark.slow)])
def test_the_interval_for_a_width_misses_at_its_nominal_rate(rng, replicates):
    counts, sd = np.array([1000, 4000, 16_000]), 0.2  # large counts, so rounding does not matter
    true = 60 / np.sqrt(counts)
    widths = true * (1 + sd * rng.normal(size=(replicates, STUDIES, 3)))
    mcse = widths.std(axis=0, ddof=1) / math.sqrt(replicates)
    tables = [
        performance("interval_width", *each, counts=counts, n=replicates)
        for each in zip(widths.mean(axis=0), mcse, strict=True)
    ]
    for share in missed("interval_width", 60 / math.sqrt(7000), tables, 7000):
        assert at_least(0.025) < share < at_most(0.025)


def test_a_number_is_given_with_its_number_of_replicates():
    result = row("coverage", 0.8, [0.5, 0.9, 0.9], n=[13, 16, 20])
    assert (result["n_fewest"], result["n_most"]) == (13, 20)


@pytest.mark.parametrize(
    ("replicates", "power"),
    [
        (20, 0.8),
        *(
            pytest.param(*each, marks=pytest.mark.slow)
            for each in [(20, 0.9), (100, 0.8), (200, 0.9)]
        ),
    ],
)
def test_the_interval_for_power_misses_at_most_at_its_nominal_rate(rng, replicates, power):
    counts, effect = np.array([200, 450, 900]), 0.16
    rates = stats.norm.cdf(effect * np.sqrt(counts) - Z)
    tables = [
        performance("power", result / replicates, counts=counts, n=replicates)
        for result in rng.binomial(replicates, rates, size=(STUDIES, 3))
    ]
    true = ((Z + stats.norm.ppf(power)) / effect) ** 2
    assert sum(missed("power", power, tables, true)) < at_most(0.05)
