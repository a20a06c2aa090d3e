"""The number of fits on which each number of the report is based, and causes of missing fits."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
from conftest import LINEAR, make_design, make_study
from replicates_of_errors import LEVEL, replicates
from scipy import stats

from recovery.plan import figure_list
from recovery.report import ademp, figure_counts
from recovery.report.sections import comparison_section, observed_section, results_section
from recovery.score import measures, precision
from recovery.score.measures import Fits, fit_outcomes
from recovery.study.methods import NO_PRIOR
from recovery.study.settings import Convergence

STUDY = make_study(
    ("replicates", 20),
    ("participants", [6, 12]),
    ("models", ["pooled"]),
    ("estimators", ["reml"]),
    ("intervals", [LEVEL]),
)
LACKING = {6: 7, 12: 4}  # replicates without an interval
WANTED = Convergence()


def fits(rng, n, lacking):
    """Estimates of one parameter; the first replicates have no interval."""
    x = replicates(rng.normal(0, 0.5, n))
    none = np.arange(n) < lacking
    sd = np.where(none, np.nan, 1.0)
    bounds = dict.fromkeys(x.bounds, (x.mean - 0.6 + 0 * sd, x.mean + 0.6 + 0 * sd))
    return Fits({"sigma": dataclasses.replace(x, sd=sd, bounds=bounds)}, x.replicate)


@pytest.fixture
def performance(rng):
    """Performance of an estimator at 6 and at 12 participants, as in the summary table."""
    parts = []
    for count, lacking in LACKING.items():
        cells = {("reml", NO_PRIOR): fits(rng, 20, lacking)}
        keys = {"scenario": f"moderate-{count}x3", "participants": count}
        part = measures.performance(cells, 20).assign(**keys, truth="moderate", observations=3)
        parts.append(part[part["subset"] == "all"])
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def outcomes():
    """Outcomes of the fits of an estimator and of a model in each cell."""
    counts = {"n_planned": 20, "n_failed": 0, "n_converged": [13, 16], "n_measured": [10, 20]}
    causes = {f"n_missed_{cause}": 0 for cause in fit_outcomes.CAUSES}
    cells = {"scenario": ["moderate-6x3", "moderate-12x3"], **counts, **causes}
    table = pd.DataFrame({**cells, "seconds": [1.0, 4.0], "ess_per_second": np.nan})
    model = table.assign(model="pooled", prior="weak")
    return pd.concat([model, table.assign(model="reml", prior=NO_PRIOR)])


def test_a_models_coverage_is_the_share_of_all_its_intervals(performance, outcomes):
    row = results_section.model_rows(STUDY, LINEAR, performance, outcomes)[-1]
    shares = measures.rows_of_measure(performance, "coverage", LEVEL)
    hits = round((shares["value"] * shares["n_replicates"]).sum())
    assert row["intervals"] == 13 + 16
    assert row["planned"] == 40
    assert row["coverage"] == pytest.approx(hits / 29)
    assert row["bounds"] == pytest.approx((hits / 40, (hits + 11) / 40))
    assert row["worst"]["n_replicates"] in (13, 16)


@pytest.mark.parametrize("few", [0, 1, 2])
def test_the_lowest_coverage_is_the_one_that_chance_explains_least(performance, outcomes, few):
    table = performance.copy()
    chosen = (table["measure"] == "coverage") & np.isclose(table["level"], LEVEL)
    table.loc[chosen, ["value", "n_replicates"]] = [[few / 3, 3], [0.5, 1000]]
    worst = results_section.model_rows(STUDY, LINEAR, table, outcomes)[-1]["worst"]
    p_few, p_many = stats.binomtest(few, 3, LEVEL, "less"), stats.binomtest(500, 1000, LEVEL)
    assert p_many.pvalue < p_few.pvalue
    assert (worst["value"], worst["n_replicates"], worst["low"]) == (0.5, 1000, True)


def test_means_over_cells_are_means_over_their_fits(performance, outcomes):
    row = results_section.model_rows(STUDY, LINEAR, performance, outcomes)[-1]
    assert row["seconds"] == pytest.approx((10 * 1 + 20 * 4) / 30)
    assert np.isnan(row["ess_per_second"])


def test_a_cell_has_the_number_of_intervals_and_the_bounds_of_its_coverage(performance, outcomes):
    for row in results_section.cells(STUDY, LINEAR, performance, outcomes):
        n = 20 - LACKING[row["participants"]]
        hits = round(row["coverage"]["value"] * n)
        assert (row["bias"]["n_replicates"], row["coverage"]["n_replicates"]) == (20, n)
        assert row["coverage_lower_bound"]["value"] == pytest.approx(hits / 20)
        assert row["coverage_lower_bound"]["n_replicates"] == n
        assert row["coverage_upper_bound"]["value"] == pytest.approx((hits + 20 - n) / 20)


def test_the_largest_mcse_has_its_number_of_intervals(performance):
    largest = precision.largest_mcse(performance, LEVEL)["coverage"]
    shares = measures.rows_of_measure(performance, "coverage", LEVEL)
    n = shares["n_replicates"].min()  # at the nominal level, from which none differs clearly
    assert largest == {"mcse": pytest.approx(np.sqrt(LEVEL * (1 - LEVEL) / n)), "n_replicates": n}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("bias", "Each point is based on 20 fits."),
        (
            "coverage",
            "Each point is based on 13 to 16 fits; open points on fewer than the 20 planned.",
        ),
        ("shrinkage", ""),
    ],
)
def test_a_caption_gives_the_number_of_fits_of_each_point(performance, kind, expected):
    (figure,) = [each for each in figure_list.figures(STUDY) if each.kind == kind]
    assert figure_counts.sentence(STUDY, figure, {"performance": performance}) == expected


def test_a_figure_of_the_first_prior_does_not_count_the_fits_of_others(performance):
    priors = {name: next(iter(STUDY.priors.values())) for name in ("weak", "wide")}
    study = STUDY.model_copy(update={"priors": priors})
    (figure,) = [each for each in figure_list.figures(study) if each.kind == "lolly"]
    weak = performance.assign(prior="weak", n_replicates=20)
    table = pd.concat([weak, performance.assign(prior="wide", n_replicates=5)])
    sentence = figure_counts.sentence(study, figure, {"performance": table})
    assert sentence == "Each point is based on 20 fits."


def test_the_figure_of_convergence_counts_planned_fits_and_fits_with_draws():
    (figure,) = [each for each in figure_list.figures(STUDY) if each.kind == "convergence"]
    rows = {"scenario": "moderate-6x3", "attempt": ["first", "final"], "n_planned": 20}
    table = pd.DataFrame({**rows, "n_ok": [18, 20]})
    sentence = figure_counts.sentence(STUDY, figure, {"convergence": table})
    assert sentence.startswith("Each point is based on 18 to 20 fits;")


def test_identical_pairs_have_an_interval(rng):
    x = replicates(np.zeros(20))
    wide, narrow = ((x.mean - w, x.mean + w) for w in (1.0, 1.0))
    missing = dataclasses.replace(x, bounds={LEVEL: (narrow[0] + 5, narrow[1] + 5)})
    holding = dataclasses.replace(x, bounds={LEVEL: wide})
    cells = {
        ("pooled", "weak"): Fits({"sigma": holding}, x.replicate),
        ("centered", "weak"): Fits({"sigma": missing}, x.replicate),
    }
    table = measures.comparison(cells).assign(scenario="moderate-6x3")
    (row,) = comparison_section.rows(make_study(("intervals", [LEVEL])), LINEAR, table)
    assert abs(row["coverage"]["value"]) == 1
    assert row["coverage"]["mcse"] == 0
    low, high = sorted(map(abs, row["coverage"]["interval"]))
    assert low == pytest.approx(0.678, abs=1e-3)  # 2 x 0.839 - 1, Wilson's bound of 20 of 20
    assert high == 1


# Why fits did not converge


def fit(**columns):
    """A row of `diagnostics` that did not converge."""
    good = {"max_rhat": 1.0, "min_ess_bulk": 900.0, "min_ess_tail": 900.0, "min_ebfmi": 0.9}
    counts = {"n_divergent": 0, "n_max_treedepth": 0, "error": None, "attempt": 1, "replicate": 1}
    return {"status": "ok", "converged": False, **good, **counts, **columns}


CASES = [
    (fit(max_rhat=1.02), ["rhat"]),
    (fit(max_rhat=np.inf), ["rhat"]),
    (fit(max_rhat=np.nan, min_ess_bulk=np.nan, min_ess_tail=np.nan, min_ebfmi=np.nan), ["rhat"]),
    (fit(min_ess_bulk=399.0), ["ess"]),
    (fit(min_ess_tail=10.0, n_divergent=1), ["ess", "divergent"]),
    (fit(min_ebfmi=0.29), ["ebfmi"]),
    (fit(n_divergent=None, error="singular fit: an SD at 0", max_rhat=np.nan), ["other"]),
    (fit(converged=True), []),
    (fit(status="failed", error="lost", max_rhat=np.nan), []),
]


@pytest.mark.parametrize(("row", "causes"), CASES)
def test_causes_of_a_fit_follow_from_its_diagnostics(row, causes):
    missed = fit_outcomes.missed_thresholds(pd.DataFrame([row]), WANTED, 4).iloc[0]
    assert [cause for cause in fit_outcomes.CAUSES if missed[cause]] == causes


def test_causes_are_counted_over_the_fits_of_cells():
    table = pd.DataFrame([row | {"replicate": n} for n, (row, _) in enumerate(CASES)])
    counts = fit_outcomes.causes(table, WANTED, 4)
    assert counts == {
        "n_missed_rhat": [3, 3],
        "n_missed_ess": [2, 2],
        "n_missed_divergent": [1, 1],
        "n_missed_ebfmi": [1, 1],
        "n_missed_other": [1, 1],
    }
    rows = results_section.causes(pd.DataFrame(counts)[:1])
    assert [row["cause"] for row in rows][:2] == ["rhat", "low ESS"]


def test_missed_thresholds_of_an_observed_fit_are_named_with_their_parameter():
    data = {"path": "x.csv", "columns": {"participant": "p"}}
    study = make_study(("observed", "real", data), ("sampler", "chains", 4))
    keys = {"scenario": "real", "prior": "weak"}
    diagnostics = pd.DataFrame(
        [
            keys | {"model": "pooled"} | fit(max_rhat=1.034, min_ess_tail=212.0, n_divergent=3),
            keys | {"model": "centered"} | fit(min_ebfmi=0.12, max_rhat=1.5, n_max_treedepth=9),
        ]
    )
    quantities = {"rhat": [1.0, 1.034], "ess_bulk": [900.0, 950.0], "ess_tail": [212.0, 950.0]}
    estimates = pd.concat(
        pd.DataFrame(keys | {"model": model, "parameter": ["b_Intercept", "sigma"], **quantities})
        for model in ("pooled", "centered")
    )
    (section,) = observed_section.rows(study, LINEAR, estimates, diagnostics, pd.DataFrame())
    assert section["outcomes"] == [
        "no, rhat 1.034 of sigma (at most 1.01), tail ESS 212 of b_Intercept (at least 400), "
        "3 divergent transitions (at most 0)",
        "no, rhat 1.500 of the log density (at most 1.01), E-BFMI 0.12 (at least 0.3), "
        "9 trajectories stopped at max_treedepth",
    ]


def test_truths_are_described_by_their_kind():
    design = make_design(("truths", "drawn", {"prior": "weak"}))
    assert ademp.truths_in_words(design.study.truths) == [
        "a fixed truth (moderate)",
        "a truth drawn from a prior for each replicate (drawn)",
    ]


def test_no_caption_makes_a_claim_that_some_study_contradicts():
    from conftest import ROOT

    text = " ".join(file.read_text() for file in (ROOT / "workflow/report").glob("*.rst"))
    page = (ROOT / "workflow/report/page.html").read_text()
    for claim in ("does not estimate the parameter.", "as estimated alone", "1.96"):
        assert claim not in text
    assert not re.search("a known truth|known truths", page)


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ((660, 0, 512), "All 660 fits ran; 148 (22 %) did not converge."),
        ((1, 0, 1), "The fit ran and converged."),
        ((12, 12, 0), "12 of 12 fits failed."),
        ((1200, 30, 1170), "30 of 1,200 fits failed; the others converged."),
        ((12, 2, 5), "2 of 12 fits failed; of the others, 5 (50 %) did not converge."),
    ],
)
def test_the_headline_counts_failed_and_unconverged_fits(counts, sentence):
    assert results_section.headline(*counts) == sentence
