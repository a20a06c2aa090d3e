"""Which copy of the library was imported, and whether jobs can start from its path."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path


def require_this_library(scripts: str | Path) -> None:
    """End the process unless the imported library is the one in this folder of scripts.

    Scripts put that folder first in `sys.path`, before PYTHONPATH, the current directory and
    installed packages. A `sitecustomize` can still have imported another copy earlier.
    """
    expected, imported = Path(scripts) / "recovery", Path(__file__).parents[1]
    if imported.resolve() != expected.resolve():
        sys.exit(
            f"{imported}: was imported in place of {expected}, so numbers would come from other "
            "code than this checkout's. Unset PYTHONPATH, and remove what imports that copy when "
            "Python starts."
        )


def must_be_startable(scripts: str | Path) -> None:
    """End the process if Snakemake could not start a job from this path; put Python on PATH.

    Snakemake puts the path of Python into shell commands without quotes. If the path needs
    quotes, shells find Python through `PATH` instead.
    """
    folder = Path(scripts).absolute()
    if set("{}") & set(str(folder)):
        sys.exit(
            f"{folder}: its path has a brace, and Snakemake reads braces as wildcards; move it"
        )
    if shlex.quote(sys.executable) == sys.executable:
        return
    directory, name = os.path.split(sys.executable)
    if os.pathsep in directory:
        sys.exit(f"{directory}: its path has a colon, so no shell finds Python there; move it")
    os.environ["PATH"] = os.pathsep.join([directory, os.environ.get("PATH", os.defpath)])
    sys.executable = name
