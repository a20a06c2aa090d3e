"""The files that a researcher's code opens, which count as parts of the study, like the code."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

LIBRARY = Path(__file__).parents[2]
_records: list[set[str]] = []  # one for every active `record`


@contextlib.contextmanager
def record() -> Iterator[set[str]]:
    """Record the names of the files that Python opens for reading in this process."""
    _add_hook()
    names: set[str] = set()
    _records.append(names)
    try:
        yield names
    finally:
        _records.remove(names)


@cache
def _add_hook() -> None:
    sys.addaudithook(_on_event)  # hooks cannot be removed


def _on_event(event: str, arguments: tuple) -> None:
    if event != "open" or not _records:
        return
    name, _, flags = arguments
    if isinstance(name, str | bytes | os.PathLike) and flags & os.O_ACCMODE != os.O_WRONLY:
        for names in _records:
            names.add(os.fsdecode(name))


def study_files(names: Iterable[str], family: Path) -> list[Path]:
    """Return the files that are in the working directory or in the folder of a family's file.

    The files of Python and of the library, temporary files and removed files are left out.
    """
    included = [Path.cwd().resolve(), family.parent.resolve()]
    folders: list[str | Path] = [sys.prefix, sys.base_prefix, tempfile.gettempdir(), LIBRARY]
    excluded = [Path(folder).resolve() for folder in folders]
    files = {file.resolve() for file in map(_source_of, names) if file.is_file()}
    return sorted(
        file
        for file in files - {family.resolve()}
        if any(map(file.is_relative_to, included)) and not any(map(file.is_relative_to, excluded))
    )


def _source_of(name: str) -> Path:
    """The file with this name; for compiled Python, its source."""
    file = Path(name)
    compiled = file.suffix == ".pyc" and file.parent.name == "__pycache__"
    return Path(importlib.util.source_from_cache(file)) if compiled else file
