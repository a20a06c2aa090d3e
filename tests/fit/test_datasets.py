"""Simulated and observed datasets."""

import numpy as np
import pytest
from conftest import DROP, ROOT, make_design, make_study

from recovery import families, tables
from recovery.common.errors import StudyError
from recovery.fit import datasets
from recovery.plan.batch_size import Batch
from recovery.plan.seeds import dataset_seed
from recovery.study.truths import Observed

family = families.find("multilevel_linear")
SCENARIO = "moderate-4x3"
SOURCE = {"data": "real", "model": "centered", "prior": "weak"}
MEANS = {
    "b_Intercept": 250.0,
    "b_x": 10.0,
    "sd_participant__Intercept": 25.0,
    "sd_participant__x": 6.0,
    "cor_participant__Intercept__x": 0.1,
    "sigma": 26.0,
}


def simulate(design, first, end, scenario=SCENARIO):
    return datasets.simulate_batch(design.simulation(scenario, Batch(first, end, end)))


def assert_same(one, other):
    assert list(one) == list(other)
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])


def test_a_batch_is_the_same_every_time(design):
    for one, other in zip(simulate(design, 1, 3), simulate(design, 1, 3), strict=True):
        assert_same(one, other)


def test_datasets_do_not_depend_on_the_batches(design):
    whole = simulate(design, 1, 4)
    parts = simulate(design, 1, 1), simulate(design, 2, 4)
    for table, first, rest in zip(whole, *parts, strict=True):
        assert_same(table, {name: np.concatenate([first[name], rest[name]]) for name in table})


def test_datasets_differ_between_replicates(design):
    data, _ = simulate(design, 1, 2)
    assert not np.isin(data["y"][data["replicate"] == 1], data["y"][data["replicate"] == 2]).any()


def test_a_fixed_truth_is_the_same_in_every_replicate(design):
    _, truth = simulate(design, 1, 3)
    assert truth["truth"][truth["parameter"] == "b_x"].tolist() == [1.0] * 3


def test_participants_deviations_differ_between_replicates(design):
    _, truth = simulate(design, 1, 3)
    assert len(set(truth["truth"][truth["parameter"] == "r_participant[4,x]"])) == 3


def test_the_seed_in_the_table_reproduces_the_dataset(design, truth):
    data, table = simulate(design, 7, 7)
    assert set(table["data_seed"]) == {dataset_seed(design.simulation(SCENARIO, Batch(7, 7, 7)), 7)}
    rng = np.random.default_rng(table["data_seed"][0])
    columns, _ = family.simulate(truth, 4, 3, rng)
    np.testing.assert_array_equal(columns["y"], data["y"])


def test_a_truth_drawn_from_a_prior_varies_by_replicate():
    design = make_design(
        ("truths", "drawn", {"prior": "weak"}), ("design", {"x": {"sequence": [0, 1]}})
    )
    data, truth = simulate(design, 1, 3, "drawn-4x3")
    for parameter in family.PARAMETERS:
        assert len(set(truth["truth"][truth["parameter"] == parameter])) == 3
    assert data["x"].tolist() == [0, 1, 2] * 4 * 3


def test_a_truth_from_observed_data_uses_their_design_and_the_posterior_means():
    study = [
        ("observed", "real", {"path": "a", "columns": {"participant": "p"}}),
        ("truths", {"found": {"from_observed": SOURCE}}),
        ("observations", DROP),
    ]
    specification = make_design(*study).simulation("found-4", Batch(1, 1, 1))
    observed = {"participant": np.array([1, 1, 2]), "x": np.array([3.0, 4.0, 5.0])}
    data, truth = datasets.simulate_batch(specification, observed, MEANS)
    assert data["x"].tolist() == [3, 4, 5, 3, 4, 5]
    assert dict(zip(truth["parameter"], truth["truth"], strict=True)).items() >= MEANS.items()


# Observed data


@pytest.fixture
def file(tmp_path):
    return tmp_path / "real.csv"


def read(file, text=None, standardize=False):
    """Read a CSV file with this text as the dataset `real`."""
    if text is not None:
        file.write_text(text)
    columns = family.ObservedColumns(y="y", x="x", participant="p")
    observed = Observed(path=str(file), standardize=standardize)
    return datasets.read_observed("real", observed.model_copy(update={"columns": columns}), family)


