"""Parquet tables: whole or absent, identity in the footer, null for what is not a number."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from recovery import tables

TRUTH = {
    "replicate": np.array([1, 1]),
    "parameter": np.array(["beta[1]", "sigma"], dtype=object),
    "truth": np.array([0.1 + 0.2, np.nan]),
    "data_seed": np.array([2**63 - 1, 3]),
    "error": np.array([None, "why"], dtype=object),
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some" / "folder" / "truth.parquet"


@pytest.fixture
def written(path):
    tables.write(TRUTH, path, tables.TRUTH, "an identity")
    return path


def test_a_table_is_read_as_it_was_written(written):
    read = tables.read(written)
    assert list(read) == list(TRUTH)
    for name, column in TRUTH.items():
        np.testing.assert_array_equal(read[name], column)


def test_only_the_columns_asked_for_are_read(written):
    assert list(tables.read(written, ["truth"])) == ["truth"]


def test_what_a_killed_process_left_beside_a_table_goes(written):
    left = written.with_name(f".{written.name}.123")
    left.write_bytes(b"half a table")
    tables.write(TRUTH, written, tables.TRUTH, "an identity")
    assert [file.name for file in written.parent.iterdir()] == [written.name]


def test_nan_is_written_as_null(written):
    assert pq.read_table(written)["truth"].to_pylist() == [0.1 + 0.2, None]


def test_the_identity_stands_in_the_footer(written):
    assert tables.read_identity(written) == "an identity"


def test_a_table_of_others_has_no_identity(tmp_path):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    assert tables.read_identity(tmp_path / "other.parquet") is None


def test_the_comments_of_columns_stand_in_the_file(written):
    comment = pq.read_schema(written).field("data_seed").metadata[b"comment"]
    assert comment == b"seed of numpy.random.default_rng for this dataset"


def test_an_empty_table_keeps_its_columns(path):
    tables.write(tables.from_rows([], tables.TRUTH), path, tables.TRUTH, "")
    assert {name: len(column) for name, column in tables.read(path).items()} == dict.fromkeys(
        TRUTH, 0
    )


def test_what_a_row_does_not_have_is_null():
    rows = [{"replicate": 1, "parameter": "sigma"}]
    assert tables.from_rows(rows, tables.TRUTH)["truth"] == [None]


def fails_midway(beside):
    beside.write_bytes(b"half a table")
    raise RuntimeError("disk full")


def test_a_write_that_fails_leaves_nothing(path):
    with pytest.raises(RuntimeError, match="disk full"):
        tables.replace(path, fails_midway)
    assert list(path.parent.iterdir()) == []


def test_a_write_that_fails_leaves_the_old_table_as_it_was(written):
    before = written.read_bytes()
    with pytest.raises(RuntimeError, match="disk full"):
        tables.replace(written, fails_midway)
    assert written.read_bytes() == before
    assert list(written.parent.iterdir()) == [written]


def test_a_column_of_the_wrong_type_leaves_nothing(path):
    with pytest.raises(ValueError, match="Could not convert"):
        tables.write(TRUTH | {"replicate": ["one", "two"]}, path, tables.TRUTH, "")
    assert not path.exists()


def test_the_csv_twin_holds_the_same(written):
    twin = written.with_suffix(".csv")
    tables.write_csv(twin, written)
    pd.testing.assert_frame_equal(pd.read_csv(twin), pd.read_parquet(written), check_dtype=False)


def test_frames_are_read_one_below_the_other(written):
    frame = tables.read_frame([written, written], ["parameter"])
    assert frame["parameter"].tolist() == ["beta[1]", "sigma"] * 2


@pytest.mark.parametrize(
    ("level", "names"),
    [
        (0.89, ("q5_5", "q94_5")),
        (0.5, ("q25", "q75")),
        (0.95, ("q2_5", "q97_5")),
        (0.9, ("q5", "q95")),
        (0.999, ("q0_05", "q99_95")),
    ],
)
def test_the_columns_of_an_interval_are_named_by_their_per_cent(level, names):
    assert tables.interval_columns(level) == names


def test_quantile_columns_stand_in_order_with_their_probabilities():
    columns = tables.quantile_columns([0.5, 0.89])
    assert list(columns) == ["q5_5", "q25", "q75", "q94_5"]
    assert list(columns.values()) == pytest.approx([0.055, 0.25, 0.75, 0.945], abs=1e-12)


def test_the_schema_of_data_is_the_familys_columns_after_the_replicate():
    schema = tables.data_schema({"participant": "integer", "y": "real"})
    assert [(field.name, str(field.type)) for field in schema] == [
        ("replicate", "int64"),
        ("participant", "int64"),
        ("y", "double"),
    ]


def test_a_csv_file_is_read_by_column(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("who,y\na,1.5\nb,\n")
    table = tables.read_csv(file)
    assert table["who"].tolist() == ["a", "b"]
    np.testing.assert_array_equal(table["y"], [1.5, np.nan])


@pytest.mark.parametrize(
    ("text", "message"),
    [("a,b\n1,2\n3\n", "Expected 2 columns, got 1"), ("", "Empty CSV file"), ("a,a\n1,2\n", "'a'")],
    ids=["a short row", "empty", "two columns of one name"],
)
def test_a_malformed_csv_file_is_a_value_error(tmp_path, text, message):
    file = tmp_path / "a.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
        tables.read_csv(file)


def test_a_missing_csv_file_is_a_value_error(tmp_path):
    with pytest.raises(ValueError, match="No such file"):
        tables.read_csv(tmp_path / "a.csv")
