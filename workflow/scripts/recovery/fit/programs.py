"""The Stan programs of a study's models: shipped, or beside the file of its own family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recovery import families
from recovery.common.user_files import shipped
from recovery.engines import executables
from recovery.engines.protocol import Program


def program_of(family: Any, model: str) -> Program:
    """Return the program of a model of the family that a study names."""
    folder = shipped("stan")
    path = families.find(family).program(model, folder)
    return Program(str(path), str(folder))


def for_fits(specification: Mapping[str, Any]) -> Program:
    """Return the program of `Design.fit`, with its executable if the engine compiles programs."""
    model = specification.get("approximates", specification["model"])
    program = program_of(specification["family"], model)
    return executables.of_fit(specification, program.path, program.include)


def for_models(family: Any, engine: str, hashes: Mapping[str, str]) -> dict[str, Program]:
    """Return the program of every model, with its executable if the engine compiles programs.

    Parameters
    ----------
    hashes : mapping
        Model -> the hash of its program.
    """
    return {
        model: executables.with_executable(engine, program_of(family, model), model, program)
        for model, program in hashes.items()
    }
