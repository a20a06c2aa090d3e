"""`make study`: the command that starts Snakemake."""

import sys

import pytest
import yaml
from workflow_runs import SMALL

from recovery.common.errors import StudyError
from recovery.run.start_snakemake import checked_study, command


def test_targets_and_options_come_before_the_study_file():
    words = command("study.yaml", ["batch=5"], ["report", "--cores", "2"], progress_bars=False)
    assert words == [
        *(sys.executable, "-m", "snakemake", "report", "--cores", "2"),
        *("--configfile", "study.yaml", "--config", "batch=5"),
    ]


def test_a_terminal_gets_progress_bars():
    words = command("study.yaml", [], [], progress_bars=True)
    assert words[-4:] == ["--configfile", "study.yaml", "--logger", "rich"]


def test_the_study_has_the_changes_of_the_command_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(SMALL))
    assert checked_study("study.yaml", ["replicates=9"]).replicates == 9
    with pytest.raises(StudyError, match=r"^study.yaml: replicates: got 0"):
        checked_study("study.yaml", ["replicates=0"])
