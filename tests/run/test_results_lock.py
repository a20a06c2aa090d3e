"""A folder of results is of one study, and of one run at a time."""

import fcntl
import json
import os
import stat
import subprocess
import time

import pytest
from conftest import make_study

from recovery.common.errors import StudyError
from recovery.run import results_lock

STUDY, OTHER = make_study(), make_study(("title", "Another"))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(results_lock.HOLDER, raising=False)


def test_a_folder_is_held_by_one_run_at_a_time():
    lock = results_lock.hold(STUDY)
    with pytest.raises(StudyError, match="results/small: another run of this study is using"):
        results_lock.lock_and_mark(STUDY, "a.yaml")
    fcntl.flock(lock, fcntl.LOCK_UN)
    results_lock.lock_and_mark(STUDY, "a.yaml")


def test_the_process_that_make_study_became_holds_it_already(monkeypatch):
    results_lock.hold(STUDY)
    monkeypatch.setenv(results_lock.HOLDER, results_lock.holder(STUDY))
    results_lock.lock_and_mark(STUDY, "a.yaml")
    assert results_lock.is_remembered(STUDY)


@pytest.mark.parametrize(
    ("study", "file"), [(STUDY, "a.yaml"), (OTHER, "a.yaml"), (STUDY, "moved.yaml")]
)
def test_an_edited_or_a_moved_study_keeps_its_folder(study, file):
    results_lock.lock_and_mark(STUDY, "a.yaml")
    results_lock.refuse_foreign(study, file)


def test_another_study_file_that_says_something_else_is_refused():
    results_lock.lock_and_mark(STUDY, "a.yaml")
    with pytest.raises(StudyError) as refused:
        results_lock.refuse_foreign(OTHER, "b.yaml")
    assert str(refused.value) == (
        "b.yaml: name: got 'small', but results/small has the results of a.yaml (A small study). "
        "Give this study another name; or, if it is the same study, moved and edited, run\n"
        "rm results/small/.study.json"
    )


def test_a_new_folder_is_remembered_and_one_from_elsewhere_is_not(tmp_path, monkeypatch):
    tables = tmp_path / "results/small/estimates"
    tables.mkdir(parents=True)
    (tables / "a.parquet").touch()
    results_lock.hold(STUDY)
    assert not results_lock.is_remembered(STUDY)
    (tables / "a.parquet").unlink()
    monkeypatch.setenv(results_lock.HOLDER, results_lock.holder(STUDY))
    results_lock.lock_and_mark(STUDY, "a.yaml")
    assert results_lock.is_remembered(STUDY)
    (tmp_path / ".snakemake/small.born").unlink()
    assert not results_lock.is_remembered(STUDY)


PLACES = ["results", "results/small", ".snakemake", ".snakemake/locks", ".snakemake/metadata"]


@pytest.mark.parametrize("place", PLACES)
def test_a_file_where_results_go_is_told(tmp_path, place):
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text("not a folder")
    with pytest.raises(StudyError, match=f"^{place}: is not a folder, must be one; move it away$"):
        results_lock.hold(STUDY)


