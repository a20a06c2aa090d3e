"""The result of `stan_data` is checked against declarations: names, types and shapes.

Stan is the judge where it can be: sizes of declarations are those that stanli finds when it
runs the program, names and types those of real stanc.
"""

import json
import math

import numpy as np
import pandas as pd
import pytest
import stanli

from recovery.common.errors import StudyError
from recovery.engines import declarations, stan_data
from recovery.engines.protocol import Program

PARAMETER = "\nparameters { real free_; }\nmodel { free_ ~ normal(0, 1); }\n"
NAN = float("nan")


@pytest.fixture
def block(tmp_path):
    """Parse the data block of a text."""

    def read(declared, before="", after=PARAMETER):
        file = tmp_path / "program.stan"
        file.write_text(f"{before}data {{\n{declared}\n}}{after}")
        return declarations.of_program(Program(str(file), str(tmp_path)))

    return read


@pytest.fixture
def held(block):
    """The data that an engine gets, given declarations."""

    def read(declared, **data):
        return stan_data.as_json(stan_data.checked_data(data, block(declared)))

    return read


@pytest.fixture
def refused(block):
    """The error of data, given declarations."""

    def read(declared, **data):
        read_block = block(declared)
        with pytest.raises(StudyError) as error:
            stan_data.checked_data(data, read_block)
        return str(error.value).replace(f"{read_block.program}: ", "")

    return read


# Shapes

FLOATS = np.arange(20.0)
SHAPES = [
    ("int N; matrix[2, N] X;", {"N": 10, "X": FLOATS.reshape(10, 2)}, "shape (10, 2)", "(2, 10)"),
    ("int N; matrix[2, N] X;", {"N": 10, "X": FLOATS.tolist()}, "shape (20,)", "(2, 10)"),
    ("vector[6] X;", {"X": FLOATS[:6].reshape(2, 3)}, "shape (2, 3)", "(6,)"),
    ("int X;", {"X": [3]}, "shape (1,)", None),
    ("int X;", {"X": np.array([3], dtype=object)}, "shape (1,)", None),
    ("real X;", {"X": [[0.5]]}, "shape (1, 1)", None),
    ("vector[1] X;", {"X": 0.5}, "a single number", "(1,)"),
    ("array[1] int X;", {"X": np.array(3)}, "a single number", "(1,)"),
    ("vector[2] X;", {"X": [1, 2, 3]}, "shape (3,)", "(2,)"),
    ("int N; int K; array[N] vector[K] X;", {"N": 4, "K": 2, "X": np.ones((2, 4))},
     "shape (2, 4)", "(4, 2)"),
    ("array[2, 3] row_vector[4] X;", {"X": np.ones((2, 3, 5))}, "shape (2, 3, 5)", "(2, 3, 4)"),
    ("cov_matrix[3] X;", {"X": np.ones((3, 2))}, "shape (3, 2)", "(3, 3)"),
    ("corr_matrix[3] X;", {"X": np.ones(9)}, "shape (9,)", "(3, 3)"),
    ("cholesky_factor_corr[2] X;", {"X": np.ones(2)}, "shape (2,)", "(2, 2)"),
    ("cholesky_factor_cov[3, 2] X;", {"X": np.ones((2, 3))}, "shape (2, 3)", "(3, 2)"),
    ("cholesky_factor_cov[3] X;", {"X": np.ones((3, 2))}, "shape (3, 2)", "(3, 3)"),
    ("simplex[3] X;", {"X": [0.5, 0.5]}, "shape (2,)", "(3,)"),
    ("array[2] simplex[3] X;", {"X": np.full((3, 2), 0.5)}, "shape (3, 2)", "(2, 3)"),
    ("unit_vector[3] X;", {"X": [1.0]}, "shape (1,)", "(3,)"),
    ("positive_ordered[3] X;", {"X": [1.0]}, "shape (1,)", "(3,)"),
    ("sum_to_zero_matrix[2, 3] X;", {"X": np.zeros((3, 2))}, "shape (3, 2)", "(2, 3)"),
    ("column_stochastic_matrix[2, 3] X;", {"X": np.ones((3, 2))}, "shape (3, 2)", "(2, 3)"),
    ("vector<lower=0, upper=(1 > 0)>[3] X;", {"X": [1.0]}, "shape (1,)", "(3,)"),
    ("int N; vector[N] X;", {"N": 2, "X": []}, "shape (0,)", "(2,)"),
    ("int N; vector[N] X;", {"N": 0, "X": [1.0]}, "shape (1,)", "(0,)"),
    ("complex_vector[2] X;", {"X": [1j, 2j, 3j]}, "shape (3,)", "(2,)"),
]  # fmt: skip


