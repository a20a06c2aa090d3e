"""Codings of factors against the matrices that R's manual and MASS print, and closed forms."""

import numpy as np
import pytest

from recovery.families.formulas import coding

KINDS = ("treatment", "sum", "difference", "helmert", "poly")
SIZES = ("small", "medium", "large")


@pytest.mark.parametrize(
    ("kind", "names", "matrix"),
    [
        ("treatment", "[medium] [large]", [[0, 0], [1, 0], [0, 1]]),
        ("sum", "[small] [medium]", [[1, 0], [0, 1], [-1, -1]]),
        ("difference", "[medium] [large]", [[-2 / 3, -1 / 3], [1 / 3, -1 / 3], [1 / 3, 2 / 3]]),
        ("helmert", "[medium] [large]", [[-1, -1], [1, -1], [0, 2]]),
        (
            "poly",
            "[1] [2]",
            np.array([[-1, 1], [0, -2], [1, 1]]) / np.sqrt([2, 6]),
        ),
        ([[1, 0], [-1, 1], [0, -1]], "[1] [2]", [[1, 0], [-1, 1], [0, -1]]),
    ],
)
def test_three_levels(kind, names, matrix):
    result = coding(SIZES, kind)
    assert result.levels == SIZES
    assert result.names == tuple(names.split())
    assert result.matrix == pytest.approx(np.array(matrix))


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        ("treatment", [0, 1]),
        ("sum", [1, -1]),
        ("difference", [-0.5, 0.5]),
        ("helmert", [-1, 1]),
        ("poly", [-(0.5**0.5), 0.5**0.5]),
        ([[-1], [3]], [-1, 3]),
        ([0.5, -0.5], [0.5, -0.5]),
    ],
)
def test_two_levels_have_one_column_without_suffix(kind, column):
    result = coding(("easy", "hard"), kind)
    assert result.names == ("",)
    assert result.matrix == pytest.approx(np.array(column)[:, np.newaxis])


def test_treatment_is_the_default():
    assert np.array_equal(coding(SIZES).matrix, coding(SIZES, "treatment").matrix)


def test_a_matrix_may_have_fewer_columns():
    assert coding(SIZES, [[-1], [0], [1]]).names == ("",)
    assert coding(SIZES, [-1, 0, 1]).matrix.shape == (3, 1)
    assert coding(tuple("abcd"), [[1, 0], [-1, 0], [0, 1], [0, -1]]).names == ("[1]", "[2]")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [2, 3, 4, 7, 12])
def test_coefficients_are_what_the_coding_is_named_for(kind, number, rng):
    """The inverse of (1, contrasts) takes means of levels to coefficients."""
    means = rng.normal(size=number)
    matrix = coding([str(k) for k in range(number)], kind).matrix
    intercept, *effects = np.linalg.solve(np.column_stack([np.ones(number), matrix]), means)
    before = [means[:k].mean() for k in range(1, number)]
    expected = {
        "treatment": means[1:] - means[0],
        "sum": means[:-1] - means.mean(),
        "difference": np.diff(means),
        "helmert": (means[1:] - before) / np.arange(2, number + 1),
        "poly": matrix.T @ means,
    }
    assert effects == pytest.approx(expected[kind])
    assert intercept == pytest.approx(means[0] if kind == "treatment" else means.mean())


@pytest.mark.parametrize("number", [4, 5])
def test_polynomials_are_those_of_tables(number):
    """Fisher & Yates, table XXIII, with unit length."""
    integers = {
        4: [[-3, -1, 1, 3], [1, -1, -1, 1], [-1, 3, -3, 1]],
        5: [[-2, -1, 0, 1, 2], [2, -1, -2, -1, 2], [-1, 2, 0, -2, 1], [1, -4, 6, -4, 1]],
    }
    table = np.array(integers[number], dtype=float).T
    expected = table / np.sqrt((table**2).sum(axis=0))
    result = coding([str(k) for k in range(number)], "poly").matrix
    assert result == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("number", [30, 60])
def test_polynomials_of_many_levels_are_orthonormal(number):
    matrix = coding([str(k) for k in range(number)], "poly").matrix
    assert matrix.T @ matrix == pytest.approx(np.eye(number - 1), abs=1e-12)
    assert matrix.sum(axis=0) == pytest.approx(np.zeros(number - 1), abs=1e-12)


@pytest.mark.parametrize(
    ("levels", "kind", "message"),
    [
        (SIZES, "simple", "got 'simple', must be one of treatment, sum, difference, helmert, poly"),
        (("a",), "sum", "must be at least two names"),
        ((), "sum", "must be at least two names"),
        ((1, 2), "sum", "must be at least two names"),
        (("a", "b", "a"), "sum", "must be different names"),
        (SIZES, [[1, 0], [0, 1]], r"shape \(2, 2\), must have 3 rows, one per level, and 1 to 2 c"),
        (SIZES, np.eye(3), "and 1 to 2 columns"),
        (SIZES, [[], [], []], "and 1 to 2 columns"),
        (SIZES, np.zeros((3, 2, 1)), "and 1 to 2 columns"),
        (SIZES, 3, "and 1 to 2 columns"),
        (SIZES, [[1, 0], [0, 1], [1]], "must be rows of numbers"),
        (SIZES, [["a"], ["b"], ["c"]], "must be rows of numbers"),
        (SIZES, {"a": 1}, "must be rows of numbers"),
        (SIZES, None, "must have 3 rows"),
        (SIZES, [[1], [1], [1]], "depend linearly on each other"),
        (SIZES, [[0], [0], [0]], "depend linearly on each other"),
        (SIZES, [[1, 2], [0, 0], [3, 6]], "depend linearly on each other"),
        (SIZES, [[1, 0], [0, 1], [0, np.nan]], "must be finite numbers"),
        (SIZES, [[1, 0], [0, 1], [0, np.inf]], "must be finite numbers"),
    ],
)
def test_a_wrong_coding_is_refused(levels, kind, message):
    with pytest.raises(ValueError, match=message):
        coding(levels, kind)


def test_a_matrix_is_copied_and_cannot_be_changed():
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
    result = coding(SIZES, rows)
    rows[0, 0] = 5
    assert result.matrix[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        result.matrix[0, 0] = 2
