"""`make enough`: replicates are raised in the study file to what its precision needs."""

import pandas as pd
import pytest
import yaml
from workflow_runs import SMALL

from recovery.common.errors import StudyError
from recovery.run import more_replicates
from recovery.study.yaml_file import read_yaml

STUDY = {**SMALL, "precision": {"coverage": 0.1}}
FOUND = {"measure": ["coverage"], "wanted": [0.1], "n_planned": [SMALL["replicates"]]}


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "study.yaml"
    path.write_text("# A comment\n" + yaml.safe_dump(STUDY))
    return path


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Make the study's table of precision say how many replicates it takes."""

    def say(n_needed, **columns):
        table = tmp_path / "results" / STUDY["name"] / "summary/precision.parquet"
        table.parent.mkdir(parents=True)
        table.touch()
        rows = pd.DataFrame({**FOUND, **columns})
        monkeypatch.setattr(more_replicates.tables, "read_frame", lambda _: rows)
        monkeypatch.setattr(more_replicates, "most_needed", lambda _: n_needed)

    return say


def test_replicates_are_raised_to_the_number_needed(file, results):
    results(raised := 7)
    said = more_replicates.raise_replicates(file)
    assert said == f"{file}: replicates increased from {STUDY['replicates']} to {raised}."
    assert file.read_text().startswith("# A comment\n")
    assert read_yaml(file) == {**STUDY, "replicates": raised}


def test_enough_replicates_are_left_alone(file, results):
    results(1)
    before = file.read_bytes()
    said = more_replicates.raise_replicates(file)
    assert said == f"{file}: {STUDY['replicates']} replicates are enough."
    assert file.read_bytes() == before


def test_results_of_an_earlier_study_file_are_refused(file, results):
    results(7, wanted=[0.2])
    with pytest.raises(StudyError, match="was made from an earlier version of the study file"):
        more_replicates.raise_replicates(file)


def test_results_that_cannot_tell_are_refused(file, results):
    results(None)
    with pytest.raises(StudyError, match="does not say how many replicates are needed"):
        more_replicates.raise_replicates(file)


def test_line_ends_are_kept(tmp_path):
    file = tmp_path / "study.yaml"
    file.write_bytes(b"name: x\r\nreplicates: 20\r\n")
    more_replicates.write_replicates(file, 60)
    assert file.read_bytes() == b"name: x\r\nreplicates: 60\r\n"


def test_an_edit_that_would_change_more_is_refused(tmp_path):
    file = tmp_path / "study.yaml"
    text = "base: &b {replicates: 20}\n? <<\n: *b\n"  # a key before `<<` would need its own line
    file.write_text(text)
    with pytest.raises(StudyError, match="replicates: cannot be edited here; set it to 60"):
        more_replicates.write_replicates(file, 60)
    assert file.read_text() == text


def test_a_file_that_cannot_be_written_is_one_message(tmp_path, monkeypatch):
    file = tmp_path / "study.yaml"
    file.write_text("replicates: 20\n")
    unpatched = type(file).open

    def read_only(path, mode="r", *arguments, **options):
        if "w" in mode:
            raise PermissionError(13, "Permission denied")
        return unpatched(path, mode, *arguments, **options)

    monkeypatch.setattr(type(file), "open", read_only)
    with pytest.raises(StudyError, match="cannot be written: Permission denied"):
        more_replicates.write_replicates(file, 60)
