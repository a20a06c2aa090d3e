"""Compiled programs: kept once for all studies, under what decided them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from recovery import engines, tables
from recovery.design import Design
from recovery.engines.base import MachineError, Program
from recovery.hashing import digest

ENGINE = "cmdstan"  # the one that compiles
VARIABLE = "RECOVERY_PROGRAMS"


def folder() -> Path:
    """Return where executables are kept: what the environment names, else beside the results."""
    return Path(os.environ.get(VARIABLE) or "results/.programs")


def kept(design: Design, model: str) -> Path:
    """Return where the executable of a study's model is kept.

    Its name holds the program with its includes and all that decides an executable beside
    it, the place of CmdStan too.
    """
    decided = [design.sources.programs[model], engines.find(ENGINE).build()]
    return folder() / f"{model}-{digest(decided)[:16]}"


def provide(program: Program) -> None:
    """Compile a program, unless its executable stands and runs here."""
    engine = engines.find(ENGINE)
    try:
        engine.load(program)
    except MachineError:
        engine.compile_program(program)


def provided(design: Design, model: str, program: Program) -> Program:
    """Return a study's program with its executable, compiled if it must be."""
    program = replace(program, executable=str(kept(design, model)))
    provide(program)
    return program


def link(executable: Path, place: str | Path) -> None:
    """Let a study's own name for an executable point to where it is kept."""
    target = executable.absolute()
    if not os.environ.get(VARIABLE):  # the results may be moved as a whole
        target = Path(os.path.relpath(target, Path(place).absolute().parent))
    tables.replace(place, lambda beside: beside.symlink_to(target))


def drop_stale(places: Mapping[str, Path]) -> None:
    """Remove a study's names that point elsewhere than to what is kept for it now.

    They are of another CmdStan, or of the same in another place; the rule compile makes them
    anew, and no fit that stands is made again.
    """
    for name, executable in places.items():
        place = Path(name)
        if place.is_symlink() and place.resolve() == executable.resolve():
            continue
        place.unlink(missing_ok=True)


def check_tools(design: Design) -> None:
    """Raise EngineError where a program must be compiled and cannot be."""
    if not all(kept(design, model).exists() for model in design.study.models):
        engines.find(ENGINE).check_tools()
