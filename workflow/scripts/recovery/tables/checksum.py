"""A hash of all bytes of a table's file, kept in its footer, to detect any later change.

The place of the hash in the footer counts as zeros when the file is hashed. Parquet's checksums
are not enough: they leave out the footer, and most readers do not check them.
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
_MARK = b"\x18\x06digest\x18\x40"  # the key and what precedes its value, in Thrift's encoding
_OURS = (_MARK, b"\x18\x08identity\x18")  # a flipped bit can spoil only one of them
_MAGIC = b"PAR1"
_CHUNK = 1 << 20


class DamagedError(Exception):
    """A file has changed since it was written, or has no hash."""


def seal(path: Path) -> None:
    """Write the hash of a Parquet file into its footer, as the value of KEY."""
    with path.open("r+b") as file:
        place = _place(file)
        digest = _digest(file, place)
        file.seek(place)
        file.write(digest)


def check(file: BinaryIO) -> None:
    """Read a whole file; DamagedError if any bit of it has changed."""
    place = _place(file)
    digest = _digest(file, place)
    file.seek(place)
    if file.read(SIZE) != digest:
        raise DamagedError


def check_ours(content: bytes) -> None:
    """Check the content of a file that this library wrote; other files have no hash."""
    if any(mark in content for mark in _OURS):
        check(io.BytesIO(content))


def _place(file: BinaryIO) -> int:
    """The position of the hash in a file."""
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
    """The hash of a file, with zeros at this place."""
    content = hashlib.sha256()
    file.seek(0)
    left = place
    while left and (chunk := file.read(min(left, _CHUNK))):
        content.update(chunk)
        left -= len(chunk)
    content.update(UNSEALED.encode())
    file.seek(place + SIZE)
    while chunk := file.read(_CHUNK):
        content.update(chunk)
    return content.hexdigest().encode()
