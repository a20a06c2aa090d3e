import pytest
import yaml

from recovery.common.errors import StudyError
from recovery.run import session
from recovery.run.session import design_of_run


def prepared(raw, file, **options):
    return design_of_run(raw, str(file), main=True, **options)


@pytest.fixture
def file(raw_study, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "study.yaml"
    file.write_text(yaml.safe_dump(raw_study))
    return file


def test_a_duplicate_key_of_the_file_is_refused(raw_study, file):
    file.write_text(file.read_text() + "replicates: 3\n")
    with pytest.raises(StudyError, match="replicates: duplicate key"):
        prepared(raw_study, file, files=[str(file)])


def test_values_of_the_command_line_replace_those_of_the_file(raw_study, file):
    design = prepared(raw_study, file, files=[str(file)], entries=["participants=[6, 8]"])
    assert design.study.participants == (6, 8)


def test_object_storage_is_refused_with_the_reason():
    session.refuse_storage(None)
    with pytest.raises(StudyError, match="got 's3', must not be given: before any job, the study"):
        session.refuse_storage("s3")
