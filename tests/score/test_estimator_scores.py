"""Estimators are scored on the fits with standard errors and compared with every model."""

import numpy as np
import pandas as pd
import pytest
from conftest import LINEAR, make_study
from observed_study import OBSERVED

from recovery import tables
from recovery.report.sections import observed_section
from recovery.score import efficiency, measures
from recovery.score.measures import Fits, Replicates
from recovery.study.methods import NO_PRIOR


def replicates(rng, n=40, lacking=()) -> Replicates:
    """Estimates with normal errors of SD 1; some replicates have no standard error."""
    error, number = rng.normal(size=n), np.arange(1, n + 1)
    sd = np.where(np.isin(number, lacking), np.nan, 1.0)
    bounds = {0.9: (error - 1.645 * sd, error + 1.645 * sd)}
    return Replicates(number, np.zeros(n), error, sd, np.full(n, np.nan), bounds)


def scored(cells, measure, cell=("reml", NO_PRIOR)):
    table = measures.performance(cells, 40)
    selected = (table["model"] == cell[0]) & (table["subset"] == "all")
    return table[selected & (table["measure"] == measure)].iloc[0]


def test_measures_of_intervals_use_the_fits_with_intervals(rng):
    lacking = [3, 10, 11, 30]
    x = replicates(rng, lacking=lacking)
    part = x.subset(np.setdiff1d(x.replicate, lacking))
    both = [{("reml", NO_PRIOR): Fits({"b_Intercept": y}, y.replicate)} for y in (x, part)]
    for measure in ("coverage", "interval_width", "model_se", "z_score", "interval_score"):
        result, expected = (scored(cells, measure) for cells in both)
        assert result["n_replicates"] == expected["n_replicates"] == 36
        assert result["value"] == expected["value"]
        assert result["mcse"] == expected["mcse"]
    assert scored(both[0], "bias")["n_replicates"] == 40
    assert scored(both[0], "bias")["value"] == pytest.approx(x.mean.mean())
    assert scored(both[0], "coverage_upper_bound")["value"] == pytest.approx(
        (scored(both[1], "coverage")["value"] * 36 + 4) / 40
    )


def test_a_parameter_without_intervals_has_errors_and_no_coverage(rng):
    x = replicates(rng, lacking=range(41))
    cells = {("reml", NO_PRIOR): Fits({"sigma": x}, x.replicate)}
    assert np.isfinite(scored(cells, "rmse")["value"])
    for measure in ("coverage", "rejection_rate", "model_se", "interval_width"):
        assert np.isnan(scored(cells, measure)["value"])
        assert scored(cells, measure)["n_replicates"] == 0


def test_estimators_are_compared_with_every_model_under_each_prior_and_once_with_another(rng):
    x = {"b_Intercept": replicates(rng)}
    cells = {
        (method, prior): Fits(x, x["b_Intercept"].replicate)
        for method, prior in [
            ("pooled", "weak"),
            ("pooled", "tight"),
            ("centered", "weak"),
            ("reml", NO_PRIOR),
            ("ml", NO_PRIOR),
        ]
    }
    table = measures.comparison(cells)
    keys = ["compared", "first", "second", "given"]
    result = [tuple(pair) for pair in table[keys].drop_duplicates().to_numpy()]
    estimators = [pair for pair in result if {"reml", "ml"} & set(pair)]
    assert sorted(estimators) == sorted(
        [
            *(
                ("model", model, name, "weak")
                for model in ("pooled", "centered")
                for name in ("reml", "ml")
            ),
            *(("model", "pooled", name, "tight") for name in ("reml", "ml")),
            ("model", "reml", "ml", NO_PRIOR),
        ]
    )
    assert ("prior", "weak", "tight", "pooled") in result


def test_differences_of_intervals_use_pairs_with_both_intervals(rng):
    lacking = [1, 2, 25]
    model, estimator = replicates(rng), replicates(rng, lacking=lacking)
    kept = np.setdiff1d(model.replicate, lacking)
    whole, part = (
        measures.comparison(
            {
                ("pooled", "weak"): Fits({"b_Intercept": one}, one.replicate),
                ("reml", NO_PRIOR): Fits({"b_Intercept": other}, other.replicate),
            }
        ).set_index(["subset", "measure"])
        for one, other in ((model, estimator), (model.subset(kept), estimator.subset(kept)))
    )
    for measure in ("coverage", "interval_width", "z_score"):
        result, expected = whole.loc[[("all", measure)]], part.loc[[("all", measure)]]
        pd.testing.assert_frame_equal(result, expected)
        assert (result["n_pairs"] == 37).all()
    assert (whole.loc[[("all", "bias")], "n_pairs"] == 40).all()


def test_estimators_have_no_rates_of_the_sampler_and_no_effective_sample_size():
    rows = [
        {"replicate": r, "attempt": 1, "status": "ok", "converged": r > 1, "sampling_seconds": r}
        for r in (1, 2, 3)
    ]
    columns = tables.from_rows(rows, tables.DIAGNOSTICS)
    frame = pd.DataFrame(columns).astype({"error": object})
    for name in ("n_divergent", "n_max_treedepth", "min_ebfmi", "min_ess_bulk", "n_leapfrog"):
        frame[name] = np.nan
    frame["warmup_seconds"] = np.nan
    went = measures.convergence(frame, 3, 0.3).set_index("attempt").loc["final"]
    assert went["converged_rate"] == pytest.approx(2 / 3)
    assert went[["divergent_rate", "max_treedepth_rate", "low_ebfmi_rate"]].isna().all()
    cost = efficiency.cell_costs(frame.astype({"sampling_seconds": float}), 1.0, 300)
    assert cost["seconds"] == pytest.approx(2.0)
    assert np.isnan(cost["ess_per_second"])


def test_the_page_gives_the_reason_why_a_fit_to_observed_data_did_not_converge(tmp_path):
    study = make_study(("estimators", ["reml", "ml", "ols"]), ("observed", "real", OBSERVED))
    fit = {"scenario": "real", "prior": NO_PRIOR, "replicate": 1, "attempt": 1, "status": "ok"}
    rows = [
        fit | {"model": "reml", "converged": True},
        fit | {"model": "ml", "converged": False, "error": "singular fit: an SD at 0"},
        fit | {"model": "ols", "converged": False, "error": "no x", "status": "failed"},
        *(
            fit | {"model": model, "prior": "weak", "converged": False}
            for model in ("pooled", "centered")
        ),
    ]
    file, schema = tmp_path / "diagnostics.parquet", tables.DIAGNOSTICS
    tables.write(tables.from_rows(rows, schema), file, schema, "")
    estimates = pd.DataFrame(columns=["scenario", "model", "prior", "parameter"])
    (shown,) = observed_section.rows(
        study, LINEAR, estimates, tables.read_frame([file]), pd.DataFrame()
    )
    assert shown["fits"] == ["Pooled", "Centred", "REML", "ML", "OLS, pooled"]
    assert shown["outcomes"] == ["no", "no", "yes", "no, singular fit", "failed: no x"]
