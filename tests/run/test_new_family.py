"""`make family`: the files of a new family."""

import pytest

from recovery.common.errors import StudyError
from recovery.run.new_family import write_family


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_three_files_are_written_under_the_name(folder):
    said = list(write_family("mine"))
    files = ["config/families/mine.py", "config/families/mine.stan", "config/mine.yaml"]
    assert said == [
        *(f"Wrote {file}" for file in files),
        "Run it: make study STUDY=config/mine.yaml",
    ]
    for file in files:
        assert "NAME" not in (folder / file).read_text()


@pytest.mark.parametrize("name", ["Mine", "1st", "", "a/b", "mediation"])
def test_a_name_that_is_not_allowed_is_refused(name, folder):
    with pytest.raises(StudyError, match=r"^NAME: got"):
        list(write_family(name))
    assert list(folder.iterdir()) == []


def test_files_that_exist_are_kept(folder):
    (folder / "config").mkdir()
    (folder / "config/mine.yaml").write_text("mine")
    with pytest.raises(
        StudyError, match=r"^config/mine.yaml: must not exist yet; nothing was written$"
    ):
        list(write_family("mine"))
    assert not (folder / "config/families").exists()


def test_a_place_that_cannot_be_written_is_one_message(folder):
    (folder / "config").write_text("")
    with pytest.raises(StudyError, match=r"^config/families/mine.py: cannot be written: Not a dir"):
        list(write_family("mine"))
