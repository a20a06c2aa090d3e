"""Names, codings and errors of design matrices."""

import pickle
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recovery.families.formulas import DesignMatrix, coding, offset, read_formula, term_text

KINDS = ("treatment", "sum", "difference", "helmert", "poly")
LEVELS = {"size": ("S", "M", "L"), "condition": ("easy", "hard"), "group": ("c", "p")}


def codings(kind="treatment"):
    return {name: coding(levels, kind) for name, levels in LEVELS.items()}


def design(right_side, kind="treatment"):
    return DesignMatrix(read_formula(f"y ~ {right_side}").population, codings(kind))


@pytest.fixture
def columns(rng):
    """Every combination of levels four times."""
    rows = np.array(list(product(*(range(1, len(each) + 1) for each in LEVELS.values()))) * 4)
    x, z = rng.normal(size=len(rows)), rng.uniform(1, 3, size=len(rows))
    return {**dict(zip(LEVELS, rows.T, strict=True)), "x": x, "z": z}


@pytest.mark.parametrize(
    ("right_side", "kind", "names"),
    [
        ("1", "treatment", "Intercept"),
        ("0", "treatment", ""),
        ("x", "treatment", "Intercept x"),
        ("condition * group", "sum", "Intercept condition group condition:group"),
        ("size", "treatment", "Intercept size[M] size[L]"),
        ("size", "sum", "Intercept size[S] size[M]"),
        ("size", "difference", "Intercept size[M] size[L]"),
        ("size", "helmert", "Intercept size[M] size[L]"),
        ("size", "poly", "Intercept size[1] size[2]"),
        ("0 + condition", "sum", "condition[easy] condition[hard]"),
        ("0 + condition + size", "sum", "condition[easy] condition[hard] size[S] size[M]"),
        ("0 + x + condition", "sum", "x condition[easy] condition[hard]"),
        ("condition:x", "sum", "Intercept condition[easy]:x condition[hard]:x"),
        ("x + condition:x", "sum", "Intercept x x:condition"),
        ("x:size + x", "treatment", "Intercept x x:size[M] x:size[L]"),
        ("condition + condition:size", "poly", "Intercept condition condition[easy]:size[1] "
         "condition[hard]:size[1] condition[easy]:size[2] condition[hard]:size[2]"),
        ("size * condition", "sum", "Intercept size[S] size[M] condition size[S]:condition "
         "size[M]:condition"),
        ("condition:group", "sum", "Intercept condition[easy]:group[c] condition[hard]:group[c] "
         "condition[easy]:group[p] condition[hard]:group[p]"),
        ("0 + poly(x,2):condition", "sum", "poly(x,2)[1]:condition[easy] "
         "poly(x,2)[2]:condition[easy] poly(x,2)[1]:condition[hard] poly(x,2)[2]:condition[hard]"),
        ("I(x^2) + log(z) + poly(x,1)", "sum", "Intercept I(x^2) log(z) poly(x,1)"),
        # R codes a factor by contrasts also if the other atoms are only part of an earlier term:
        # without it, size:group would repeat the columns of size:condition.
        ("size:condition + size:group", "sum", "Intercept "
         "size[S]:condition[easy] size[M]:condition[easy] size[L]:condition[easy] "
         "size[S]:condition[hard] size[M]:condition[hard] size[L]:condition[hard] "
         "size[S]:group size[M]:group size[L]:group"),
        # R gives the first factor all its columns without an intercept, though x is a term.
        ("0 + x + condition:x", "sum", "x x:condition[easy] x:condition[hard]"),
    ],
)  # fmt: skip
def test_names(right_side, kind, names, columns):
    matrix = design(right_side, kind)
    assert [name.replace(", ", ",") for name in matrix.names] == names.split()
    assert matrix(columns).shape == (48, len(matrix.names))


def test_every_column_has_its_term():
    matrix = design("size * x + poly(x, 2)")
    assert [term_text(term) for term in matrix.terms_of_columns] == [
        "Intercept",
        "size",
        "size",
        "x",
        "poly(x, 2)",
        "poly(x, 2)",
        "size:x",
        "size:x",
    ]


