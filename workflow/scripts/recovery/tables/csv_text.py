"""Reading a researcher's CSV file: every cell as text."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np


def read_csv(path: str | Path) -> dict[str, np.ndarray]:
    """Read a CSV file's columns as arrays of text; ValueError says what is wrong with the file.

    No cell is converted to a number, a date or a missing value: `007`, `1.0`, `NA` and `null`
    stay text. Empty lines and columns without a name are left out.
    """
    header, rows = _table(_text(Path(path)))
    columns = list(zip(*rows, strict=True)) or [()] * len(header)
    named = {name: column for name, column in zip(header, columns, strict=True) if name}
    return {name: np.array(column, dtype=object) for name, column in named.items()}


def _text(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise ValueError("is not a file")
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line} is not text in UTF-8") from None
    except OSError as error:
        raise ValueError(error.strerror) from None
    if "\0" in text:
        raise ValueError("has a zero byte, must be text in UTF-8")
    return text


def _table(text: str) -> tuple[list[str], list[list[str]]]:
    """The header and the rows, each as long as the header."""
    lines = _lines(text)
    _, header = next(lines, (0, []))
    if not any(header):
        raise ValueError("has no header, must name its columns in the first line")
    for name, times in Counter(filter(None, header)).items():
        if times > 1:
            raise ValueError(f"column {name!r} is named more than once")
    rows: list[list[str]] = []
    for line, row in lines:
        if len(row) != len(header):
            raise ValueError(
                f"row {len(rows) + 1} (line {line}): got {len(row)} cells between commas, "
                f"must have as many as the header, {len(header)}"
            )
        rows.append(row)
    return header, rows


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the cells of every line that is not empty."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from None
