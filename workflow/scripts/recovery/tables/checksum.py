"""Whether a table's file still is what was written: the hash of all its bytes, in its footer.

The footer has a place for it, which counts as zeros when the file is hashed. Parquet's own
checksums leave out the footer, and readers that do not ask for them do not look.
"""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from typing import BinaryIO

KEY = "digest"
SIZE = 64  # of a SHA-256 in hexadecimal
UNSEALED = "0" * SIZE
_MARK = b"\x18\x06digest\x18\x40"  # as Thrift's compact protocol has the key before its value
_OURS = (_MARK, b"\x18\x08identity\x18")  # one is left, whatever bit is flipped
_MAGIC = b"PAR1"
_CHUNK = 1 << 20


class DamagedError(Exception):
    """A file is not what was written, or has no hash that says so."""


def seal(path: Path) -> None:
    """Put the hash of a Parquet file into its place there, the value of KEY in its footer."""
    with path.open("r+b") as file:
        place = _place(file)
        digest = _digest(file, place)
        file.seek(place)
        file.write(digest)


def check(file: BinaryIO) -> None:
    """Read a whole file; DamagedError if any bit of it is not what was written."""
    place = _place(file)
    digest = _digest(file, place)
    file.seek(place)
    if file.read(SIZE) != digest:
        raise DamagedError


def check_ours(content: bytes) -> None:
    """Check the content of a file, if it is a table of ours: others have no hash."""
    if any(mark in content for mark in _OURS):
        check(io.BytesIO(content))


def _place(file: BinaryIO) -> int:
    """Where a file's footer has the hash."""
    end = file.seek(0, os.SEEK_END) - len(_MAGIC) - 4
    file.seek(max(end, 0))
    tail = file.read(8)
    start = end - int.from_bytes(tail[:4], "little")
    if tail[4:] != _MAGIC or start < len(_MAGIC):
        raise DamagedError
    file.seek(start)
    mark = file.read(end - start).rfind(_MARK)
    place = start + mark + len(_MARK)
    if mark < 0 or place + SIZE > end:
        raise DamagedError
    return place


def _digest(file: BinaryIO, place: int) -> bytes:
    """The hash of a file in which zeros stand at this place."""
    found = hashlib.sha256()
    file.seek(0)
    left = place
    while left and (chunk := file.read(min(left, _CHUNK))):
        found.update(chunk)
        left -= len(chunk)
    found.update(UNSEALED.encode())
    file.seek(place + SIZE)
    while chunk := file.read(_CHUNK):
        found.update(chunk)
    return found.hexdigest().encode()