def test_the_shipped_dataset_is_read(monkeypatch):
    monkeypatch.chdir(ROOT)
    observed = {
        "path": "config/data/sleepstudy.csv",
        "columns": {"y": "Reaction", "x": "Days", "participant": "Subject"},
    }
    study = make_study(("observed", "sleep", observed))
    columns = datasets.read_observed("sleep", study.observed["sleep"], family)
    assert columns["participant"].tolist() == np.repeat(np.arange(1, 19), 10).tolist()
    assert columns["x"].tolist() == list(range(10)) * 18
    assert columns["y"][0] == 249.56


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("y,x,p\n1,2\n", r"real\.csv: cannot be read: row 1 \(line 2\): got 2 cells"),
        ("", r"real\.csv: cannot be read: has no header"),
        ("y,x,p\n", r"real\.csv: has no rows, must have at least one"),
        ("y,x,p\n1,2,a\n,2,b\n", r"real\.csv: column 'y' is empty in row 2, must"),
        ("y,x,p\n1,2,a\n1,2,\n", r"real\.csv: column 'p' is empty in row 2, must"),
        ('y,x,p\n1,2,a\n1,2,""\n', r"real\.csv: column 'p' is empty in row 2, must"),
        ("y,x,p\n1,2,a\n1,2,a\n", r"real\.csv: column 'p' must have at least 2 participants"),
    ],
)
def test_an_unusable_file_is_refused_with_its_name(file, text, message):
    with pytest.raises(StudyError, match=r"^study: observed\.real: .*" + message):
        read(file, text)


NO_NUMBERS = ["high", "NA", "N/A", "null", "nan", "NaN", "inf", "-Infinity", "1e400", "1e-400"]
NO_NUMBERS += ["true", "TRUE", "1_000", '"1,000"', '"1,5"', "1 000", "1'000", "0x10", "1d3", "5%"]
NO_NUMBERS += [
    "2024-01-01",
    "12:30",
    "\u22121",
    "\u0661",
    "\uff11",
    ".",
    "-",
    "1.2.3",
    " ",
    "1\xa0",
]


@pytest.mark.parametrize("cell", NO_NUMBERS)
@pytest.mark.parametrize("column", ["y", "x"])
def test_a_value_that_is_not_a_number_is_refused_with_column_and_row(file, column, cell):
    cells = {"y": "1", "x": "2", column: cell}
    with pytest.raises(StudyError) as refused:
        read(file, f"y,x,p\n1,2,a\n3,4,b\n{cells['y']},{cells['x']},b\n")
    got = repr(cell.strip('"'))
    assert f"real.csv: column {column!r} must hold numbers, got {got} in row 3" in str(
        refused.value
    )


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1", 1),
        ("-1.50", -1.5),
        ("+.5", 0.5),
        ("5.", 5),
        ("1e3", 1000),
        ("1E-3", 0.001),
        ("007", 7),
        (" 1 ", 1),
        ('"1.5"', 1.5),
        ("0.1", 0.1),
        ("0e9", 0),
        ("-0.00", 0),
        (str(2**63), 2.0**63),
    ],
)
def test_a_value_that_is_a_number_is_read_exactly(file, cell, value):
    assert read(file, f"y,x,p\n{cell},2,a\n3,4,b\n")["y"].tolist() == [value, 3]


NAMES = ["1017", "001017", "1017.0", "1.017e3", "NA", "null", "NaN", "N/A", "true", "True", "-"]
NAMES += ["2024-01-01", "01/01/2024", str(2**53), str(2**53 + 1), "a", "a ", "e\u0301", "\xe9", "0"]


def test_names_of_participants_are_read_as_text(file):
    columns = read(file, "y,x,p\n" + "".join(f"1,2,{name}\n3,4,{name}\n" for name in NAMES))
    assert columns["participant"].tolist() == np.repeat(np.arange(1, len(NAMES) + 1), 2).tolist()


def test_participants_whose_names_are_equal_as_numbers_remain_separate(file, rng):
    """In a balanced design with varying intercepts, sigma by REML is the SD within participants."""
    names, intercepts = ["1017", "001017", "1018", "1019", "1020"], [0, 8, 1, 2, 3]
    x, noise = np.arange(5.0), rng.normal(0, 0.3, (5, 5))
    y = np.array(intercepts)[:, None] + noise
    rows = [f"{y[j, i]},{x[i]},{name}\n" for j, name in enumerate(names) for i in range(5)]
    columns = read(file, "y,x,p\n" + "".join(rows))
    varying = families.find({"name": "multilevel_linear", "formula": "y ~ x + (1 | participant)"})
    (part,) = (p for p in varying.ESTIMATORS["reml"].fit(columns).parts if "sigma" in p.names)
    sigma = part.value[list(part.names).index("sigma")]
    apart, xs = noise - noise.mean(axis=1, keepdims=True), np.tile(x - x.mean(), 5)
    left = apart.ravel() - xs * (xs @ apart.ravel()) / (xs @ xs)
    assert sigma == pytest.approx(np.sqrt(left @ left / (25 - 5 - 1)), rel=1e-5)
    assert 0.2 < sigma < 0.4


