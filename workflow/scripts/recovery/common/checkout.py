"""Whose copy of the library this is, and whether jobs can be started where it lies."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path


def must_be(scripts: str | Path) -> None:
    """End the process unless this library is the one that lies in a folder of scripts.

    Whoever imports the library puts that folder first in `sys.path`, so that neither PYTHONPATH,
    the current directory nor an installed package comes before it. What was imported earlier, as
    by a `sitecustomize`, can come before it still.
    """
    wanted, mine = Path(scripts) / "recovery", Path(__file__).parents[1]
    if mine.resolve() != wanted.resolve():
        sys.exit(
            f"{mine}: was imported in place of {wanted}, so numbers would come from other code "
            "than this checkout's. Unset PYTHONPATH, and remove what loads that copy when Python "
            "starts."
        )


def must_be_startable(scripts: str | Path) -> None:
    """End the process where Snakemake cannot start a job; let shells find Python elsewhere.

    Snakemake puts the path of Python into commands as it is, without quotes. Where a shell would
    read something else there, `PATH` leads to it instead.
    """
    folder = Path(scripts).absolute()
    if set("{}") & set(str(folder)):
        sys.exit(
            f"{folder}: its path has a brace, and Snakemake reads braces as wildcards; move it"
        )
    if shlex.quote(sys.executable) == sys.executable:
        return
    place, name = os.path.split(sys.executable)
    if os.pathsep in place:
        sys.exit(f"{place}: its path has a colon, so that no shell finds Python there; move it")
    os.environ["PATH"] = os.pathsep.join([place, os.environ.get("PATH", os.defpath)])
    sys.executable = name
