"""Designs whose rows and predictors are those of a CSV file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from recovery import tables
from recovery.common.errors import listed, shown
from recovery.common.hashing import digest
from recovery.common.types import Path
from recovery.common.user_files import LARGEST_DATA, located, require_regular
from recovery.families import observed_data

ROWS, DIGEST = "rows", "digest"  # keys of a design
NUMBER = {"normal": [0, 1]}  # stands for any column of numbers


@dataclass(frozen=True)
class DesignFile:
    """The table of a design's file.

    Parameters
    ----------
    path : str
        As the study names it.
    table : mapping of str to ndarray
        Column -> cells as text.
    """

    path: str
    table: Mapping[str, np.ndarray]

    @property
    def digest(self) -> str:
        """The hash of its content."""
        return digest({name: cells.tolist() for name, cells in self.table.items()})

    def variable(self, name: str) -> Any:
        """Return how a column is described: numbers, or a factor's levels as they appear."""
        cells = list(map(str, self.table[name]))
        numbers = [observed_data.is_number(cell) for cell in cells]
        if all(numbers):
            return NUMBER
        if any(numbers):
            odd = numbers.index(False)
            raise ValueError(
                f"design: {self.path}: column {name!r} has numbers and text, {cells[odd]!r} in "
                f"row {odd + 1}; if it is a factor, give its levels"
            )
        return {"levels": list(dict.fromkeys(cells))}

    def require(self, columns: Sequence[str]) -> None:
        """Raise ValueError if a column is missing, or has an empty cell."""
        for name in columns:
            if name not in self.table:
                raise ValueError(
                    f"design: {self.path} must have a column {name!r}, has {listed(self.table)}"
                )
            empty = [number for number, cell in enumerate(self.table[name], 1) if cell == ""]
            if empty:
                raise ValueError(f"design: {self.path}: {name!r} is empty in row {empty[0]}")


def read(path: Any, expected: str | None) -> DesignFile:
    """Read a design's file; ValueError if it is wrong, or not the one with the expected digest."""
    try:
        TypeAdapter(Path).validate_python(path)
    except ValidationError:
        raise ValueError(f"design: got {shown(path)}, must be the path of a CSV file") from None
    try:
        require_regular(located(path), LARGEST_DATA)
        table = tables.read_csv(located(path))
    except ValueError as error:
        raise ValueError(f"design: {path}: {error}") from None
    file = DesignFile(path, table)
    if not len(next(iter(table.values()), ())):
        raise ValueError(f"design: {path}: has no rows, must have at least one")
    if expected and file.digest != expected:
        raise ValueError(f"design: {path} was changed while the study ran; run it again")
    return file