def test_a_missing_file_is_refused(file):
    with pytest.raises(
        StudyError, match=r"^study: observed\.real: .*real\.csv: cannot be read: .*No"
    ):
        read(file)


@pytest.mark.parametrize(
    ("text", "key", "there"),
    [
        ("y,day,p\n1,2,a\n", "columns.x: got 'x'", "'y', 'day', 'p'"),
        ("y, x,p\n1,2,a\n", "columns.x: got 'x'", "'y', ' x', 'p'"),
        ("y,X,p\n1,2,a\n", "columns.x: got 'x'", "'y', 'X', 'p'"),
        ("y;x;p\n1;2;a\n", "columns.participant: got 'p'", "'y;x;p'"),
        ("y\tx\tp\n1\t2\ta\n", "columns.participant: got 'p'", r"'y\tx\tp'"),
    ],
)
def test_a_missing_column_is_refused_with_the_existing_columns(file, text, key, there):
    with pytest.raises(StudyError) as refused:
        read(file, text)
    words = str(refused.value)
    assert words.startswith(f"study: observed.real.{key}, must be one of the columns of ")
    assert words.endswith(f"real.csv: {there}")


def test_a_constant_column_cannot_be_standardized(file):
    with pytest.raises(StudyError, match=r"column 'x' is constant and cannot be standardized"):
        read(file, "y,x,p\n1,2,a\n3,2,b\n", standardize=True)


def test_a_constant_column_is_detected_in_spite_of_rounding(file):
    with pytest.raises(StudyError, match=r"column 'x' is constant"):
        read(file, "y,x,p\n1,0.1,a\n3,0.1,b\n3,0.1,b\n", standardize=True)


@pytest.mark.parametrize("x", ["1e308,-1e308", "1e200,2e200", "1e-200,2e-200"])
def test_values_whose_squares_overflow_or_underflow_cannot_be_standardized(file, x):
    first, second = x.split(",")
    table = f"y,x,p\n1,{first},a\n3,{second},b\n"
    with pytest.raises(StudyError, match=r"column 'x' is too large or too small to be"):
        read(file, table, standardize=True)
    assert read(file, table)["x"].tolist() == [float(first), float(second)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (bytes(range(256)) * 4, "cannot be read: line 2 is not text in UTF-8"),
        (b'y,x,p\n"1,2,a\n\x1b[31m,4,b\n', "cannot be read: line 3: unexpected end of data"),
        ("y,x,p\n1,2,a\n3,4,b\n".encode("utf-16"), "cannot be read: line 1 is not text"),
        (b"y,x,p\n\x001,2,a\n3,4,b\n", "cannot be read: has a zero byte"),
        (b"y,x,p\n1,\xe9,a\n3,4,b\n", "cannot be read: line 2 is not text in UTF-8"),
        (b"y,x,p\n1,\x1b[31m,a\n3,4,b\n", "column 'x' must hold numbers, got '\\x1b[31m' in row 1"),
        (b"y;x;p\n1;2;a\n", "must be one of the columns of "),
        (b"y,x,p\n1,2,<b>\n3,4,<b>\n", "column 'p' must have at least 2 participants"),
    ],
    ids=lambda value: None if isinstance(value, str) else str(value[:12]),
)
def test_arbitrary_bytes_are_refused_in_one_printable_line(file, content, message):
    file.write_bytes(content)
    with pytest.raises(StudyError) as refused:
        read(file)
    assert message in str(refused.value)
    assert str(refused.value).isprintable()


def test_an_observed_dataset_has_replicate_1():
    table = datasets.observed_table({"x": np.array([1.0, 2.0])})
    assert table["replicate"].tolist() == [1, 1]


def test_the_means_of_a_failed_fit_are_refused(tmp_path):
    file, schema = tmp_path / "e.parquet", tables.estimates_schema([0.5])
    tables.write(tables.from_rows([], schema), file, schema, "fit")
    with pytest.raises(StudyError, match="the fit whose means are the truth failed"):
        datasets.read_means(file, "fit")


def test_means_are_read_by_parameter(tmp_path):
    file, schema = tmp_path / "e.parquet", tables.estimates_schema([0.5])
    rows = [{"parameter": name, "mean": mean} for name, mean in MEANS.items()]
    tables.write(tables.from_rows(rows, schema), file, schema, "fit")
    assert datasets.read_means(file, "fit") == MEANS


def test_means_of_another_fit_are_refused_with_the_rm_command(tmp_path):
    file, schema = tmp_path / "e.parquet", tables.estimates_schema([0.5])
    tables.write(tables.from_rows([], schema), file, schema, "another")
    with pytest.raises(tables.StaleTableError, match=f"rm {file}"):
        datasets.read_means(file, "fit")