@pytest.mark.parametrize(("declared", "data", "got", "shape"), SHAPES)
def test_the_error_of_a_wrong_shape_names_both_shapes(refused, declared, data, got, shape):
    said = refused(declared, **data)
    assert said.startswith(f"stan_data: X: got {got}, must be ")
    assert said.endswith(f", of shape {shape}" if shape else ", a single number")


def test_the_error_of_a_wrong_shape_has_the_values_of_its_sizes(refused):
    data = {"N": 3, "K": 4, "L": [2, 5], "X": np.ones((2, 2))}
    assert refused("int N; int K; array[2] int L; matrix[N + L[2], K - 1] X;", **data) == (
        "stan_data: X: got shape (2, 2), must be matrix[N + L[2], K - 1] with N = 3, K = 4, "
        "of shape (8, 3)"
    )


def test_every_fault_has_a_line(refused):
    said = refused("int N; vector[N] x; vector[N] y; vector[N] z;", N=2, x=1, z="one")
    assert said.splitlines() == [
        "stan_data: x: got a single number, must be vector[N] with N = 2, of shape (2,)",
        "stan_data lacks y, declared as vector[N]; it returned N, x, z",
        "stan_data: z: got 'one', must be a number",
    ]


def test_a_missing_entry_is_an_error_even_if_it_would_be_empty(refused):
    assert refused("int N; vector[N] y;", N=0, Y=[]) == (
        "stan_data lacks y, declared as vector[N]; it returned N, Y"
    )
    assert refused("int N;") == "stan_data lacks N, declared as int; it returned nothing"


def test_entries_that_are_not_declared_are_left_out(held):
    assert held("int N;", N=1, note="text", empty=None, ragged=[[1], [2, 3]]) == {"N": 1}


@pytest.mark.parametrize("empty", [[], [[], []], np.ones((2, 0)), np.ones((0, 2)), ()])
def test_empty_arrays_get_the_declared_shape(held, empty):
    assert held("int N; matrix[2, N] X;", N=0, X=empty) == {"N": 0, "X": [[], []]}
    assert held("int N; array[N, 2] int X;", N=0, X=empty) == {"N": 0, "X": []}


def test_a_negative_size_is_an_error(refused):
    assert refused("int N; vector[N - 3] X;", N=2, X=[]) == (
        "stan_data: X: must be vector[N - 3] with N = 2, of shape (-1,): a size below 0"
    )


def test_dimensions_are_checked_if_a_size_cannot_be_evaluated(held, refused):
    declared = "int N; matrix[of_the_programs_own(N), 2] X;"
    assert held(declared, N=1, X=[[1, 2], [3, 4]])["X"] == [[1, 2], [3, 4]]
    assert refused(declared, N=1, X=[1, 2]) == (
        "stan_data: X: got shape (2,), must be matrix[of_the_programs_own(N), 2] with N = 1, "
        "of 2 dimensions"
    )
    assert "got shape (2, 3)" in refused(declared, N=1, X=np.ones((2, 3)))


# Types

NO_INTEGERS = [
    (3.0, "got 3.0, must be int: integers, without a point"),  # as CmdStan refuses it
    (np.float64(3), "got 3.0, must be int: integers, without a point"),
    (NAN, "got nan, must be int: integers"),
    (3_000_000_000, "got 3000000000, must be int: from -2147483648 to 2147483647"),
    (np.uint64(2**63), "got 9223372036854775808, must be int: from"),
    (-(10**30), f"got {-(10**30)}, must be int: from"),
    pytest.param(10**5000, "got a number of thousands of digits, must be int: from", id="huge"),
    ("3", "got '3', must be a number"),
    (b"3", "got b'3', must be a number"),
    (None, "got None, must be a number"),
    (pd.NA, "got <NA>, must be a number"),
    ({3}, "got {3}, must be a number"),
    ({"1": 3}, "got {'1': 3}, must be a number"),
    (1 + 2j, "got complex numbers, must be int"),
    (np.datetime64("2020-01-01"), "must be a number"),
]