def test_a_coding_of_ones_own_is_used(columns):
    own = {"size": coding(LEVELS["size"], [-1, 0, 1])}
    matrix = DesignMatrix(read_formula("y ~ size").population, own)
    assert matrix.names == ("Intercept", "size")
    assert np.array_equal(matrix(columns)[:, 1], columns["size"] - 2)


hierarchical = st.sampled_from(
    [
        "size",
        "size * condition",
        "size * condition * group",
        "size * x",
        "(size + condition + x)^2",
        "size + size:condition",
        "condition + condition:size:group + condition:size",
        "size:condition + x",
        "poly(x, 3) * condition",
    ]
)


@given(hierarchical, st.sampled_from(KINDS), st.booleans())
def test_all_codings_span_the_same_columns(right_side, kind, intercept):
    rng = np.random.default_rng(3)
    rows = np.array(list(product((1, 2, 3), (1, 2), (1, 2))) * 4)
    columns = {**dict(zip(LEVELS, rows.T, strict=True)), "x": rng.normal(size=len(rows))}
    y = rng.normal(size=len(rows))
    right_side = right_side if intercept else f"0 + {right_side}"
    one = design(right_side, "treatment")(columns)
    other = design(right_side, kind)(columns)
    fitted = [each @ np.linalg.lstsq(each, y)[0] for each in (one, other)]
    assert fitted[0] == pytest.approx(fitted[1])
    if ":" not in right_side or "+ size:" in right_side:
        assert np.linalg.matrix_rank(other) == other.shape[1]


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("-x^2", lambda x, z: -(x**2)),
        ("(-x)^2", lambda x, z: x**2),
        ("2^-1 * x", lambda x, z: x / 2),
        ("2^3^2 + x", lambda x, z: 512 + x),
        ("x - z - 1", lambda x, z: (x - z) - 1),
        ("x - (z - 1)", lambda x, z: x - (z - 1)),
        ("x / z / 2", lambda x, z: (x / z) / 2),
        ("x + z * 2", lambda x, z: x + (z * 2)),
        ("--x", lambda x, z: x),
        ("log(z) + exp(x) * sqrt(z)", lambda x, z: np.log(z) + np.exp(x) * np.sqrt(z)),
        ("1.5e1 * x", lambda x, z: 15 * x),
    ],
)
def test_arithmetic_has_the_values_of_r(inside, expected, columns):
    result = design(f"0 + I({inside})")(columns)[:, 0]
    assert result == pytest.approx(expected(columns["x"], columns["z"]), rel=1e-14)


@pytest.mark.parametrize(("shift", "scale"), [(0, 1), (1e6, 1), (0, 1e-200), (0, 1e200)])
def test_polynomials_are_orthonormal_at_any_scale(shift, scale, columns):
    columns["x"] = (shift + np.sort(columns["x"])) * scale
    result = design("0 + poly(x, 3)")(columns)
    assert result.T @ result == pytest.approx(np.eye(3), abs=1e-12)
    assert result.sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-12)
    assert (result[-1] > 0).all()  # the leading coefficients are positive


def test_polynomials_are_the_qr_decomposition_of_powers(columns):
    centred = columns["x"] - columns["x"].mean()
    q, r = np.linalg.qr(np.vander(centred, 5, increasing=True))
    expected = (q * np.sign(np.diag(r)))[:, 1:]
    assert design("0 + poly(x, 4)")(columns) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("right_side", ["log(size)", "I(size + x)", "poly(size, 2)", "x:exp(size)"])
def test_a_factor_in_a_function_is_refused(right_side):
    with pytest.raises(ValueError, match=r"\): got the factor 'size', must be a column of numbers"):
        design(right_side)


