"""Begin a researcher's own family from the templates: `make family`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from recovery.common.errors import StudyError
from recovery.common.user_files import SOURCE
from recovery.families import SHIPPED

TEMPLATES = SOURCE / "workflow/templates"


def files_of(name: str) -> dict[str, Path]:
    """Return the files of a new family, by their templates.

    Raises
    ------
    StudyError
        If the name is invalid or that of a shipped family.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,59}", name):
        raise StudyError(f"NAME: got {name!r}, must be lower-case letters, digits and underscores")
    if name in SHIPPED:
        raise StudyError(f"NAME: got {name!r}, must not be the name of a shipped family")
    return {
        "family.py": Path(f"config/families/{name}.py"),
        "family.stan": Path(f"config/families/{name}.stan"),
        "study.yaml": Path(f"config/{name}.yaml"),
    }


def write_family(name: str) -> Iterator[str]:
    """Write a family, its Stan program and a study of it; yield what was done, line by line.

    Raises
    ------
    StudyError
        If the name is not allowed, or a file exists or cannot be written.
    """
    files = files_of(name)
    if existing := [str(file) for file in files.values() if file.exists()]:
        raise StudyError(f"{', '.join(existing)}: must not exist yet; nothing was written")
    for template, file in files.items():
        text = (TEMPLATES / template).read_text(encoding="utf-8")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text.replace("NAME", name), encoding="utf-8")
        except OSError as error:
            raise StudyError(f"{file}: cannot be written: {error.strerror}") from None
        yield f"Wrote {file}"
    yield f"Run it: make study STUDY={files['study.yaml']}"
