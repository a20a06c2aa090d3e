"""Estimands in a run: in every table that parameters are in, with the values of their draws."""

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.workflow
NAME = "at_two"


def read(checkout, pattern):
    files = sorted((checkout.folder / "results/small").glob(pattern))
    assert files
    return pd.concat([pd.read_parquet(file) for file in files])


def test_estimates_are_those_of_the_draws(observed_study):
    estimates = read(observed_study, "estimates/**/*.parquet")
    draws = read(observed_study, "draws/**/*.parquet")
    found = estimates[estimates["parameter"] == NAME]
    assert len(found) == len(estimates[estimates["parameter"] == "b_x"]) > 0
    values = draws["b_Intercept"] + 2 * draws["b_x"]
    np.testing.assert_allclose(draws[NAME], values, rtol=1e-12)
    assert set(np.round(found["mean"], 8)) <= {
        *np.round(
            [
                part["b_Intercept"].mean() + 2 * part["b_x"].mean()
                for file in sorted(
                    (observed_study.folder / "results/small").glob("draws/**/*.parquet")
                )
                for _, part in pd.read_parquet(file).groupby("replicate")
            ],
            8,
        )
    }


def test_truths_of_every_kind(observed_study):
    """Fixed, drawn from a prior, and taken from an observed fit."""
    table = read(observed_study, "estimates/**/*.parquet")
    by_name = table.set_index(["scenario", "replicate", "parameter"])["truth"].unstack()
    assert {name.split("-")[0] for name, _ in by_name.index} >= {"drawn", "recovered"}
    expected = by_name["b_Intercept"] + 2 * by_name["b_x"]
    np.testing.assert_allclose(by_name[NAME], expected, rtol=1e-12)


def test_observed_fits_have_it(observed_study):
    table = read(observed_study, "observed/estimates/**/*.parquet")
    assert table.loc[table["parameter"] == NAME, "truth"].isna().all()
    assert (table["parameter"] == NAME).any()


@pytest.mark.parametrize(
    ("table", "column"),
    [("performance", "parameter"), ("calibration", "quantity")],
)
def test_summaries_have_it(observed_study, table, column):
    assert NAME in set(read(observed_study, f"summary/{table}.parquet")[column])


def test_the_page_shows_it(observed_study):
    assert NAME in (observed_study.folder / "results/small/report.html").read_text()
