"""Finds the workflow's own files: its library, its Stan programs and the shipped studies."""

import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path


def source_folder():
    """Return the folder that contains all files of the workflow.

    Snakemake fetches a remote workflow file by file, and only the files that rules name.
    Therefore workflow/files.txt lists all files; they are copied to a folder that is named after
    the hash of their content.
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
        temporary = Path(tempfile.mkdtemp(dir=folder.parent))
        for name, file in fetched.items():
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, temporary / name)
        try:
            temporary.rename(folder)
        except OSError:  # another process was faster
            shutil.rmtree(temporary)
    return folder


SOURCE = source_folder()
RULES = SOURCE / "workflow" / "rules"
SCRIPTS = SOURCE / "workflow" / "scripts"

# Jobs inherit the environment: each script imports the library from this folder.
os.environ.update(RECOVERY_SCRIPTS=str(SCRIPTS))
sys.path.insert(0, str(SCRIPTS))


def default_study():
    """Return config/config.yaml of the working directory or, if there is none, of the workflow."""
    path = "config/config.yaml"
    return path if Path(path).exists() else str(SOURCE / path)