@pytest.mark.parametrize(("value", "said"), NO_INTEGERS)
def test_values_that_are_not_integers_are_refused(refused, value, said):
    assert said in refused("int X;", X=value)


NO_NUMBERS = [
    ([[1, 2], [3]], "got lists of different lengths, must be rectangular"),
    ([[1, 2], [3, None]], "got None, must be numbers"),
    ([[1, 2], [3, "4"]], "got '4', must be numbers"),
    (np.array([[1, 2], [3, None]], dtype=object), "got None, must be numbers"),
    (np.ma.masked_array(np.ones((2, 2)), mask=np.eye(2)), "got masked or missing values"),
    ([np.ma.masked_array([1, 2], mask=[0, 1])] * 2, "got masked or missing values"),
    (pd.DataFrame([[1, None], [3, 4]], dtype="Int64"), "got masked or missing values"),
    ([pd.Series([1, None], dtype="Float64")] * 2, "got masked or missing values"),
    ([pd.Categorical([1, None])] * 2, "got masked or missing values"),
    (pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), "got 'x', must be numbers"),
    ([[1, 2j], [3, 4]], "got complex numbers, must be matrix[2, 2]"),
    ([[10**400, 1], [1, 1]], "got a number too large for matrix[2, 2]"),
    (np.full((2, 2), np.longdouble("1e400")), "got a number too large for matrix[2, 2]"),
]


@pytest.mark.parametrize(("value", "said"), NO_NUMBERS)
def test_values_that_are_not_matrices_of_numbers_are_refused(refused, value, said):
    assert said in refused("matrix[2, 2] X;", X=value)


ROWS = [[1, 2], [3, 4]]
SAME = [
    *(ROWS, tuple(map(tuple, ROWS)), np.array(ROWS), [np.array(row) for row in ROWS]),
    *(np.array(ROWS, dtype=kind) for kind in (float, "f2", "f4", "g", "u1", "i8", object)),
    *(np.asfortranarray(ROWS), pd.DataFrame(ROWS), pd.DataFrame(ROWS, dtype="Int64")),
    ([np.int64(1), 2.0], (np.float32(3), 4)),
]


@pytest.mark.parametrize("value", SAME)
def test_numbers_may_have_any_python_type(held, value):
    assert held("matrix[2, 2] X;", X=value) == {"X": [[1.0, 2.0], [3.0, 4.0]]}


@pytest.mark.parametrize(
    "value",
    [3, np.int64(3), np.uint8(3), np.array(3), np.array(3, dtype=object), pd.Series([3]).max()],
)
def test_integers_may_have_any_python_type(held, value):
    found = held("int X;", X=value)["X"]
    assert (found, type(found)) == (3, int)


def test_booleans_are_0_and_1(held):
    declared = "int a; array[2] int b; vector[2] c; array[2, 1] int d;"
    data = {"a": True, "b": [True, False], "c": np.array([True, False]), "d": ((False,), (True,))}
    found = json.dumps(held(declared, **data))
    assert json.loads(found) == {"a": 1, "b": [1, 0], "c": [1, 0], "d": [[0], [1]]}
    assert "true" not in found


def test_reals_may_be_infinite_or_nan(held):
    found = held("vector[3] y;", y=[NAN, math.inf, -math.inf])["y"]
    assert np.isnan(found[0])
    assert found[1:] == [math.inf, -math.inf]


def test_complex_numbers_become_two_parts(held):
    declared = "complex a; complex_vector[2] b; complex_matrix[1, 2] c; array[2] complex d;"
    data = {"a": 1 + 2j, "b": [[1, 2], [3, 4]], "c": [[1j, 2]], "d": np.array([1.5, 2])}
    assert held(declared, **data) == {
        "a": [1, 2],
        "b": [[1, 2], [3, 4]],
        "c": [[[0, 1], [2, 0]]],
        "d": [[1.5, 0], [2, 0]],
    }


