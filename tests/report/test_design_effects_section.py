"""The effects of the design on the page."""

import numpy as np
import pandas as pd
import pytest
from conftest import LINEAR, make_study
from observed_study import OBSERVED

from recovery.report.sections import design_effects_section
from recovery.tables.summary_schemas import DESIGN_EFFECTS

COUNTS = ("participants", [4, 8])
STUDY = make_study(COUNTS)
EMPTY = pd.DataFrame(columns=DESIGN_EFFECTS.names)


def row(parameter, measure, term, share, p, **more):
    nothing = dict.fromkeys(DESIGN_EFFECTS.names, np.nan) | {"n_datasets": 80, "n_left_out": 0}
    named = {"parameter": parameter, "measure": measure, "term": term, "df": 1}
    return nothing | named | {"share": share, "p_value": p / 9, "p_corrected": p} | more


@pytest.fixture
def table():
    ends = {"from_level": "centered", "to_level": "pooled"}
    return pd.DataFrame(
        [
            row("b_x", "mse", "participants", 0.4, 0.01, from_level="8", to_level="4"),
            row("b_x", "mse", "model", 0.6, 0.02, **ends),
            row("b_x", "mse", "participants x model", 0.0, np.nan),
            row("sigma", "mse", "participants", 0.9, 0.04, n_left_out=3),
            row("sigma", "mse", "model", 0.1, 0.05, **ends),
            row("b_x", "coverage", "model", 0.99, 0.06, **ends),
        ]
    )


def section(table, study=STUDY):
    return design_effects_section.section(study, LINEAR, table)


def test_the_clear_effects_on_each_measure_are_counted_with_their_shares(table):
    error, coverage = section(table)["measures"]
    assert (error["name"], coverage["name"]) == ("squared error", "coverage of 89 % intervals")
    assert error["effects"] == [
        {"term": "participants", "n": 2, "n_parameters": 2, "lowest": 0.4, "highest": 0.9},
        {"term": "model", "n": 1, "n_parameters": 2, "lowest": 0.6, "highest": 0.6},
    ]
    assert coverage["effects"] == []


def test_levels_of_the_largest_difference_are_in_words(table):
    levels = [each["levels"] for each in section(table)["rows"]]
    minus = "\N{MINUS SIGN}"
    assert levels[:3] == [f"4 {minus} 8", f"Pooled {minus} Centred", ""]


def test_datasets_that_are_left_out_and_effects_without_a_test_are_counted(table):
    found = section(table)
    assert found["n_left_out"] == 3
    assert found["n_untested"] == 1
    assert found["reason"] is None


def test_scenarios_that_are_not_crossed_are_the_reason_for_no_effects():
    recovered = {"from_observed": {"data": "real", "model": "centered", "prior": "weak"}}
    observed = ("observed", "real", OBSERVED), ("truths", "recovered", recovered)
    found = section(EMPTY, make_study(*observed, ("observations", [3, 5])))
    assert found["reason"] == design_effects_section.NOT_CROSSED
    assert found["rows"] == found["measures"] == []


def test_one_cell_has_no_section():
    assert section(EMPTY, make_study(("models", ["pooled"]), ("estimators", ["reml"]))) is None
    assert section(EMPTY) is None  # two priors with the same values are one
