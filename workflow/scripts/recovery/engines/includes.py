"""Stan programs with all that they include: what decides them, and what none may include."""

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
# An include stands anywhere but in a comment or in text.
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
    """Return where a program's includes are looked for: beside it, then among the shipped."""
    return str(Path(path).parent), str(include)


def program_hash(path: Path, include: Path) -> str:
    """Return the hash of a program with all that it includes.

    Raises
    ------
    StudyError
        When a file cannot be read, includes itself or one from elsewhere, or all are too large.
    """
    found, _ = _Sources(folders_of(path, include)).of(path, ())
    return found


def program_text(path: Path, include: Path) -> str:
    """Return the text of a program, with all that it includes in its place.

    Raises
    ------
    StudyError
        As for its hash.
    """
    sources = _Sources(folders_of(path, include))
    sources.of(path, ())
    return sources.text(path)


@dataclass(frozen=True)
class _Sources:
    """The files of one program; each is read once, however often it is included."""

    folders: tuple[str, str]
    known: dict[Path, tuple[str, int]] = field(default_factory=dict)

    def of(self, path: Path, above: tuple[Path, ...]) -> tuple[str, int]:
        """The hash of a file with its includes, and its size with all of them in their places."""
        if path in above or len(above) == DEEPEST:
            chain = " > ".join(map(str, (*above[:3], *(["..."] if len(above) > 3 else []), path)))
            what = "includes itself" if path in above else f"is included over {DEEPEST} files deep"
            raise StudyError(f"{path}: {what}: {chain}")
        if path not in self.known:
            text = read_text(path, LARGEST_CODE)
            parts = [self.of(self._file(path, name), (*above, path)) for name in _included(text)]
            size = len(text) + sum(size for _, size in parts)
            if size > LARGEST_CODE:
                raise StudyError(
                    f"{path}: with what it includes has more than {LARGEST_CODE:,} characters"
                )
            self.known[path] = digest([text, [part for part, _ in parts]]), size
        return self.known[path]

    def text(self, path: Path) -> str:
        """The text of a file of which `of` has found that it can be had."""

        def instead(token: re.Match) -> str:
            name = _name(token)
            return f"{self.text(self._file(path, name))}\n" if name else token[0]

        return _TOKEN.sub(instead, read_text(path, LARGEST_CODE))

    def _file(self, by: Path, name: str) -> Path:
        """The file that an include names; none from outside the folders it may be in.

        Stan appends the name to each folder, so that one that begins with / lies there too.
        """
        place, where = f"{by}: #include {shown(name)}", " or in ".join(self.folders)
        name = name.lstrip("/")
        if ".." in Path(name).parts:
            raise StudyError(f"{place}: must be the name of a file in {where}")
        found = [
            Path(folder, name) for folder in self.folders if os.path.lexists(f"{folder}/{name}")
        ]
        if not found:
            raise StudyError(f"{place}: is not there, must be a file in {where}")
        real, roots = found[0].resolve(), (*map(Path, self.folders), Path.cwd())
        if not any(real.is_relative_to(root.resolve()) for root in roots):
            raise StudyError(f"{place}: leads to {real}, must be a file in {where}")
        return found[0]


def _included(text: str) -> Iterator[str]:
    return filter(None, map(_name, _TOKEN.finditer(text)))


def _name(token: re.Match) -> str | None:
    """The file that a token includes, if it is an include."""
    return token[1] or token[2] or token[3]
