"""Parquet tables: complete or absent, with their identity in the footer, null for NaN."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from conftest import ROOT

from recovery import tables

TRUTH = {
    "replicate": np.array([1, 1]),
    "parameter": np.array(["b_Intercept", "sigma"], dtype=object),
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


def test_temporary_files_of_a_killed_process_are_removed(written):
    left = written.with_name(f".{written.name}.123")
    left.write_bytes(b"half a table")
    tables.write(TRUTH, written, tables.TRUTH, "an identity")
    assert [file.name for file in written.parent.iterdir()] == [written.name]


def test_nan_is_written_as_null(written):
    assert pq.read_table(written)["truth"].to_pylist() == [0.1 + 0.2, None]


def test_the_footer_has_the_identity(written):
    assert tables.read_identity(written) == "an identity"


def test_the_file_has_the_comments_of_columns(written):
    comment = pq.read_schema(written).field("data_seed").metadata[b"comment"]
    assert comment == b"seed of numpy.random.default_rng for this dataset"


def test_an_empty_table_keeps_its_columns(path):
    tables.write(tables.from_rows([], tables.TRUTH), path, tables.TRUTH, "")
    assert {name: len(column) for name, column in tables.read(path).items()} == dict.fromkeys(
        TRUTH, 0
    )


def test_values_that_a_row_lacks_are_null():
    rows = [{"replicate": 1, "parameter": "sigma"}]
    assert tables.from_rows(rows, tables.TRUTH)["truth"] == [None]


def fails_midway(beside):
    beside.write_bytes(b"half a table")
    raise RuntimeError("disk full")


def test_a_failed_write_leaves_no_file(path):
    with pytest.raises(RuntimeError, match="disk full"):
        tables.replace(path, fails_midway)
    assert list(path.parent.iterdir()) == []


def test_a_failed_write_leaves_the_old_table_unchanged(written):
    before = written.read_bytes()
    with pytest.raises(RuntimeError, match="disk full"):
        tables.replace(written, fails_midway)
    assert written.read_bytes() == before
    assert list(written.parent.iterdir()) == [written]


def test_a_column_of_the_wrong_type_leaves_no_file(path):
    with pytest.raises(ValueError, match="Could not convert"):
        tables.write(TRUTH | {"replicate": ["one", "two"]}, path, tables.TRUTH, "")
    assert not path.exists()


def test_the_csv_file_has_the_values_of_the_table(written):
    twin = written.with_suffix(".csv")
    tables.write_csv(twin, written)
    pd.testing.assert_frame_equal(pd.read_csv(twin), pd.read_parquet(written), check_dtype=False)


def test_tables_are_read_into_one_frame(written):
    frame = tables.read_frame([written, written], ["parameter"])
    assert frame["parameter"].tolist() == ["b_Intercept", "sigma"] * 2


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
def test_interval_columns_are_named_by_per_cent(level, names):
    assert tables.interval_columns(level) == names


def test_quantile_columns_are_in_order_with_their_probabilities():
    columns = tables.quantile_columns([0.5, 0.89])
    assert list(columns) == ["q5_5", "q25", "q75", "q94_5"]
    assert list(columns.values()) == pytest.approx([0.055, 0.25, 0.75, 0.945], abs=1e-12)


def test_the_schema_of_data_is_replicate_then_the_familys_columns():
    schema = tables.data_schema({"participant": "integer", "y": "real"})
    assert [(field.name, str(field.type)) for field in schema] == [
        ("replicate", "int64"),
        ("participant", "int64"),
        ("y", "double"),
    ]


# CSV files of a researcher


def read_text(folder, content: str | bytes) -> dict[str, list[str]]:
    """The cells of a CSV file of this content."""
    file = folder / "a.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return {name: column.tolist() for name, column in tables.read_csv(file).items()}


CELLS = ["001017", "1017", "1017.0", "1e3", "NA", "null", "NaN", "true", "2024-01-01"]
CELLS += [str(2**53 + 1), str(2**53), " a", "a", "A", "e\u0301", "\u00e9", "\U0001f600", ""]


def test_cells_are_unchanged_text(tmp_path):
    text = "who,y\n" + "".join(f"{cell},1.50\n" for cell in CELLS)
    assert read_text(tmp_path, text) == {"who": CELLS, "y": ["1.50"] * len(CELLS)}


def test_quotes_around_cells_are_removed(tmp_path):
    text = 'who,"y, z"\n"007","1,5"\n"a ""b""\n c",\n'
    assert read_text(tmp_path, text) == {"who": ["007", 'a "b"\n c'], "y, z": ["1,5", ""]}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CR LF", "CR"])
@pytest.mark.parametrize("last", [True, False], ids=["with a last line end", "without"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "byte order mark"])
def test_line_ends_of_every_system_are_read(tmp_path, end, last, mark):
    text = mark + end.join(["who,y", "a,1", "", "b,2"]) + end * last
    assert read_text(tmp_path, text) == {"who": ["a", "b"], "y": ["1", "2"]}


def test_a_column_is_text_even_if_its_first_text_comes_late(tmp_path):
    """A reader that guesses types from the first block of a file takes these for numbers."""
    whole = ["0017"] * 300_000 + ["x"]
    assert read_text(tmp_path, "p\n" + "\n".join(whole))["p"] == whole


def test_columns_without_a_name_are_left_out(tmp_path):
    assert read_text(tmp_path, "a,,b,\n1,2,3,\n") == {"a": ["1"], "b": ["3"]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n\n3\n", r"row 2 \(line 4\): got 1 cells between commas, .* header, 2"),
        ("a,b\n1,2,\n", r"row 1 \(line 2\): got 3 cells"),
        ("a,b,\n1,2\n", r"row 1 \(line 2\): got 2 cells"),
        ("a;b\n1,5;2,5\n", r"row 1 \(line 2\): got 3 cells .*, 1$"),
        ("", "has no header"),
        ("\n\n", "has no header"),
        (",,\n1,2,3\n", "has no header"),
        ("a,a\n1,2\n", "column 'a' is named more than once"),
        ('a,b\n"1,2\n3,4\n', "line 3: unexpected end of data"),
        ('a,b\n"1"0,2\n', "line 2: ',' expected after"),
        (b"a,b\n1,2\n\xe9,2\n", "line 3 is not text in UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "line 1 is not text in UTF-8"),
        ("a,b\n1,2\n".encode("utf-16-le"), "has a zero byte"),
        ("a,b\n" + "1" * 200_000 + ",2\n", "line 2: field larger than field limit"),
    ],
)
def test_a_malformed_csv_file_is_a_value_error(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        read_text(tmp_path, content)


def test_a_missing_csv_file_is_a_value_error(tmp_path):
    with pytest.raises(ValueError, match="No such file"):
        tables.read_csv(tmp_path / "a.csv")


def test_a_pipe_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "a.csv")
    for path in (tmp_path / "a.csv", tmp_path, "/dev/zero"):
        with pytest.raises(ValueError, match="is not a file"):
            tables.read_csv(path)


def test_a_message_names_at_most_50_files_or_folders_that_hold_them_all():
    places = [f"results/a/{s}/{m}/{n}" for s in range(100) for m in range(9) for n in range(3)]
    files = [f"{place}/00001-00250.parquet" for place in places]
    for some in (files[:50], files[:51], files[:300], files):
        told = str(tables.stale_tables_error(some))
        assert told.startswith(f"{len(some)} tables were made by another study")
        named = told.splitlines()[-1].removeprefix("rm ").removeprefix("-r ").split()
        assert len(named) <= 50
        assert all(any(file.startswith(name) for name in named) for file in some)
    assert str(tables.stale_tables_error(files[:50])).endswith("rm " + " ".join(files[:50]))
    assert str(tables.stale_tables_error(files)).endswith("rm -r results/a")


def test_a_table_is_written_and_read_without_pandas(tmp_path):
    """Its import would be a third of the start of a job of fits."""
    code = (
        "import sys; from recovery import tables; path, schema = sys.argv[1], tables.TRUTH\n"
        "row = {'replicate': 1, 'parameter': 'sigma', 'truth': 1.0, 'data_seed': 1}\n"
        "tables.write(tables.from_rows([row], schema), path, schema, 'x', replicates='1')\n"
        "assert tables.read(path)['truth'].tolist() == [1.0]\n"
        "assert 'pandas' not in sys.modules\n"
        "assert len(tables.read_frame([path])) == 1\n"
        "assert 'pandas' in sys.modules\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow/scripts")}
    command = [sys.executable, "-c", code, str(tmp_path / "truth.parquet")]
    subprocess.run(command, env=environment, check=True)


def test_a_missing_table_is_refused_with_the_command_that_cures(tmp_path):
    with pytest.raises(tables.StaleTableError, match="made by another study"):
        tables.read_of(tmp_path / "no.parquet", "an identity")
