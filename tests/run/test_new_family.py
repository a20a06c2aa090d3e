"""`make family` where it cannot write."""

import subprocess
import sys

from conftest import ROOT


def test_a_place_that_cannot_be_written_is_one_message(tmp_path):
    (tmp_path / "config").write_text("")
    done = subprocess.run(
        [sys.executable, ROOT / "workflow/family.py", "mine"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "config/families/mine.py: cannot be written: Not a directory\n"
