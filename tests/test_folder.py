"""A folder of results is of one study, and of one run at a time."""

import fcntl

import pytest
from conftest import make_study

from recovery import folder
from recovery.faults import StudyError

STUDY, OTHER = make_study(), make_study(("title", "Another"))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(folder.HOLDER, raising=False)


def test_a_folder_is_held_by_one_run_at_a_time():
    lock = folder.hold(STUDY)
    with pytest.raises(StudyError, match="results/small: another run of this study is at work"):
        folder.take(STUDY, "a.yaml")
    fcntl.flock(lock, fcntl.LOCK_UN)
    folder.take(STUDY, "a.yaml")


def test_the_process_that_make_study_became_holds_it_already(monkeypatch):
    folder.hold(STUDY)
    monkeypatch.setenv(folder.HOLDER, folder.holder(STUDY))
    folder.take(STUDY, "a.yaml")
    assert folder.is_remembered(STUDY)


@pytest.mark.parametrize(
    ("study", "file"), [(STUDY, "a.yaml"), (OTHER, "a.yaml"), (STUDY, "moved.yaml")]
)
def test_an_edited_or_a_moved_study_keeps_its_folder(study, file):
    folder.take(STUDY, "a.yaml")
    folder.refuse_foreign(study, file)


def test_another_study_file_that_says_something_else_is_refused():
    folder.take(STUDY, "a.yaml")
    with pytest.raises(StudyError) as refused:
        folder.refuse_foreign(OTHER, "b.yaml")
    assert str(refused.value) == (
        "b.yaml: name: got 'small', but results/small has the results of a.yaml (A small study). "
        "Give this study another name; or, if it is that study moved and edited, say so with\n"
        "rm results/small/.study.json"
    )


def test_a_new_folder_is_remembered_and_one_from_elsewhere_is_not(tmp_path, monkeypatch):
    tables = tmp_path / "results/small/estimates"
    tables.mkdir(parents=True)
    (tables / "a.parquet").touch()
    folder.hold(STUDY)
    assert not folder.is_remembered(STUDY)
    (tables / "a.parquet").unlink()
    monkeypatch.setenv(folder.HOLDER, folder.holder(STUDY))
    folder.take(STUDY, "a.yaml")
    assert folder.is_remembered(STUDY)
    (tmp_path / ".snakemake/small.born").unlink()
    assert not folder.is_remembered(STUDY)


def test_a_place_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "results").write_text("not a folder")
    with pytest.raises(StudyError, match="results/small: cannot be written to: Not a directory"):
        folder.hold(STUDY)
