"""Compiled programs: kept once for all studies, under what decided them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from recovery import engines, tables
from recovery.common import locks
from recovery.common.errors import MachineError
from recovery.common.hashing import digest
from recovery.engines.protocol import Program

ENGINE = "cmdstan"  # the one that compiles
VARIABLE = "RECOVERY_PROGRAMS"


def folder() -> Path:
    """Return where executables are kept: what the environment names, else beside the results."""
    return Path(os.environ.get(VARIABLE) or "results/.programs")


def kept(model: str, program: str) -> Path:
    """Return where the executable of a model is kept, whose program has this hash.

    Its name holds the program, by the hash of its text and its includes, and all that decides
    an executable beside it, the place of CmdStan too.
    """
    return folder() / f"{model}-{digest([program, engines.find_compiling(ENGINE).build()])[:16]}"


def provide(program: Program) -> None:
    """Compile a program, unless its executable stands and runs here.

    Of several jobs that find it lacking one compiles, and the others wait.
    """
    engine = engines.find_compiling(ENGINE)
    with contextlib.suppress(MachineError):
        engine.load(program)
        return
    with _alone(Path(program.compiled)):
        try:
            engine.load(program)  # another job was first
        except MachineError:
            engine.compile_program(program)


@contextlib.contextmanager
def _alone(executable: Path) -> Iterator[None]:
    """Be the only process that compiles an executable, where the file system has locks.

    The lock may be another user's, where several share the folder.
    """
    executable.parent.mkdir(parents=True, exist_ok=True)
    lock = executable.with_name(f".{executable.name}.lock")
    with contextlib.ExitStack() as opened:
        with contextlib.suppress(OSError):
            lock.touch()
        with contextlib.suppress(OSError):
            mode = "r+" if os.access(lock, os.W_OK) else "r"
            locks.acquire(opened.enter_context(lock.open(mode)))
        yield


def provided(engine: str, program: Program, model: str, program_hash: str) -> Program:
    """Return a program with its executable, where its engine wants one.

    The rule compile has made it before; a job makes it only where CmdStan has moved since, or
    is of another kind here.
    """
    if not engines.find(engine).COMPILES:
        return program
    made = replace(program, executable=str(kept(model, program_hash)))
    provide(made)
    return made


def of_fit(specification: Mapping[str, Any], path: str, include: str) -> Program:
    """Return the program of a fit, given its file, with its executable where it needs one."""
    engine = specification["engine"]
    program = Program(path, include, version=specification["engine_version"])
    model = specification.get("approximates", specification["model"])
    return provided(engine, program, model, specification["program"])


def link(executable: Path, place: str | Path) -> None:
    """Let a study's own name for an executable point to where it is kept."""
    target = executable.absolute()
    if not os.environ.get(VARIABLE):  # the results may be moved as a whole
        target = Path(os.path.relpath(target, Path(place).absolute().parent))
    tables.replace(place, lambda beside: beside.symlink_to(target))


def check_tools(programs: Mapping[str, str]) -> None:
    """Raise EngineError where a program must be compiled and cannot be.

    Parameters
    ----------
    programs : mapping of str to str
        Model -> the hash of its program.
    """
    if not all(kept(model, program).exists() for model, program in programs.items()):
        engines.find_compiling(ENGINE).check_tools()
