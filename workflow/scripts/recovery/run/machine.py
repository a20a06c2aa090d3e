"""What a run needs from the machine, checked before any job."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from recovery.common.errors import StudyError
from recovery.common.os_resources import largest_file

LEAST_FILE = 10 * 2**20  # bytes: Snakemake's logs and a study's tables take as much


def must_allow_files() -> None:
    """Refuse a limit on the size of files that is too small for any study."""
    limit = largest_file()
    if limit is not None and limit < LEAST_FILE:
        raise StudyError(
            f"ulimit -f: got {limit // 1024:,} kB, the largest size of a file, must be at "
            f"least {LEAST_FILE // 1024:,}; raise it in a new shell: ulimit -f unlimited"
        )


def use_temporary_folder() -> None:
    """Set TMPDIR, for this process and its children, to a folder that can be written to.

    Python ignores a TMPDIR that is missing, full or not writable; programs that Snakemake calls
    do not.
    """
    given = os.environ.get("TMPDIR")
    try:
        folder = tempfile.gettempdir()
    except OSError as error:
        raise StudyError(
            f"TMPDIR: got {given or 'nothing'}, and temporary files can be written neither there "
            "nor elsewhere; make room, or name another folder: export TMPDIR=FOLDER"
        ) from error
    if given and str(Path(given).absolute()) != folder:
        os.environ["TMPDIR"] = folder
