"""Every reader refuses a damaged table, and the error says what to do."""

import io
import os
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import make_design

from recovery import tables
from recovery.plan import identities, provenance
from recovery.score import external
from recovery.tables import checksum
from recovery.tables.summary_schemas import SUMMARIES

FLIPS = 1500  # random ones, for each kind of table
SCHEMAS = {
    "data": tables.data_schema({"participant": "integer", "x": "real", "y": "real"}),
    "truth": tables.TRUTH,
    "estimates": tables.estimates_schema([0.5, 0.89]),
    "groups": tables.GROUPS,
    "diagnostics": tables.DIAGNOSTICS,
    "loo": tables.LOO,
    "evidence": tables.EVIDENCE,
    "summary": SUMMARIES["performance"],
}
READERS = {
    "read": tables.read,
    "read_of": lambda path: tables.read_of(path, "an identity"),
    "read_frame": lambda path: tables.read_frame([path]),
    "read_identity": tables.read_identity,
    "read_seconds": tables.read_seconds,
    "are_current": lambda path: tables.are_current([path], "an identity"),
    "write_csv": lambda path: tables.write_csv(path.with_suffix(".csv"), path),
}
DRAW = {"replicate": [1], "chain": [1], "draw": [1]}


def cells(kind: pa.DataType, rng: np.random.Generator, size: int) -> list:
    """Values of a column of this type; some are missing."""
    values = {
        "string": lambda: rng.choice(["b_Intercept", "sigma", "0" * 64]),
        "int64": lambda: int(rng.integers(1, 2**53)),
        "double": rng.normal,
        "bool": lambda: bool(rng.integers(2)),
        "list<element: double>": lambda: rng.normal(size=3).tolist(),
    }
    make = values[str(kind).replace("list<item:", "list<element:")]
    return [make() if rng.random() < 0.9 else None for _ in range(size)]


def made(folder, kind: str):
    """A file of one kind of table, 40 rows or two row groups of draws."""
    path, rng = folder / f"{kind}.parquet", np.random.default_rng(1)
    if kind == "draws":
        with tables.appending(path, tables.DRAWS, "an identity") as append:
            for replicate in (1, 2):
                draws = {"replicate": [replicate] * 40, "chain": [1] * 40, "draw": range(1, 41)}
                append({**draws, "sigma": rng.exponential(size=40)})
        return path
    columns = {field.name: cells(field.type, rng, 40) for field in SCHEMAS[kind]}
    tables.write(columns, path, SCHEMAS[kind], "an identity", {"start": 0.5})
    return path


def assert_refused(reader, path):
    with pytest.raises(tables.StaleTableError) as refused:
        reader(path)
    assert str(refused.value).startswith(f"{path}: is cut short or damaged")
    assert str(refused.value).endswith(f"\nrm {path}")


def flipped(whole: bytes, bit: int) -> bytes:
    changed = bytearray(whole)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def is_detected(content: bytes) -> bool:
    try:
        checksum.check(io.BytesIO(content))
    except checksum.DamagedError:
        return True
    return False


@pytest.mark.parametrize("kind", [*SCHEMAS, "draws"])
def test_every_flipped_bit_is_detected(tmp_path, rng, kind):
    """All of them by the check that readers share, some of them by each reader."""
    path = made(tmp_path, kind)
    whole = path.read_bytes()
    assert not is_detected(whole)
    bits = rng.integers(8 * len(whole), size=FLIPS).tolist()
    assert [bit for bit in bits if not is_detected(flipped(whole, bit))] == []
    for bit, reader in zip(bits, [*READERS.values()] * 4, strict=False):
        path.write_bytes(flipped(whole, bit))
        assert_refused(reader, path)
    path.write_bytes(whole)
    for reader in [*READERS.values()][:-1]:  # the last writes no lists
        assert reader(path) is not False


def test_every_flipped_bit_of_the_footer_is_detected(tmp_path):
    """Also of the hash, of the footer's length and of the last letters."""
    whole = made(tmp_path, "truth").read_bytes()
    footer = int.from_bytes(whole[-8:-4], "little") + 8
    bits = range(8 * (len(whole) - footer), 8 * len(whole))
    assert [bit for bit in bits if not is_detected(flipped(whole, bit))] == []


def test_a_checked_table_is_checked_again_after_a_change(tmp_path):
    """Also if its size and modification time stay the same."""
    path = made(tmp_path, "estimates")
    long_ago = (1_000_000_000, 1_000_000_000)
    os.utime(path, ns=long_ago)
    assert tables.are_current([path], "an identity")
    path.write_bytes(flipped(path.read_bytes(), 8 * 706 + 7))
    os.utime(path, ns=long_ago)
    for reader in READERS.values():
        assert_refused(reader, path)


def content_of(whole: bytes) -> dict[str, bytes]:
    """Contents of a file that are not an undamaged table."""
    half = len(whole) // 2
    return {
        "empty": b"",
        "short": b"PAR1",
        "first half": whole[:half],
        "last half": whole[half:],
        "without its last byte": whole[:-1],
        "with a byte more": whole + b"\0",
        "twice": whole * 2,
        "zeros": bytes(len(whole)),
        "zeros in the middle": whole[:half] + bytes(64) + whole[half + 64 :],
        "a footer of no length": whole[:-8] + bytes(4) + b"PAR1",
        "a footer of great length": whole[:-8] + b"\xff\xff\xff\x7fPAR1",
        "an endless footer": whole[:-8] + b"\xff\xff\xff\xffPAR1",
        "text": b"scenario,model\n",
    }


