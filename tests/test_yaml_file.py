"""Reading a study file's YAML."""

import pytest

from recovery.faults import StudyError
from recovery.yaml_file import read_yaml


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "a: stands twice in one mapping (line 3), must be once"),
        ("a: {b: 1, b: 2}", "b: stands twice in one mapping (line 1), must be once"),
        ("- 1\n", "got [1], must be a mapping of keys to values"),
        ("", "got nothing, must be a mapping of keys to values"),
        ("a: [1\n", "is not valid YAML: while parsing a flow sequence"),
    ],
)
def test_a_malformed_file_is_refused_with_its_name(tmp_path, text, message):
    file = tmp_path / "study.yaml"
    file.write_text(text)
    with pytest.raises(StudyError) as refused:
        read_yaml(file)
    assert str(refused.value).startswith(f"{file}: {message}")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(StudyError) as refused:
        read_yaml(tmp_path / "study.yaml")
    assert str(refused.value) == (
        f"{tmp_path / 'study.yaml'}: cannot be read: No such file or directory"
    )


def test_yaml_merge_keys_work(tmp_path):
    file = tmp_path / "study.yaml"
    file.write_text("a: &a {sd: 1, mean: 0}\nb:\n  <<: *a\n  sd: 2\n")
    assert read_yaml(file)["b"] == {"sd": 2, "mean": 0}
