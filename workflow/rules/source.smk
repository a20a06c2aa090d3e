"""Finds the workflow's own files: its library, its Stan programs and the shipped studies."""

import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path


def source_folder():
    """Return the folder that holds all files of the workflow.

    Snakemake fetches a remote workflow file by file, and only those that rules name. All others
    are listed in workflow/files.txt; they are put together in a folder named by their content.
    """
    here = workflow.current_basedir.get_path_or_uri(secret_free=True)
    if Path(here).is_dir():
        return Path(here).parents[1]
    names = Path(workflow.source_path("../files.txt")).read_text().split()
    fetched = {name: Path(workflow.source_path(f"../../{name}")) for name in names}
    content = hashlib.sha256()
    for name, file in fetched.items():
        content.update(f"{name} {len(file.read_bytes())}\n".encode())
        content.update(file.read_bytes())
    folder = Path(".snakemake", "source", content.hexdigest()[:16]).absolute()
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=folder.parent))
        for name, file in fetched.items():
            (beside / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, beside / name)
        try:
            beside.rename(folder)
        except OSError:  # another process was faster
            shutil.rmtree(beside)
    return folder


SOURCE = source_folder()
RULES = SOURCE / "workflow" / "rules"
SCRIPTS = SOURCE / "workflow" / "scripts"

# Jobs inherit the environment: each script imports the library from there.
os.environ.update(RECOVERY_SCRIPTS=str(SCRIPTS))
sys.path.insert(0, str(SCRIPTS))


def default_study():
    """The default study of the working directory, or else the shipped one."""
    own = "config/config.yaml"
    return own if Path(own).exists() else str(SOURCE / own)
