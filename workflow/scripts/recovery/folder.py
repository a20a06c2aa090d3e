"""A study's folder of results: of one study, and of one run at a time."""

from __future__ import annotations

import fcntl
import json
import os
import uuid
from pathlib import Path

from recovery import tables
from recovery.faults import StudyError
from recovery.hashing import digest
from recovery.study import Study

HOLDER = "RESULTS_HELD_BY"  # the process whose lock stands already, where `make study` took it


def of(study: Study) -> Path:
    """Return where a study's results lie."""
    return Path("results") / study.name


def refuse_foreign(study: Study, file: str | Path) -> None:
    """Refuse a folder that another study file filled; StudyError names both and the ways out.

    An edited study is the same as long as its file is, a moved file as long as it says the same.
    """
    filled, mine = _filled(study), _described(study, file)
    if filled and filled["file"] != mine["file"] and filled["study"] != mine["study"]:
        raise StudyError(
            f"{file}: name: got {study.name!r}, but {of(study)} has the results of "
            f"{filled['file']} ({filled['title']}). Give this study another name; or, if it is "
            f"that study moved and edited, say so with\nrm {_mark(study)}"
        )


def hold(study: Study) -> int:
    """Lock the folder for as long as this process lives, and return the lock.

    Raises
    ------
    StudyError
        When another run holds it, or nothing can be written there.
    """
    results = of(study)
    try:
        results.mkdir(parents=True, exist_ok=True)
        lock = os.open(results / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StudyError(f"{results}: another run of this study is at work there.") from None
    except OSError as error:
        raise StudyError(f"{results}: cannot be written to: {error.strerror}") from None
    return lock


def clear_what_a_killed_run_locked(study: Study) -> None:
    """Remove Snakemake's locks on this study's files; whoever holds the folder knows it is dead."""
    for lock in Path(".snakemake/locks").glob("*.lock"):
        lines = lock.read_text(encoding="utf-8").splitlines()
        if any(line.startswith(f"{of(study)}/") for line in lines):
            lock.unlink()


def take(study: Study, file: str | Path) -> None:
    """Hold the folder, unless this process does, and leave a mark of whose it is."""
    if os.environ.get(HOLDER) != str(os.getpid()):
        hold(study)
    text = json.dumps(_described(study, file), indent=2)
    try:
        _note_birth(study)
        tables.replace(_mark(study), lambda beside: beside.write_text(text, encoding="utf-8"))
    except OSError as error:
        raise StudyError(f"{of(study)}: cannot be written to: {error.strerror}") from None


def is_remembered(study: Study) -> bool:
    """Whether all that stands in the folder was made here, so that Snakemake knows how."""
    try:
        here, there = (path.read_text(encoding="utf-8") for path in _births(study))
    except OSError:
        return False
    return here == there


def _note_birth(study: Study) -> None:
    """Note in a new folder, and with Snakemake's memory, that both began together."""
    if not any(of(study).rglob("*.parquet")):
        birth = uuid.uuid4().hex
        for path in _births(study):
            tables.replace(path, lambda beside: beside.write_text(birth, encoding="utf-8"))


def _births(study: Study) -> tuple[Path, Path]:
    return of(study) / ".born", Path(".snakemake") / f"{study.name}.born"


def _filled(study: Study) -> dict[str, str]:
    """What the folder's mark says; nothing where there is none that can be read."""
    try:
        return json.loads(_mark(study).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _mark(study: Study) -> Path:
    return of(study) / ".study.json"


def _described(study: Study, file: str | Path) -> dict[str, str]:
    content = digest(study.model_dump(mode="json"))
    return {"file": os.path.relpath(file), "title": study.title, "study": content}
