"""Design matrices against those of R and lme4, which tests/reference/design_matrices.R makes."""

import json

import numpy as np
import pytest
from conftest import ROOT

from recovery.families.formulas import DesignMatrix, coding, offset, read_formula

R = json.loads((ROOT / "tests/reference/design_matrices.json").read_text(encoding="utf-8"))


def columns_of_r():
    columns = {}
    for name, values in R["data"].items():
        levels = R["levels"].get(name)
        columns[name] = np.array([levels.index(v) + 1 for v in values] if levels else values)
    return columns


def codings_of(case):
    return {name: coding(R["levels"][name], kind) for name, kind in case["contrasts"].items()}


def as_array(block):
    return np.array(block["rows"], dtype=float).reshape(len(R["data"]["y"]), -1)


def case_id(case):
    kinds = {kind for kind in case["contrasts"].values() if kind != "treatment"}
    return " ".join([case["formula"], *sorted(kinds)])


@pytest.mark.parametrize("case", R["cases"], ids=case_id)
def test_the_matrix_is_that_of_r(case):
    formula = read_formula(case["formula"])
    matrix = DesignMatrix(formula.population, codings_of(case))
    assert len(matrix.names) == len(case["x"]["names"])
    np.testing.assert_allclose(matrix(columns_of_r()), as_array(case["x"]), rtol=0, atol=1e-10)


@pytest.mark.parametrize("case", R["cases"], ids=case_id)
def test_the_offset_is_that_of_r(case):
    expected = 0.0 if case["offset"] is None else case["offset"]
    result = offset(read_formula(case["formula"]), columns_of_r())
    assert result == pytest.approx(np.array(expected), abs=1e-10)


@pytest.mark.parametrize("case", [c for c in R["cases"] if c["bars"]], ids=case_id)
def test_group_terms_are_those_of_lme4(case):
    expected: dict[frozenset, list] = {}
    for bar in case["bars"]:  # lme4 makes two bars of (x || g)
        expected.setdefault(frozenset(bar["factor"].split(":")), []).append(as_array(bar))
    formula = read_formula(case["formula"])
    assert {frozenset(group.factor) for group in formula.groups} == set(expected)
    for group in formula.groups:
        result = DesignMatrix(group.terms, codings_of(case))(columns_of_r())
        matrix = np.hstack(expected[frozenset(group.factor)])
        np.testing.assert_allclose(result, matrix, rtol=0, atol=1e-10)


def test_r_made_many_cases():
    assert len(R["cases"]) > 30
