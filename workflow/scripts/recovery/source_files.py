"""The text of a researcher's Python and Stan files, which may be anything."""

from __future__ import annotations

import stat
from pathlib import Path

from recovery.faults import StudyError

LARGEST = 10_000_000  # bytes of a file of code


def source_text(path: str | Path) -> str:
    """Return the text of a file of code; StudyError says why it cannot be read."""
    try:
        found = Path(path).stat()
        if not stat.S_ISREG(found.st_mode):
            raise StudyError(f"{path}: cannot be read: is no regular file")
        if found.st_size > LARGEST:
            size = f"got {found.st_size:,} bytes, must have at most {LARGEST:,}"
            raise StudyError(f"{path}: cannot be read: {size}")
        return Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        where = f"byte {error.start + 1:,} is no UTF-8"
        raise StudyError(f"{path}: cannot be read: {where}; save it with that encoding") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StudyError(f"{path}: cannot be read: {reason}") from None
