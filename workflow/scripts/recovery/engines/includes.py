"""Stan programs with their includes: their hash, their text, and which files are allowed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from recovery.common.errors import StudyError, shown
from recovery.common.hashing import digest
from recovery.common.user_files import LARGEST_CODE, read_text

DEEPEST = 50  # files that include one another
# An include may be anywhere except in a comment or a string.
_TOKEN = re.compile(
    r"""
    //[^\n]*
    | /\*.*?\*/
    | \#include[ \t]+(?:"([^"\n]*)"|<([^>\n]*)>|([^\s"<>]+))
    | "[^"\n]*"
    """,
    re.DOTALL | re.VERBOSE,
)


def folders_of(path: str | Path, include: str | Path) -> tuple[str, str]:
    """Return the folders searched for a program's includes: its own, then the shipped one."""
    return str(Path(path).parent), str(include)


def program_hash(path: Path, include: Path) -> str:
    """Return the hash of a program with all its includes.

    Raises
    ------
    StudyError
        If a file cannot be read, includes itself or a file from another folder, or if the
        whole is too large.
    """
    program, _ = _Sources(folders_of(path, include)).of(path, ())
    return program


def program_text(path: Path, include: Path) -> str:
    """Return the text of a program, with every include replaced by its text.

    Raises
    ------
    StudyError
        As for `program_hash`.
    """
    sources = _Sources(folders_of(path, include))
    sources.of(path, ())
    return sources.text(path)


@dataclass(frozen=True)
class _Sources:
    """The files of one program; each is read once, even if it is included often."""

    folders: tuple[str, str]
    known: dict[Path, tuple[str, int]] = field(default_factory=dict)

    def of(self, path: Path, above: tuple[Path, ...]) -> tuple[str, int]:
        """The hash of a file with its includes, and the size of its text with all includes."""
        if path in above or len(above) == DEEPEST:
            chain = " > ".join(map(str, (*above[:3], *(["..."] if len(above) > 3 else []), path)))
            fault = "includes itself" if path in above else f"is included over {DEEPEST} files deep"
            raise StudyError(f"{path}: {fault}: {chain}")
        if path not in self.known:
            text = read_text(path, LARGEST_CODE)
            parts = [self.of(self._file(path, name), (*above, path)) for name in _included(text)]
            size = len(text) + sum(size for _, size in parts)
            if size > LARGEST_CODE:
                raise StudyError(
                    f"{path}: has more than {LARGEST_CODE:,} characters with its includes"
                )
            self.known[path] = digest([text, [part for part, _ in parts]]), size
        return self.known[path]

    def text(self, path: Path) -> str:
        """The text of a file that `of` has checked."""

        def replacement(token: re.Match) -> str:
            name = _name(token)
            return f"{self.text(self._file(path, name))}\n" if name else token[0]

        return _TOKEN.sub(replacement, read_text(path, LARGEST_CODE))

    def _file(self, by: Path, name: str) -> Path:
        """The file that an include names; StudyError if it is outside the allowed folders.

        Stan appends the name to each folder, even if it begins with a slash.
        """
        directive, allowed = f"{by}: #include {shown(name)}", " or in ".join(self.folders)
        name = name.lstrip("/")
        if ".." in Path(name).parts:
            raise StudyError(f"{directive}: must be the name of a file in {allowed}")
        files = [
            Path(folder, name) for folder in self.folders if os.path.lexists(f"{folder}/{name}")
        ]
        if not files:
            raise StudyError(f"{directive}: not found, must be a file in {allowed}")
        real, roots = files[0].resolve(), (*map(Path, self.folders), Path.cwd())
        if not any(real.is_relative_to(root.resolve()) for root in roots):
            raise StudyError(f"{directive}: is a link to {real}, must be a file in {allowed}")
        return files[0]


def _included(text: str) -> Iterator[str]:
    """Yield the names of the files that a text includes."""
    return filter(None, map(_name, _TOKEN.finditer(text)))


def _name(token: re.Match) -> str | None:
    """The name of the file that a token includes; None if it is not an include."""
    return token[1] or token[2] or token[3]