@pytest.mark.parametrize(
    ("right_side", "change", "message"),
    [
        ("x", {"x": [1, np.nan]}, "^x: got nan in row 2, must be finite"),
        ("log(x)", {"x": [1, -1]}, r"^log\(x\): got nan in row 2, must be finite"),
        ("I(1/x)", {"x": [0, 1]}, r"^I\(1/x\): got inf in row 1, must be finite"),
        ("poly(x, 1)", {"x": [np.inf, 1]}, r"^poly\(x, 1\): got inf in row 1, must be finite"),
        ("x:z", {"x": [1, 1e200], "z": [1, 1e200]}, "^x:z: got inf in row 2, must be finite"),
        ("poly(x, 2)", {}, r"^poly\(x, 2\): got 2 different values, must be at least 3"),
        ("poly(x, 1)", {"x": [2, 2]}, r"^poly\(x, 1\): got 1 different values, must be at least 2"),
        ("size", {"size": [0, 1]}, "^size: got 0 in row 1, must be the number of a level, from 1"),
        ("size", {"size": [1, 4]}, "^size: got 4 in row 2, must be the number of a level, from 1"),
        ("size", {"size": [1.5, 1]}, "^size: got 1.5 in row 1, must be the number of a level"),
        ("size", {"size": [np.nan, 1]}, "^size: got nan in row 1, must be the number of a level"),
        ("w", {}, "^got no column 'w', must be one of x, z, size"),
        ("x", {"x": [[1], [2]]}, r"^x: got the shape \(2, 1\), must have one number per row"),
        ("z", {"z": [1]}, "^z: got 1 rows, must be 2"),
    ],
)
def test_wrong_columns_are_refused(right_side, change, message):
    columns = {"x": [0.5, 2], "z": [1, 2], "size": [1, 2], **change}
    with pytest.raises(ValueError, match=message):
        design(right_side)({name: np.array(values) for name, values in columns.items()})


def test_no_columns_are_refused():
    with pytest.raises(ValueError, match="got no columns"):
        design("1")({})


def test_two_coefficients_of_one_name_are_refused():
    (group,) = read_formula("y ~ 1 + (Intercept | g)").groups
    with pytest.raises(ValueError, match="got two coefficients 'Intercept'"):
        DesignMatrix(group.terms, {})


def test_too_many_coefficients_are_refused():
    many = {name: coding([str(k) for k in range(30)]) for name in "abcd"}
    with pytest.raises(ValueError, match="got 24,389 coefficients, must be at most 10,000"):
        DesignMatrix(read_formula("y ~ a:b:c + a:b + a:c + b:c - 1").population[-1:], {
            name: coding([str(k) for k in range(29)]) for name in many
        })  # fmt: skip


def test_offsets_are_added(columns):
    formula = read_formula("y ~ x + offset(log(z)) + offset(2 * x)")
    expected = np.log(columns["z"]) + 2 * columns["x"]
    assert offset(formula, columns) == pytest.approx(expected)
    assert offset(read_formula("y ~ x"), columns) == 0.0
    with pytest.raises(ValueError, match=r"^offset\(log\(x\)\): got nan in row"):
        offset(read_formula("y ~ offset(log(x))"), {"x": np.array([-1.0])})
    with pytest.raises(ValueError, match=r"^offset: got inf in row 1, must be finite"):
        offset(read_formula("y ~ offset(x) + offset(z)"), {"x": [1e308], "z": [1e308]})
    with pytest.raises(ValueError, match=r"^offset\(size\): got the factor 'size'"):
        offset(read_formula("y ~ offset(size)"), columns, LEVELS)


def test_a_design_matrix_can_be_pickled(columns):
    matrix = design("size * x", "sum")
    again = pickle.loads(pickle.dumps(matrix))
    assert again.names == matrix.names
    assert np.array_equal(again(columns), matrix(columns))


def test_a_large_table_has_its_matrix(rng):
    rows = 100_000
    columns = {
        "size": rng.integers(1, 4, rows),
        "condition": rng.integers(1, 3, rows),
        "x": rng.normal(size=rows),
    }
    assert design("size * condition * x + poly(x, 3)")(columns).shape == (rows, 15)