@pytest.mark.parametrize("what", list(content_of(b"")))
@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_a_damaged_table_is_refused(tmp_path, reader, what):
    path = made(tmp_path, "diagnostics")
    path.write_bytes(content_of(path.read_bytes())[what])
    assert_refused(reader, path)


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_a_pipe_or_folder_is_refused_at_once(tmp_path, reader):
    pipe, loop, folder = (tmp_path / f"{name}.parquet" for name in ("pipe", "loop", "folder"))
    os.mkfifo(pipe)
    loop.symlink_to(loop)
    for path in (pipe, loop):
        assert_refused(reader, path)
    folder.mkdir()
    with pytest.raises(tables.StaleTableError, match=f"rm -r {re.escape(str(folder))}$"):
        reader(folder)


def test_a_file_of_another_program_or_an_older_version_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    table = pa.table({"a": [1.0]}).replace_schema_metadata({"identity": "i", "seconds": "{}"})
    pq.write_table(table, path)
    for reader in READERS.values():
        assert_refused(reader, path)


def test_a_missing_table_is_neither_current_nor_damaged(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "a.parquet", tmp_path / "file/a.parquet"):
        assert not tables.are_current([path], "an identity")
    with pytest.raises(FileNotFoundError):
        tables.read(tmp_path / "a.parquet")


def test_a_damaged_figure_has_no_identity(tmp_path):
    figure = tmp_path / "a.svg"
    figure.write_bytes(b"<svg>identity</svg>")
    assert provenance.bear([figure], "identity")
    figure.write_bytes(b"<svg>identity\xbc/svg>")
    assert not provenance.bear([figure], "identity")
    figure.unlink()
    os.mkfifo(figure)
    assert not provenance.bear([figure], "identity")


def test_a_damaged_table_is_not_scored_as_external_estimates(tmp_path, rng):
    path, intervals = tmp_path / "e.parquet", {0.89: ("q5_5", "q94_5")}
    keys = {"scenario": "a", "model": "m", "prior": "p", "parameter": "sigma"}
    numbers = {"truth": 1.0, "mean": 1.42, "sd": 0.1, "q5_5": 1.2, "q94_5": 1.6}
    rows = [keys | numbers | {"replicate": replicate} for replicate in range(1, 40)]
    schema = tables.estimates_schema([0.89])
    tables.write(tables.from_rows(rows, schema), path, schema, "an identity")
    assert external.read([path], intervals)["mean"].tolist() == [1.42] * 39
    whole = path.read_bytes()
    for bit in rng.integers(8 * len(whole), size=200).tolist():
        path.write_bytes(flipped(whole, bit))
        with pytest.raises(ValueError, match=re.escape(str(path))):
            external.read([path], intervals)


def test_every_parquet_reader_reads_the_tables(tmp_path):
    """The hash is in the metadata that Parquet leaves to writers."""
    path = made(tmp_path, "truth")
    pd.testing.assert_frame_equal(pd.read_parquet(path), tables.read_frame([path]))
    said = pq.read_metadata(path).metadata
    assert re.fullmatch("[0-9a-f]{64}", said[b"digest"].decode())
    assert said[b"identity"] == b"an identity"


def test_equal_tables_have_equal_files(tmp_path):
    """A copy, or the same job again, is the same to the last byte."""
    (tmp_path / "again").mkdir()
    assert made(tmp_path, "loo").read_bytes() == made(tmp_path / "again", "loo").read_bytes()


def test_all_damaged_tables_are_named_at_once(tmp_path, monkeypatch, design):
    monkeypatch.chdir(tmp_path)
    for file, specification in identities.expected(design):
        columns = {name: [] for name in tables.TRUTH.names}
        tables.write(columns, file, tables.TRUTH, specification["identity"])
    identities.check_existing(design, remembered=True)
    broken = [file for file, _ in identities.expected(design)][1::2]
    for file in broken:
        (tmp_path / file).write_bytes(b"PAR1")
    with pytest.raises(tables.StaleTableError) as refused:
        identities.check_existing(design, remembered=True)
    assert str(refused.value).endswith("\nrm " + " ".join(broken))


def test_tables_that_the_summary_does_not_read_are_checked_too(tmp_path, monkeypatch):
    design = make_design(("keep_draws", True))
    monkeypatch.chdir(tmp_path)
    cell = design.cells[0]
    draws = design.cell_file("draws", cell, design.batches(cell)[0])
    for file in (draws, "results/small/figures/costs.parquet"):
        tables.write({name: [] for name in DRAW}, file, tables.DRAWS, "another identity")
        (tmp_path / file).write_bytes((tmp_path / file).read_bytes()[:-1])
        with pytest.raises(tables.StaleTableError, match=f"^{file}: is cut short or damaged"):
            identities.check_existing(design, remembered=True)
        (tmp_path / file).unlink()


def test_a_csv_file_that_differs_from_its_table_is_named(tmp_path, monkeypatch, design):
    monkeypatch.chdir(tmp_path)
    folder = f"results/{design.study.name}/summary"
    for name, schema in SUMMARIES.items():
        columns = {field.name: cells(field.type, np.random.default_rng(1), 5) for field in schema}
        tables.write(columns, f"{folder}/{name}.parquet", schema, "summary")
        tables.write_csv(f"{folder}/{name}.csv", f"{folder}/{name}.parquet")
    identities.check_existing(design, remembered=True)
    changed = [f"{folder}/performance.csv", f"{folder}/costs.csv"]
    for file in changed:
        (tmp_path / file).write_bytes(flipped((tmp_path / file).read_bytes(), 8 * 100))
    with pytest.raises(tables.StaleTableError) as refused:
        identities.check_existing(design, remembered=True)
    assert sorted(str(refused.value).splitlines()[1].split()[1:]) == sorted(changed)
    for file in changed:
        (tmp_path / file).unlink()
    identities.check_existing(design, remembered=True)
