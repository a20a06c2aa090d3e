"""Outcomes that priors expect: against closed forms, and what is counted."""

import numpy as np
import pandas as pd
import pytest
from conftest import make_design
from scipy import integrate, stats

from recovery import tables
from recovery.fit import datasets
from recovery.score import prior_prediction

N = 12  # outcomes of a dataset
MU, TAU, SIGMA = 1.0, 2.0, 3.0
EXACT = {"Intercept": "normal(1, 2)", "sigma": "constant(3)"}
ONLY_INTERCEPT = (
    ("formula", "y ~ 1"),
    ("truths", {"one": {"b": {"Intercept": 0.0}, "sigma": 1.0}}),
    ("models", ["pooled"]),
)
COUNTS = (
    ("family", "multilevel_poisson"),
    ("formula", "y ~ 1"),
    ("truths", {"one": {"b": {"Intercept": 0.0}}}),
    ("models", ["pooled"]),
)


@pytest.fixture
def predicted(tmp_path, monkeypatch):
    """Return the tables of prior prediction of a study, whose first datasets are simulated."""
    monkeypatch.chdir(tmp_path)

    def of(*places):
        design = make_design(*places, ("replicates", 2))
        for name in design.scenarios:
            batch = design.data_batches(name)[0]
            data, _ = datasets.simulate_batch(design.simulation(name, batch))
            file = design.dataset_file("data", name, batch)
            tables.write(data, file, tables.data_schema(design.family.COLUMNS), "")
        return prior_prediction.predicted(design)

    return of


def only(table):
    (row,) = table.to_dict("records")
    return row


def test_shares_outside_are_those_of_the_closed_form(predicted):
    row = only(
        predicted(*ONLY_INTERCEPT, ("priors", {"one": EXACT}), ("plausible", [-6, 5]))[
            "prior_outcomes"
        ]
    )
    marginal = stats.norm(MU, np.hypot(TAU, SIGMA))
    for side, share in {"below": marginal.cdf(-6), "above": marginal.sf(5)}.items():
        assert 0 < row[f"{side}_mcse"] < 0.02
        assert abs(row[side] - share) < 4 * row[f"{side}_mcse"]
    assert row["outside"] == pytest.approx(row["below"] + row["above"])

    def none_outside(mu):
        inside = stats.norm.cdf(5, mu, SIGMA) - stats.norm.cdf(-6, mu, SIGMA)
        return inside**N * stats.norm.pdf(mu, MU, TAU)

    any_outside = 1 - integrate.quad(none_outside, MU - 8 * TAU, MU + 8 * TAU)[0]
    assert abs(row["datasets_rate"] - any_outside) < 4 * row["datasets_rate_mcse"]
    assert row["datasets_rate_lower"] < row["datasets_rate"] < row["datasets_rate_upper"]
    assert (row["n_draws"], row["n_failed"]) == (prior_prediction.DATASETS, 0)


def test_the_central_range_is_that_of_the_closed_form(predicted):
    row = only(predicted(*ONLY_INTERCEPT, ("priors", {"one": EXACT}))["prior_outcomes"])
    marginal = stats.norm(MU, np.hypot(TAU, SIGMA))
    for end, probability in (("lower", 0.05), ("upper", 0.95)):
        assert 0 < row[f"{end}_mcse"] < 0.5
        assert abs(row[end] - marginal.ppf(probability)) < 4 * row[f"{end}_mcse"]
    for column in ("below", "above", "outside", "datasets_rate", "plausible_low"):
        assert row[column] is None or np.isnan(row[column])


def test_the_prior_of_an_intercept_is_at_the_means_of_the_first_dataset(predicted):
    constants = {"Intercept": "constant(7)", "b": "constant(50)", "sigma": "constant(0.001)"}
    far = (
        ("formula", "y ~ x"),
        ("design", {"x": {"normal": [30, 1]}}),
        ("truths", {"one": {"b": {"Intercept": 0.0, "x": 1.0}, "sigma": 1.0}}),
    )
    found = predicted(*ONLY_INTERCEPT, *far, ("priors", {"one": constants}))
    points = found["prior_predictive"]
    first = points[(points["draw"] == 1) & (points["kind"] == "outcome")]
    slope = np.polyfit(first["x"], first["y"], 1)[0]
    assert slope == pytest.approx(50, abs=0.1)
    row = only(found["prior_outcomes"])
    assert row["lower"] < 7 < row["upper"]  # at zero of x, all outcomes would be above 1000
    assert abs(row["lower"]) < 200


