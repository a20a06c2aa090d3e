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
        ("a:\t1\n\tb: 2\n", "is not valid YAML: while scanning for the next token"),
        ("a: 1\n---\nb: 2\n", "is not valid YAML: expected a single document"),
        ("? [1, 2]\n: 3\n", "is not valid YAML: while constructing a mapping"),
        ("a: 2020-13-41\n", "is not valid YAML: month must be in 1..12"),
        (f"a: {'9' * 5000}\n", "is not valid YAML: Exceeds the limit (4300 digits)"),
        ("a: !!int ''\n", "is not valid YAML: "),
        ("a: !!bool maybe\n", "is not valid YAML: "),
        ('a: "\0"\n', "is not valid YAML: unacceptable character"),
        (f"a: {'[' * 5000}{']' * 5000}\n", "is nested too deeply"),
        (f"a: {'{a: ' * 5000}1{'}' * 5000}\n", "is nested too deeply"),
        ("a: &a [*a]\n", "stands for more than 100,000 values"),
        ("__use_yte__: true\n", "__use_yte__: unknown key, must not be there"),
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


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:os.system ['touch {file}']",
        "!!python/name:os.system",
        "!!python/object/new:os.system ['touch {file}']",
        "!!python/module:os",
    ],
)
def test_a_tag_that_makes_python_objects_is_refused_and_runs_nothing(tmp_path, value):
    file = tmp_path / "study.yaml"
    file.write_text(f"a: {value.format(file=tmp_path / 'ran')}\n")
    with pytest.raises(StudyError, match="could not determine a constructor for the tag"):
        read_yaml(file)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("merged", [False, True], ids=["lists", "merge keys"])
def test_a_file_that_stands_for_a_billion_values_is_refused(tmp_path, merged):
    lines = ["a0: &a0 {x: 1, y: 1}"]
    for n in range(1, 31):
        twice = f"[*a{n - 1}, *a{n - 1}]"
        lines.append(f"a{n}: &a{n} " + (f"{{<<: {twice}}}" if merged else twice))
    file = tmp_path / "study.yaml"
    file.write_text("\n".join(lines))
    with pytest.raises(StudyError, match=r"stands for more than 100,000 values"):
        read_yaml(file)


def test_an_anchor_may_be_used_many_times(tmp_path):
    file = tmp_path / "study.yaml"
    file.write_text("a: &a {x: 1}\nb: [" + ", ".join(["*a"] * 1000) + "]\n")
    assert read_yaml(file)["b"] == [{"x": 1}] * 1000


@pytest.mark.parametrize("content", ["a: caf\xe9".encode("latin-1"), "a: 1".encode("utf-16")])
def test_a_file_that_is_not_utf_8_is_refused(tmp_path, content):
    file = tmp_path / "study.yaml"
    file.write_bytes(content)
    with pytest.raises(StudyError, match=r"study\.yaml: is not valid YAML: 'utf-8' codec"):
        read_yaml(file)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(StudyError, match="cannot be read: Is a directory"):
        read_yaml(tmp_path)
