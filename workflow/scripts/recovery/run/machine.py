"""What a run needs of the machine, found before any job."""

from __future__ import annotations

import os
import resource
import tempfile
from pathlib import Path

from recovery.common.errors import StudyError

LEAST_FILE = 10 * 2**20  # bytes: Snakemake's logs and a study's tables take as much


def must_allow_files() -> None:
    """Refuse a limit on the size of files that no study can keep."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if limit != resource.RLIM_INFINITY and limit < LEAST_FILE:
        raise StudyError(
            f"ulimit -f: got {limit // 1024:,} kB, the most that a file may hold here, must be at "
            f"least {LEAST_FILE // 1024:,}; allow more in a new shell: ulimit -f unlimited"
        )


def use_temporary_folder() -> None:
    """Have all that starts from here use a folder that temporary files can be written to.

    Python passes over a TMPDIR that is missing, full or not its own; what Snakemake calls does not.
    """
    given = os.environ.get("TMPDIR")
    try:
        found = tempfile.gettempdir()
    except OSError as error:
        raise StudyError(
            f"TMPDIR: got {given or 'nothing'}, and temporary files can be written neither there "
            "nor elsewhere; make room, or name another folder: export TMPDIR=FOLDER"
        ) from error
    if given and str(Path(given).absolute()) != found:
        os.environ["TMPDIR"] = found
