"""A study's folder of results belongs to one study, and to one run at a time."""

from __future__ import annotations

import errno
import json
import os
import shlex
import time
import uuid
from collections.abc import Iterable
from pathlib import Path

from recovery import tables
from recovery.common import locks
from recovery.common.errors import StudyError, shown
from recovery.common.hashing import digest
from recovery.common.jobs import in_words
from recovery.study.keys import Study

HOLDER = "RESULTS_HELD_BY"  # set by `make study`: the process that holds the lock, and the folder
SNAKEMAKES = tuple(
    Path(".snakemake", part) for part in ("", "incomplete", "locks", "log", "metadata", "scripts")
)
AHEAD = 1.0  # seconds that clocks may differ; no job is faster
MOST_SHOWN = 20  # files
LONGEST_MARK = 100_000  # bytes that are read of a mark


def folder_of(study: Study) -> Path:
    """Return the folder of a study's results."""
    return Path("results") / study.name


def refuse_foreign(study: Study, file: str | Path) -> None:
    """Refuse a folder with the results of another study file; StudyError says what to do.

    A study is the same if its file has the same path or the same content.
    """
    filled, this = _filled(study), _described(study, file)
    if filled and filled["file"] != this["file"] and filled["study"] != this["study"]:
        raise StudyError(
            f"{file}: name: got {study.name!r}, but {folder_of(study)} has the results of "
            f"{_printable(filled['file'])} ({_printable(filled['title'])}). Give this study "
            "another name; or, if it is the same study, moved and edited, run\n"
            f"rm {_mark(study)}"
        )


def hold(study: Study) -> int:
    """Lock the folder for as long as this process lives, and return the lock.

    Raises
    ------
    StudyError
        If another run holds the lock, or the folder cannot be written to.
    """
    results = folder_of(study)
    must_be_folders([results, *SNAKEMAKES])
    try:
        results.mkdir(parents=True, exist_ok=True)
        lock = os.open(results / ".lock", os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, 0o666)
        locks.acquire(lock, wait=False)
    except BlockingIOError:
        raise StudyError(f"{results}: another run of this study is using this folder.") from None
    except OSError as error:
        raise _cannot_write(results, error) from None
    return lock


def holder(study: Study) -> str:
    """Return the value of `HOLDER` when this process holds the lock."""
    return f"{os.getpid()} {folder_of(study).absolute()}"


def must_be_folders(places: Iterable[str | Path]) -> None:
    """Refuse folders that cannot be created or written to."""
    for place in sorted(set(map(Path, places))):
        _must_be_a_folder(place)


def _must_be_a_folder(place: Path) -> None:
    """Refuse a path that is not, or lies not in, a folder that can be written to."""
    for path in (*reversed(place.parents), place):
        if path.is_symlink() and not path.exists():
            raise StudyError(
                f"{path}: is a link to {path.readlink()}, which does not exist; create that "
                f"folder, or remove the link:\nrm {path}"
            )
        if path.exists() and not path.is_dir():
            raise StudyError(f"{path}: is not a folder, must be one; move it away")
    if place.exists() and not os.access(place, os.W_OK | os.X_OK):
        raise StudyError(
            f"{place}: cannot be written to; allow it, then run the same command again."
        )


def _cannot_write(results: Path, error: OSError) -> StudyError:
    """The error that says why, and what to do."""
    if error.errno == errno.EISDIR and error.filename:
        place = error.filename
        return StudyError(f"{place}: is a folder, must be a file; remove it:\nrm -r {place}")
    return StudyError(in_words(error) or f"{results}: cannot be written to: {error.strerror}")


def remove_stale_locks(study: Study) -> None:
    """Remove Snakemake's locks on this study's files; the caller holds the folder's lock."""
    for lock in Path(".snakemake/locks").glob("*.lock"):
        lines = (_text_of(lock) or "").splitlines()
        if any(line.startswith(f"{folder_of(study)}/") for line in lines):
            lock.unlink()


def lock_and_mark(study: Study, file: str | Path) -> None:
    """Lock the folder, unless this process holds it, and note whose results it has."""
    if os.environ.get(HOLDER) != holder(study):
        hold(study)
    text = json.dumps(_described(study, file), indent=2)
    try:
        _note_birth(study)
        tables.replace(_mark(study), lambda beside: beside.write_text(text, encoding="utf-8"))
    except OSError as error:
        raise _cannot_write(folder_of(study), error) from None


def refuse_future(study: Study, files: Iterable[str]) -> None:
    """Refuse inputs that are dated in the future.

    Snakemake deletes an output that is older than any of its inputs, `ancient` ones included.
    The time is that of the results' file system, as it is for outputs.
    """
    clock = folder_of(study) / ".lock"
    os.utime(clock)
    now = clock.stat().st_mtime + AHEAD
    later = sorted({file for file in files if (date := _date_of(file)) and date > now})
    if later:
        shown_date = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(_date_of(later[0])))
        others = f" (so are {len(later) - 1:,} more)" if len(later) > 1 else ""
        names = " ".join(map(shlex.quote, later[:MOST_SHOWN]))
        raise StudyError(
            f"{later[0]}: is dated {shown_date}, in the future{others}. Snakemake would delete "
            f"outputs made from it. Set the date to now, then run the same "
            f"command again:\ntouch {names}"
        )


def _date_of(file: str) -> float | None:
    try:
        return Path(file).stat().st_mtime
    except OSError:
        return None


def is_remembered(study: Study) -> bool:
    """Whether all results were made in this working directory, so that Snakemake knows how."""
    here, there = map(_text_of, _births(study))
    return here is not None and here == there


def _note_birth(study: Study) -> None:
    """Note in a new folder and in Snakemake's metadata that both began together."""
    if not any(folder_of(study).rglob("*.parquet")):
        birth = uuid.uuid4().hex
        for path in _births(study):
            tables.replace(path, lambda beside: beside.write_text(birth, encoding="utf-8"))


def _births(study: Study) -> tuple[Path, Path]:
    return folder_of(study) / ".born", Path(".snakemake") / f"{study.name}.born"


def _filled(study: Study) -> dict[str, str]:
    """The content of the folder's mark; empty if it cannot be read."""
    try:
        content = json.loads(_text_of(_mark(study)) or "")
    except (ValueError, RecursionError):
        return {}
    parts = ("file", "title", "study")
    whole = isinstance(content, dict) and all(isinstance(content.get(part), str) for part in parts)
    return content if whole else {}


def _text_of(path: Path) -> str | None:
    """The beginning of a small file; None if it cannot be read as text."""
    try:
        if not path.is_file():
            return None
        with path.open(encoding="utf-8") as file:
            return file.read(LONGEST_MARK)
    except (OSError, ValueError):
        return None


def _printable(text: str) -> str:
    """A text from a file, safe to show in a terminal."""
    return text if text.isprintable() else shown(text)


def _mark(study: Study) -> Path:
    return folder_of(study) / ".study.json"


def _described(study: Study, file: str | Path) -> dict[str, str]:
    content = digest(study.model_dump(mode="json"))
    return {"file": os.path.relpath(file), "title": study.title, "study": content}
