"""Whose copy of the library this is: a run's identities are those of its own checkout's code."""

from __future__ import annotations

import sys
from pathlib import Path


def must_be(scripts: str | Path) -> None:
    """End the process unless this library is the one that lies in a folder of scripts.

    Whoever imports the library puts that folder first in `sys.path`, so that neither PYTHONPATH,
    the current directory nor an installed package comes before it. What was imported earlier, as
    by a `sitecustomize`, can come before it still.
    """
    wanted, mine = Path(scripts) / "recovery", Path(__file__).parent
    if mine.resolve() != wanted.resolve():
        sys.exit(
            f"{mine}: was imported in place of {wanted}, so numbers would come from other code "
            "than this checkout's. Unset PYTHONPATH, and remove what loads that copy when Python "
            "starts."
        )
