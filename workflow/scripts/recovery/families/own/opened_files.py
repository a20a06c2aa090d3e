"""Which files a researcher's code opens: what they hold decides numbers as the code itself does."""

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
_records: list[set[str]] = []  # one of every `collected` that is under way


@contextlib.contextmanager
def record() -> Iterator[set[str]]:
    """Collect the names of the files that Python opens in this process to read them."""
    _add_hook()
    names: set[str] = set()
    _records.append(names)
    try:
        yield names
    finally:
        _records.remove(names)


@cache
def _add_hook() -> None:
    sys.addaudithook(_on_event)  # for as long as the process lives


def _on_event(event: str, arguments: tuple) -> None:
    if event != "open" or not _records:
        return
    name, _, flags = arguments
    if isinstance(name, str | bytes | os.PathLike) and flags & os.O_ACCMODE != os.O_WRONLY:
        for names in _records:
            names.add(os.fsdecode(name))


def study_files(names: Iterable[str], family: Path) -> list[Path]:
    """Return those of some files that lie in the working directory or beside a family's file.

    Python's own are left out, and so are the library's, temporary ones and those that are gone.
    """
    inside = [Path.cwd().resolve(), family.parent.resolve()]
    ours: list[str | Path] = [sys.prefix, sys.base_prefix, tempfile.gettempdir(), LIBRARY]
    outside = [Path(folder).resolve() for folder in ours]
    found = {file.resolve() for file in map(_source_of, names) if file.is_file()}
    return sorted(
        file
        for file in found - {family.resolve()}
        if any(map(file.is_relative_to, inside)) and not any(map(file.is_relative_to, outside))
    )


def _source_of(name: str) -> Path:
    """The file that a name stands for: of compiled Python, the one that it was compiled from."""
    file = Path(name)
    compiled = file.suffix == ".pyc" and file.parent.name == "__pycache__"
    return Path(importlib.util.source_from_cache(file)) if compiled else file