def test_an_end_that_is_open_has_no_outcomes_beyond_it(predicted):
    row = only(
        predicted(*ONLY_INTERCEPT, ("priors", {"one": EXACT}), ("plausible", [None, 1]))[
            "prior_outcomes"
        ]
    )
    assert row["below"] == 0
    assert abs(row["above"] - 0.5) < 4 * row["above_mcse"]


def test_a_flat_prior_has_no_prediction_but_others_of_the_study_do(predicted):
    priors = {"flat": {**EXACT, "Intercept": "flat"}, "proper": EXACT}
    found = predicted(*ONLY_INTERCEPT, ("priors", priors), ("plausible", [-6, 5]))
    flat, proper = found["prior_outcomes"].to_dict("records")
    assert flat["reason"] == "the prior is flat for b_Intercept"
    assert flat["n_draws"] == 0
    assert np.isnan(flat["outside"])
    assert pd.isna(proper["reason"])
    assert set(found["prior_predictive"]["prior"]) == {"proper"}


def test_datasets_that_cannot_be_simulated_are_counted(predicted):
    """exp(eta) is too large for a count for most positive draws of eta ~ normal(0, 1000)."""
    priors = {"one": {"Intercept": "normal(0, 1000)"}}
    row = only(predicted(*COUNTS, ("priors", priors), ("plausible", [None, 100]))["prior_outcomes"])
    assert row["n_draws"] == prior_prediction.DATASETS
    share = row["n_failed"] / row["n_draws"]
    too_large = stats.norm.sf(np.log(2.0**62), scale=1000)  # about 0.48
    assert abs(share - too_large) < 4 * np.sqrt(0.25 / row["n_draws"])
    assert row["error"]
    assert row["lower"] == 0


def test_a_prior_does_not_depend_on_the_others(predicted):
    other = {**EXACT, "Intercept": "normal(0, 1)"}
    alone = predicted(*ONLY_INTERCEPT, ("priors", {"one": EXACT}))["prior_outcomes"]
    among = predicted(*ONLY_INTERCEPT, ("priors", {"other": other, "one": EXACT}))
    assert alone["upper"].item() == among["prior_outcomes"].set_index("prior")["upper"]["one"]


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_the_error_of_a_quantile_is_the_sd_over_repeated_studies(share, rng):
    """Outcomes of a dataset are dependent: they share its mean."""
    values, errors = [], []
    for _ in range(300):
        means = rng.normal(size=(200, 1))
        outcomes = means + rng.normal(size=(200, 10))
        value, mcse = prior_prediction._quantile(list(outcomes), share)
        values.append(value)
        errors.append(mcse)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.12)  # SE of an SD of 300: 4 %


def test_the_error_of_a_share_is_that_of_independent_datasets():
    value, mcse = prior_prediction.mean_share(np.array([0.0, 1.0, 1.0, 0.0]))
    assert value == 0.5
    assert mcse == pytest.approx(np.sqrt(1 / 3) / 2)


def test_large_datasets_keep_their_quantiles(rng):
    outcomes = rng.normal(size=50_000)
    few = prior_prediction._few(outcomes)
    assert few.size == prior_prediction.KEPT
    for probability in (0.05, 0.5, 0.95):
        both = [np.quantile(each, probability) for each in (few, outcomes)]
        assert both[0] == pytest.approx(both[1], abs=0.01)


def test_shares_of_categories_are_those_of_the_closed_form(predicted):
    """The mean over datasets of the share of ones, and its spread, by quadrature."""
    found = predicted(
        ("family", "multilevel_bernoulli"),
        ("formula", "y ~ 1"),
        ("truths", {"one": {"b": {"Intercept": 0.0}}}),
        ("models", ["pooled"]),
        ("priors", {"one": {"Intercept": "normal(1, 2)"}}),
    )["prior_categories"]
    zero, one = found.to_dict("records")
    assert (zero["category"], one["category"]) == (0, 1)
    eta = MU + TAU * stats.norm.ppf((np.arange(10_000) + 0.5) / 10_000)
    assert abs(one["share"] - stats.logistic.cdf(eta).mean()) < 4 * one["share_mcse"]
    assert zero["share"] == pytest.approx(1 - one["share"])
    assert (zero["lower"], zero["upper"]) == pytest.approx((1 - one["upper"], 1 - one["lower"]))
    assert one["lower"] < 0.2
    assert one["upper"] == 1  # most of 12 outcomes at an intercept of 4


def test_outcomes_that_are_no_categories_have_no_shares(predicted):
    assert predicted(*ONLY_INTERCEPT, ("priors", {"one": EXACT}))["prior_categories"].empty