@pytest.mark.parametrize("place", PLACES)
def test_a_link_to_nothing_where_results_go_is_told(tmp_path, place):
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).symlink_to("away")
    with pytest.raises(StudyError, match=rf"^{place}: is a link to away, which [^\n]*\nrm "):
        results_lock.hold(STUDY)
    (tmp_path / place).parent.joinpath("away").mkdir()
    results_lock.hold(STUDY)


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_all_that_is_made_has_the_rights_that_the_umask_leaves(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        results_lock.lock_and_mark(STUDY, "a.yaml")
    finally:
        os.umask(before)
    made = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in made} == {".lock", ".study.json", ".born", "small.born"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {mode}


ODD = [
    "",
    "[1, 2]",
    "3",
    "null",
    '"text"',
    "{}",
    '{"file": 1, "title": 2, "study": 3}',
    "[" * 90_000,
]


@pytest.mark.parametrize("content", ODD, ids=range(len(ODD)))
def test_a_mark_that_says_nothing_is_no_mark(content, monkeypatch):
    monkeypatch.setenv(results_lock.HOLDER, results_lock.holder(STUDY))
    results_lock.folder_of(STUDY).mkdir(parents=True)
    mark = results_lock.folder_of(STUDY) / ".study.json"
    mark.write_text(content)
    results_lock.refuse_foreign(OTHER, "b.yaml")
    results_lock.lock_and_mark(OTHER, "b.yaml")
    assert json.loads(mark.read_text())["file"] == "b.yaml"


def test_a_mark_is_shown_as_a_terminal_may_show_it():
    results_lock.folder_of(STUDY).mkdir(parents=True)
    content = {"file": "\x1b[31mred.yaml", "title": "two\nlines\ud800", "study": "other"}
    (results_lock.folder_of(STUDY) / ".study.json").write_text(json.dumps(content))
    with pytest.raises(StudyError) as refused:
        results_lock.refuse_foreign(OTHER, "b.yaml")
    first, command = str(refused.value).splitlines()
    assert first.isprintable()
    assert r"has the results of '\x1b[31mred.yaml' ('two\nlines\ud800')." in first
    assert command == "rm results/small/.study.json"


def _as_pipe(path):
    os.mkfifo(path)


def _as_bytes(path):
    path.write_bytes(b"\xff\xfe" * 10)


def _as_huge(path):
    path.write_text("{" * 10_000_000)


@pytest.mark.parametrize("make", [_as_pipe, _as_bytes, _as_huge])
def test_files_of_odd_kinds_are_passed_over(tmp_path, monkeypatch, make):
    monkeypatch.setenv(results_lock.HOLDER, results_lock.holder(STUDY))
    locks = tmp_path / ".snakemake/locks"
    locks.mkdir(parents=True)
    make(locks / "0.input.lock")
    (locks / "1.input.lock").mkdir()
    results_lock.remove_stale_locks(STUDY)
    results_lock.folder_of(STUDY).mkdir(parents=True)
    make(results_lock.folder_of(STUDY) / ".study.json")
    make(results_lock.folder_of(STUDY) / ".born")
    results_lock.refuse_foreign(OTHER, "b.yaml")
    assert not results_lock.is_remembered(STUDY)
    results_lock.lock_and_mark(STUDY, "a.yaml")
    assert results_lock.is_remembered(STUDY)


@pytest.mark.parametrize("name", [".lock", ".study.json", ".born"])
def test_a_folder_of_that_name_is_told_with_the_cure(name):
    (results_lock.folder_of(STUDY) / name).mkdir(parents=True)
    with pytest.raises(StudyError) as refused:
        results_lock.lock_and_mark(STUDY, "a.yaml")
    place = f"results/small/{name}"
    assert str(refused.value) == f"{place}: is a folder, must be a file; remove it:\nrm -r {place}"


def test_inputs_that_are_dated_later_than_now_are_told_with_the_cure(tmp_path):
    results_lock.hold(STUDY)
    for name, ahead in (("old", -100), ("now", 0), ("a b", 3600), ("later", 7200)):
        (tmp_path / name).touch()
        date = time.time() + ahead
        os.utime(tmp_path / name, (date, date))
    results_lock.refuse_future(STUDY, ["old", "now", "missing"])
    with pytest.raises(StudyError) as refused:
        results_lock.refuse_future(STUDY, ["later", "old", "a b", "a b"])
    first, cure = str(refused.value).splitlines()
    assert first.startswith("a b: is dated 2")
    assert "(so are 1 more)" in first
    assert cure == "touch 'a b' later"
    subprocess.run(cure, shell=True, check=True)
    results_lock.refuse_future(STUDY, ["later", "a b"])