def test_tuples_become_stan_tuples_only_if_declared(held, refused):
    declared = "tuple(int<lower=0, upper=9>, vector[2]) t; array[2] tuple(int, real) u;"
    declared += "vector[2] v;"
    data = {"t": (1, (2, 3)), "u": [(1, 0.5), {"1": 2, "2": 1}], "v": (0.5, 1)}
    assert held(declared, **data) == {
        "t": {"1": 1, "2": [2, 3]},
        "u": [{"1": 1, "2": 0.5}, {"1": 2, "2": 1}],
        "v": [0.5, 1],
    }
    assert refused(declared, **data | {"t": (1, 2, 3)}) == (
        "stan_data: t: got (1, 2, 3), must be tuple(int, vector[2])"
    )
    assert "got 1.5, must be int" in refused(declared, **data | {"t": (1.5, (2, 3))})
    assert "shape (3,)" in refused(declared, **data | {"t": (1, (2, 3, 4))})
    assert "must be array[2] tuple(int, real)" in refused(declared, **data | {"u": [(1, 0.5)]})


# Declarations as Stan reads them

SIZES = [
    *("N", "N + 1", "K - 1", "2 * N - K", "N * (K + 1)", "(N)", "+N", "- -N", "N - - 1"),
    *("N / K", "-N / K + 9", "N %/% K", "-N %/% K + 9", "N * K %/% 2", "N % K", "-N % K + 5"),
    *("N - K - 1", "N * 2 / 3 * 2", "7 / 2 * 2", "1 + 2 * 3 %/% 2", "12 / 3 / 2"),
    *("L[1]", "L[2] + M[2, 1]", "M[2][3]", "M[L[1], K]", "L[size(L)]"),
    *("size(L)", "size(M)", "size(M[1])", "num_elements(M)", "rows(X)", "cols(X)", "size(X)"),
    *("max(L)", "min(L)", "sum(L)", "max(M[1])", "max(N, K)", "min(N, K) + 1", "abs(-N)"),
    *("N > K ? 3 : 4", "N < K ? 3 : N == 7 ? 5 : 6", "(N > K) + 1", "(N >= 7 && K != 2) + 1"),
    *("(N < 7 || K <= 2) + 1", "!N + 2", "!(N > 8) + 1", "flag ? N : 0", "p > 0.25 ? 2 : 3"),
    *("size({1, 2, 3})", "1 > 2 ? 1 : 1 + 1", "size(rep_array(0, N))", "doubled(N)", "sum(L[1:2])"),
]  # fmt: skip
BEFORE = "functions { int doubled(int n) { return 2 * n; } }\n"
KNOWN = {"N": 7, "K": 2, "flag": 1, "p": 0.5, "L": [2, 3], "M": [[1, 2, 3], [4, 5, 6]]}
DECLARED = "int N; int K; int flag; real p; array[2] int L; array[2, 3] int M; matrix[K, 3] X;"
NOT_EVALUATED = ("size(X)", "size({1, 2, 3})", "size(rep_array(0, N))", "doubled(N)", "sum(L[1:2])")


@pytest.mark.parametrize("expression", SIZES)
def test_sizes_are_evaluated_as_stan_does(block, refused, expression):
    """The declared array has its shape from stanli, which runs `dims` on it."""
    data = KNOWN | {"X": [[1.0, 2, 3], [4, 5, 6]]}
    shaped = block(f"{DECLARED} array[{expression}] vector[2] y;", BEFORE)
    after = f"{PARAMETER}generated quantities {{ int n = {expression}; }}"
    mir = stanli.stan_to_mir(f"{BEFORE}data {{ {DECLARED} }}{after}")
    fit = stanli.Model(mir=mir, data=data).sample(
        chains=1, seed=1, warmup=5, samples=5, refresh=0, parallel_chains=1
    )
    size = int(fit.draws()[0, 0, fit.names.index("n")])
    assert size > 0
    stan_data.checked_data(data | {"y": np.ones((size, 2))}, shaped)
    with pytest.raises(StudyError, match=f"y: got shape \\({size}, 3\\), must be "):
        stan_data.checked_data(data | {"y": np.ones((size, 3))}, shaped)
    if expression in NOT_EVALUATED:
        return
    with pytest.raises(StudyError, match=f"of shape \\({size}, 2\\)$"):
        stan_data.checked_data(data | {"y": np.ones((size + 1, 2))}, shaped)


def test_comments_strings_and_other_blocks_declare_nothing(block):
    text = """
      // int a; }
      int N; /* vector[N] b;
      } */ vector[N] y, z; // two names
      array[2] real<lower=0, upper=N> u; int old[N, 2];
    """
    before = 'functions { void data_(int n) { print("data { int a; }"); } }\n'
    found = block(text, before, "\ntransformed data { int a; }" + PARAMETER).entries
    assert [(each.name, each.kind, each.text) for each in found] == [
        ("N", "int", "int"),
        ("y", "real", "vector[N]"),
        ("z", "real", "vector[N]"),
        ("u", "real", "array[2] real"),
        ("old", "int", "array[N, 2] int"),
    ]


