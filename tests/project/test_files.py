"""workflow/files.txt lists the workflow's own files: a remote workflow is put together from it."""

import subprocess

import pytest
from conftest import ROOT

LISTED = (ROOT / "workflow/files.txt").read_text().split()
FOLDERS = ("workflow", "stan", "config", "profiles")


def test_every_listed_file_exists():
    assert [name for name in LISTED if not (ROOT / name).is_file()] == []


def test_every_file_of_the_workflow_is_listed():
    command = ["git", "ls-files", "--cached", *FOLDERS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("not in a git checkout")
    tracked = {name for name in done.stdout.split() if not name.endswith(".png")}
    assert set(LISTED) == tracked - {"workflow/files.txt"}, "run: make files"


def test_every_listed_file_is_text():
    for name in LISTED:
        (ROOT / name).read_text(encoding="utf-8")
