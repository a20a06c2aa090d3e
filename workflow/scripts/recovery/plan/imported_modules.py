"""The modules of the library that some code imports, directly or through others.

Imports are read from the source text, also inside functions: nothing is run, and no list is kept
by hand. With a module counts each package that it lies in. Modules that are found by a name made
at run time (an engine, a family, a family's estimators) are not in the text; the caller gives
these as roots.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

LIBRARY = Path(__file__).parents[1]


def closure(roots: Iterable[Path]) -> list[Path]:
    """Return the roots and every module of the library that they import, sorted."""
    found, waiting = set(), list(roots)
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += imported(file)
    return sorted(found)


@cache
def imported(file: Path) -> tuple[Path, ...]:
    """Return the modules of the library that one file imports, packages on the way included.

    The packages that the file itself lies in are imported before it.
    """
    if file.suffix != ".py":
        return ()
    names = {part for name in (_above(file, 1), *_names(file)) for part in _with_packages(name)}
    return tuple(path for name in sorted(names) if (path := module_file(name)) is not None)


def module_file(name: str) -> Path | None:
    """Return the file of one of the library's modules, by its dotted name; None if it has none."""
    top, *parts = name.split(".")
    if top != LIBRARY.name:
        return None
    place = LIBRARY.joinpath(*parts)
    for file in (place / "__init__.py", place.with_name(f"{place.name}.py")):
        if file.is_file():
            return file
    return None


def _names(file: Path) -> Iterator[str]:
    """Yield the dotted names that a file imports, of modules and of names in them."""
    for node in _import_statements(ast.parse(file.read_bytes()).body):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        else:
            base = ".".join(filter(None, (_above(file, node.level), node.module)))
            yield base
            yield from (f"{base}.{each.name}" for each in node.names)


def _import_statements(statements: Iterable[ast.AST]) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports among some statements and in the blocks of these."""
    for statement in statements:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield statement
        for block in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from _import_statements(getattr(statement, block, ()))


def _above(file: Path, level: int) -> str:
    """The package that so many leading dots mean in a file of the library; empty without dots."""
    if not level or not file.is_relative_to(LIBRARY):
        return ""
    return ".".join(file.relative_to(LIBRARY.parent).parts[:-level])


def _with_packages(name: str) -> Iterator[str]:
    """A module's name, and those of the packages that are imported before it."""
    parts = name.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts) + 1))