def test_a_program_may_have_no_data(block, tmp_path):
    file = tmp_path / "none.stan"
    file.write_text("transformed data { int a = 1; }" + PARAMETER)
    assert declarations.of_program(Program(str(file), str(tmp_path))).entries == ()


def test_includes_are_read_from_their_folder_or_beside_the_program(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "own").mkdir()
    (tmp_path / "shared/sizes.stan").write_text("int N; // of rows\n")
    (tmp_path / "own/rows.stan").write_text('#include "sizes.stan"\nvector[N] y;')
    file = tmp_path / "own/program.stan"
    file.write_text(f"data {{\n  #include rows.stan\n  // #include nothing.stan\n}}{PARAMETER}")
    found = declarations.of_program(Program(str(file), str(tmp_path / "shared"))).entries
    assert [each.name for each in found] == ["N", "y"]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('#include "two words.stan"', "two words.stan"),
        ("#include <two words.stan>", "two words.stan"),
        ("#include plain.stan", "plain.stan"),
        ("/* a */ #include plain.stan // b", "plain.stan"),
        ("#include plain.stan int K;", "plain.stan"),
    ],
)
def test_an_include_is_read_as_stan_reads_it(tmp_path, line, name):
    (tmp_path / name).write_text("int N; // without an end of its line")
    file = tmp_path / "program.stan"
    file.write_text(f"data {{\n{line}\n}}{PARAMETER}")
    program = Program(str(file), str(tmp_path / "none"))
    declared = [each.name for each in declarations.of_program(program).entries]
    mir = stanli.stan_to_mir(file.read_text(), include_paths=[str(tmp_path)])
    stanli.Model(mir=mir, data=dict.fromkeys(declared, 1))
    for lacking in declared:
        with pytest.raises(RuntimeError, match=lacking):
            stanli.Model(mir=mir, data={name: 1 for name in declared if name != lacking})
    assert declared[0] == "N"


def test_a_program_that_includes_itself_is_refused(tmp_path):
    file = tmp_path / "program.stan"
    file.write_text(f"data {{\n#include program.stan\n}}{PARAMETER}")
    with pytest.raises(StudyError, match="includes itself"):
        declarations.of_program(Program(str(file), str(tmp_path)))


# Checks that are left to Stan

BOUNDS = [
    ("int<lower=5> X;", 3, "greater than or equal to 5"),
    ("int<lower=1, upper=5> X;", 6, "less than or equal to 5"),
    ("vector<lower=0>[2] X;", [-2.0, 1.0], "greater than or equal to 0"),
    ("array[2] vector<upper=0>[2] X;", [[-2.0, -1.0], [-1.0, 1.0]], "less than or equal to 0"),
    ("simplex[2] X;", [0.5, 0.6], "is not a valid simplex"),
    ("unit_vector[2] X;", [2.0, 1.0], "is not a valid unit vector"),
    ("ordered[2] X;", [2.0, 1.0], "is not a valid ordered vector"),
    ("positive_ordered[2] X;", [-2.0, 1.0], "is not a valid positive_ordered vector"),
    ("sum_to_zero_vector[2] X;", [-2.0, 1.0], "does not sum to zero"),
    ("cov_matrix[2] X;", [[1.0, 2.0], [2.0, 1.0]], "is not positive definite"),
    ("corr_matrix[2] X;", [[1.0, 0.2], [0.2, 2.0]], "is not a valid correlation matrix"),
    ("cholesky_factor_corr[2] X;", [[1.0, 0.0], [1.0, 1.0]], "is not a valid unit vector"),
    ("cholesky_factor_cov[2] X;", [[1.0, 0.5], [0.0, 1.0]], "is not lower triangular"),
]


@pytest.mark.parametrize(("declared", "value", "said"), BOUNDS)
def test_stanli_checks_declared_bounds(held, declared, value, said):
    data = held(declared, X=value)
    with pytest.raises(RuntimeError, match=said):
        stanli.Model(mir=stanli.stan_to_mir(f"data {{ {declared} }}{PARAMETER}"), data=data)
