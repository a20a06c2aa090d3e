"""Compiled programs, kept once for all studies."""

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

ENGINE = "cmdstan"  # the engine that compiles
VARIABLE = "RECOVERY_PROGRAMS"


def folder() -> Path:
    """Return the folder of executables: RECOVERY_PROGRAMS if set, else `results/.programs`."""
    return Path(os.environ.get(VARIABLE) or "results/.programs")


def path_of(model: str, program: str) -> Path:
    """Return the path of a model's executable, given the hash of its program.

    The name has a hash of everything that decides the executable: the program with its
    includes, and the version, settings and path of CmdStan.
    """
    return folder() / f"{model}-{digest([program, engines.find_compiling(ENGINE).build()])[:16]}"


def ensure_compiled(program: Program) -> None:
    """Compile a program, unless its executable exists and runs here.

    If several jobs need it at once, one compiles and the others wait.
    """
    engine = engines.find_compiling(ENGINE)
    with contextlib.suppress(MachineError):
        engine.load(program)
        return
    with _locked(Path(program.compiled)):
        try:
            engine.load(program)  # another job has compiled it meanwhile
        except MachineError:
            engine.compile_program(program)


@contextlib.contextmanager
def _locked(executable: Path) -> Iterator[None]:
    """Let only one process compile an executable, if the file system has locks.

    The lock file may belong to another user who shares the folder.
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


def with_executable(engine: str, program: Program, model: str, program_hash: str) -> Program:
    """Return a program with its executable, if its engine compiles programs.

    The rule compile made it earlier; a job compiles it again only if CmdStan was moved since,
    or is another one on this machine.
    """
    if not engines.find(engine).COMPILES:
        return program
    compiled = replace(program, executable=str(path_of(model, program_hash)))
    ensure_compiled(compiled)
    return compiled


def of_fit(specification: Mapping[str, Any], path: str, include: str) -> Program:
    """Return the program of a fit, given its file, with its executable if it needs one."""
    engine = specification["engine"]
    program = Program(path, include, version=specification["engine_version"])
    model = specification.get("approximates", specification["model"])
    return with_executable(engine, program, model, specification["program"])


def link(executable: Path, place: str | Path) -> None:
    """Make a link in a study's folder to a kept executable."""
    target = executable.absolute()
    if not os.environ.get(VARIABLE):  # the link survives if the results are moved
        target = Path(os.path.relpath(target, Path(place).absolute().parent))
    tables.replace(place, lambda beside: beside.symlink_to(target))


def check_tools(programs: Mapping[str, str]) -> None:
    """Raise EngineError if a program must be compiled and the tools are missing.

    Parameters
    ----------
    programs : mapping of str to str
        Model -> the hash of its program.
    """
    if not all(path_of(model, program).exists() for model, program in programs.items()):
        engines.find_compiling(ENGINE).check_tools()
