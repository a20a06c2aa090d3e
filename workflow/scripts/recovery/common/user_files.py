"""Files that a study names: regular, not too large, in an allowed folder.

A study file may come from a stranger. The files that it names must lie, links followed, in the
working directory or in the workflow's source, so that nothing else is read, run or quoted.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from recovery.common.errors import StudyError, path_in_words, shown, study_error

SOURCE = Path(__file__).resolve().parents[4]  # of the workflow
LARGEST_TEXT = 2_000_000  # bytes of a study file
LARGEST_CODE = 10_000_000  # bytes of a Python or Stan file
LARGEST_DATA = 20_000_000  # bytes of observed data


def refuse_outside(raw: Mapping, file: str) -> None:
    """Refuse a study that names a family or data outside the allowed folders.

    Parameters
    ----------
    raw : mapping
        The study as YAML has it.
    file : str
        The study file.

    Raises
    ------
    StudyError
        With a line for each such file, which quotes nothing of it.
    """
    faults = [
        f"{path_in_words(place)}: got {shown(path)}, which lies outside the working directory "
        "and is not read; copy it there (a link does not do)"
        for place, path in _named(raw)
        if not within_reach(path)
    ]
    if faults:
        raise study_error(file, faults)


def _named(raw: Mapping) -> Iterator[tuple[tuple, str]]:
    """Yield every file that a study names, with the place in the study that names it."""
    choice = raw.get("family")
    family = choice.get("name") if isinstance(choice, Mapping) else choice
    if isinstance(family, str) and family.endswith(".py"):
        yield ("family",), family
    design = raw.get("design")
    rows = design.get("rows") if isinstance(design, Mapping) else design
    if isinstance(rows, str):
        yield ("design",), rows
    observed = raw.get("observed")
    for name, data in observed.items() if isinstance(observed, Mapping) else ():
        if isinstance(data, Mapping) and isinstance(data.get("path"), str):
            yield ("observed", str(name), "path"), data["path"]


def within_reach(path: str | Path) -> bool:
    """Whether a path leads into the working directory or the workflow's source."""
    try:
        place = Path(path).resolve()
    except (OSError, RuntimeError, ValueError):  # a link to itself, a null character
        return True  # reading it fails anyway
    return any(place.is_relative_to(root) for root in (Path.cwd().resolve(), SOURCE))


def relative_path(path: str | Path) -> str:
    """Return a path relative to the working directory, if it lies in it."""
    place, here = Path(path).absolute(), Path.cwd()
    return str(place.relative_to(here) if place.is_relative_to(here) else path)


def shipped(path: str | Path) -> Path:
    """Return a file of the workflow's source; relative if it lies in the working directory."""
    return Path(relative_path(SOURCE / path))


def located(path: str | Path) -> Path:
    """Return a file that a study names: from the working directory, else the shipped one."""
    here = Path(path)
    if here.is_absolute() or os.path.lexists(here) or not os.path.lexists(SOURCE / here):
        return here
    return shipped(here)


def require_regular(path: str | Path, largest: int) -> None:
    """Raise ValueError if a file is not regular, not readable, or larger than `largest` bytes."""
    try:
        status = Path(path).stat()
        if stat.S_ISREG(status.st_mode):
            with Path(path).open("rb"):
                pass
    except (OSError, ValueError) as error:  # ValueError: a null character in it
        raise ValueError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if stat.S_ISDIR(status.st_mode):
        raise ValueError("cannot be read: Is a directory")
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("cannot be read: is no regular file")
    if status.st_size > largest:
        raise ValueError(
            f"has {status.st_size / 1e6:,.1f} MB, must have at most {largest / 1e6:,.0f} MB"
        )


def read_text(path: str | Path, largest: int = LARGEST_TEXT) -> str:
    """Return the text of a small UTF-8 file; StudyError if it cannot be read."""
    try:
        require_regular(path, largest)
        with Path(path).open("rb") as file:
            content = file.read(largest + 1)  # files in /proc have a size of 0
        if len(content) > largest:
            raise ValueError(f"has more than {largest / 1e6:,.0f} MB")
        return io.StringIO(content.decode("utf-8"), newline=None).read()
    except UnicodeDecodeError as error:
        where = f"byte {error.start + 1:,} is no UTF-8"
        raise StudyError(f"{path}: cannot be read: {where}; save it with that encoding") from None
    except ValueError as error:
        raise StudyError(f"{path}: {error}") from None
