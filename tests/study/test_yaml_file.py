"""Reading a study file's YAML."""

import math
import os
import re
import socket

import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from slow_cases import slow_after
from snakemake.common.configfile import load_configfile

from recovery.common.errors import StudyError
from recovery.study.yaml_file import SPLIT, read_value, read_yaml


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "a: duplicate key (line 3)"),
        ("a: {b: 1, b: 2}", "b: duplicate key (line 1)"),
        ("a: {b: normal(0, 1), c: normal(0, 1)}", f"a.b: got normal(0 (line 1), {SPLIT}"),
        ("a: {b: student_t(3, 0, 2.5)}", f"a.b: got student_t(3 (line 1), {SPLIT}"),
        ("a: [flat, normal(0, 1)]", f"a[1]: got normal(0 (line 1), {SPLIT}"),
        ("- 1\n", "got [1], must be a mapping of keys to values"),
        ("", "got nothing, must be a mapping of keys to values"),
        ("a: [1\n", "is not valid YAML: while parsing a flow sequence"),
        ("a:\t1\n\tb: 2\n", "is not valid YAML: while scanning for the next token"),
        ("a: 1\n---\nb: 2\n", "is not valid YAML: expected a single document"),
        ("? [1, 2]\n: 3\n", "is not valid YAML: while constructing a mapping"),
        ("a: 2020-13-41\n", "is not valid YAML: month must be in 1..12"),
        (f"a: {'9' * 5000}\n", "is not valid YAML: Exceeds the limit (4300 digits)"),
        ("a: !!int ''\n", "a: got the tag '!!int' (line 1), must have none"),
        ("a: 1\nmodels: !!set {b, c}\n", "models: got the tag '!!set' (line 2), must have none"),
        ("a: !!omap [b: 1]\n", "a: got the tag '!!omap' (line 1), must have none"),
        ("- !!pairs [b: 1]\n", "the file: got the tag '!!pairs' (line 1), must have none"),
        ("a: !!binary aGk=\n", "a: got the tag '!!binary' (line 1), must have none"),
        ("a: !own 1\n", "a: got the tag '!own' (line 1), must have none"),
        ("a: !!str 2\n", "a: got the tag '!!str' (line 1), must have none"),
        ("a: ! 2\n", "a: got the tag '!' (line 1), must have none"),
        ("<<: {a: 1}\n<<: {b: 1}\n", "<<: duplicate key (line 2)"),
        ('{"a": 1, "a": 2}', "a: duplicate key"),
        ('a: "\0"\n', "is not valid YAML: unacceptable character"),
        (f"a: {'[' * 5000}{']' * 5000}\n", "is nested too deeply"),
        (f"a: {'{a: ' * 5000}1{'}' * 5000}\n", "is nested too deeply"),
        ("a: &a [*a]\n", "has more than 100,000 values"),
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
    with pytest.raises(StudyError, match=r"a: got the tag '!!python/.*must have none"):
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
    with pytest.raises(StudyError, match=r"has more than 100,000 values"):
        read_yaml(file)


def test_an_anchor_may_be_used_many_times(tmp_path):
    file = tmp_path / "study.yaml"
    file.write_text("a: &a {x: 1}\nb: [" + ", ".join(["*a"] * 1000) + "]\n")
    assert read_yaml(file)["b"] == [{"x": 1}] * 1000


@pytest.mark.parametrize("content", ["a: caf\xe9".encode("latin-1"), "a: 1".encode("utf-16")])
def test_a_file_that_is_not_utf_8_is_refused(tmp_path, content):
    file = tmp_path / "study.yaml"
    file.write_bytes(content)
    with pytest.raises(StudyError, match=r"study\.yaml: cannot be read: byte [0-9]+ is no UTF-8"):
        read_yaml(file)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(StudyError, match="cannot be read: Is a directory"):
        read_yaml(tmp_path)


NUMBER = "got {} (line 2), which YAML 1.1 reads as {} and YAML 1.2 as {}; must be {}"


@pytest.mark.parametrize(
    ("written", "older", "newer", "allowed"),
    [
        ("010", "8", "10", "8 or 10 or '010'"),
        ("-010", "-8", "-10", "-8 or -10 or '-010'"),
        ("0123", "83", "123", "83 or 123 or '0123'"),
        ("08", "text", "8", "8 or '08'"),
        ("0_7", "7", "text", "7 or '0_7'"),
        ("1:30", "90", "text", "90 or '1:30'"),
        ("-1:30", "-90", "text", "-90 or '-1:30'"),
        ("1:30.5", "90.5", "text", "90.5 or '1:30.5'"),
        ("1_000", "1000", "text", "1000 or '1_000'"),
        ("1_000.5", "1000.5", "text", "1000.5 or '1_000.5'"),
        ("0b11", "3", "text", "3 or '0b11'"),
        ("-0x1F", "-31", "text", "-31 or '-0x1F'"),
        ("0o17", "text", "15", "15 or '0o17'"),
        ("1e3", "text", "1000", "1000 or '1e3'"),
        ("1.0e3", "text", "1000", "1000 or '1.0e3'"),
        ("1.e3", "text", "1000", "1000 or '1.e3'"),
        ("+1e3", "text", "1000", "1000 or '+1e3'"),
        ("1E5", "text", "100000", "100000 or '1E5'"),
        ("1e-3", "text", "1.0e-3", "1.0e-3 or '1e-3'"),
        ("1.5e20", "text", "1.5e+20", "1.5e+20 or '1.5e20'"),
        ("-.5", "text", "-0.5", "-0.5 or '-.5'"),
        ("yes", "true", "text", "true or 'yes'"),
        ("Off", "false", "text", "false or 'Off'"),
        ("2020-01-01", "the date 2020-01-01", "text", "'2020-01-01'"),
        ("=", "a special key", "text", "'='"),
        ("<<", "a special key", "text", "'<<'"),
    ],
)
def test_what_versions_of_yaml_read_differently_is_refused_as_it_is_written(
    tmp_path, written, older, newer, allowed
):
    file = tmp_path / "study.yaml"
    file.write_text(f"a: &two [2, 3]\nparticipants: [1, {written}]\nb: *two\n")
    with pytest.raises(StudyError) as refused:
        read_yaml(file)
    told = NUMBER.format(written, older, newer, allowed)
    assert str(refused.value) == f"{file}: participants[1]: {told}"


def test_a_leading_zero_is_refused_where_both_versions_read_one_number(tmp_path):
    file = tmp_path / "study.yaml"
    file.write_text("seed: 007\n")
    with pytest.raises(StudyError) as refused:
        read_yaml(file)
    assert str(refused.value) == (
        f"{file}: seed: got 007 (line 1), which many programs read as an octal number; "
        "must be 7 or '007'"
    )


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *(("1.0e+3", 1000.0), ("1.5e-3", 0.0015), ("2.E-4", 0.0002), ("+1.", 1.0), (".5", 0.5)),
        *(("0", 0), ("-0", 0), ("+12", 12), ("0x1F", 31), ("0.10", 0.1), (".inf", math.inf)),
        *(("true", True), ("FALSE", False), ("~", None), ("", None), ("Null", None)),
        *(("y", "y"), ("n", "n"), ("'010'", "010"), ('"1e3"', "1e3"), ("1.0e", "1.0e")),
        *(("x1", "x1"), ("1,000", "1,000"), ("a:b", "a:b"), ("1-2", "1-2")),
    ],
)
def test_what_all_versions_of_yaml_read_alike_is_read(tmp_path, written, value):
    file = tmp_path / "study.yaml"
    file.write_text(f"a: {written}\n")
    found = read_yaml(file)["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("key", ["no", "1", "1.5", "~", "2020-01-01", "1e3", "010", "1:30", "08"])
def test_a_key_that_is_no_text_is_refused_with_how_to_write_it(tmp_path, key):
    file = tmp_path / "study.yaml"
    file.write_text(f"priors:\n  {key}: {{}}\n")
    with pytest.raises(StudyError) as refused:
        read_yaml(file)
    told = f"{file}: priors: got the key {key} (line 2), keys must be text: '{key}'"
    assert str(refused.value) == told
    file.write_text(f"priors:\n  '{key}': {{}}\n")
    assert read_yaml(file) == {"priors": {key: {}}}


# The core schema of YAML 1.2.2, section 10.3.2: what is no text, and its value.
CORE = {
    r"null|Null|NULL|~|": lambda text: None,
    r"true|True|TRUE": lambda text: True,
    r"false|False|FALSE": lambda text: False,
    r"[-+]?[0-9]+": int,
    r"0o[0-7]+": lambda text: int(text[2:], 8),
    r"0x[0-9a-fA-F]+": lambda text: int(text[2:], 16),
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?": float,
    r"[-+]?(\.inf|\.Inf|\.INF)": lambda text: float(text.replace(".", "")),
    r"\.nan|\.NaN|\.NAN": lambda text: math.nan,
}
PLAIN = r"[-+]?[0-9xobe_:.+-]{1,6}|[-+]?[0-9]{1,2}[.]?[0-9]?[eE][-+]?[0-9]|[ynotrueafslN~]{1,5}"


@given(st.from_regex(PLAIN, fullmatch=True))
def test_what_is_read_is_what_yaml_1_2_reads(tmp_path_factory, written):
    file = tmp_path_factory.getbasetemp() / "study.yaml"
    file.write_text(f"a: {written}\n")
    try:
        found = read_yaml(file)
    except StudyError:
        return
    if isinstance(found.get("a"), list | dict):
        return
    assert repr(found) == repr(load_configfile(file))
    value = next((made for core, made in CORE.items() if re.fullmatch(core, written)), str)
    assert repr(found) == repr({"a": value(written)})


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1e3, "b": [0.5, "\\ud83d\\ude00", "\\/"]}',
        '{\n\t"a": 1E5,\n\t"b": {"no": true, "1": null}\n}\n',
    ],
)
def test_a_file_in_json_is_read_as_snakemake_reads_it(tmp_path, text):
    file = tmp_path / "study.json"
    file.write_text(text)
    assert read_yaml(file) == load_configfile(file)


@pytest.mark.parametrize("file", sorted((ROOT / "config").rglob("*.yaml")), ids=lambda p: p.name)
def test_a_shipped_study_is_read_as_snakemake_reads_it(file):
    assert read_yaml(file) == load_configfile(file)


def test_a_pipe_and_a_socket_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
    for file in (tmp_path / "pipe", tmp_path / "socket", "/dev/zero", "/dev/urandom", "/dev/null"):
        with pytest.raises(StudyError, match="cannot be read: is no regular file"):
            read_yaml(file)


def test_a_file_of_5_gb_is_refused_by_its_size(tmp_path):
    file = tmp_path / "study.yaml"
    with file.open("wb") as opened:
        opened.truncate(5_000_000_000)
    with pytest.raises(StudyError) as refused:
        read_yaml(file)
    assert str(refused.value) == f"{file}: has 5,000.0 MB, must have at most 2 MB"


def test_a_file_of_no_size_is_read_no_further_than_it_may_be_long():
    with pytest.raises(StudyError):
        read_yaml("/proc/kallsyms")


@pytest.mark.parametrize(
    "text",
    slow_after(
        1,
        [
            "participants: [" + "2, " * 500_000 + "2]",
            "truths: {" + "".join(f"t{i}: {{a: [0, 1], b: 2}}, " for i in range(20_000)) + "}",
            "a: [" + "1e3, " * 50_000 + "1]",
            "a: {" + "1: 1, " * 40_000 + "}",
            "a: !" + "a" * 10_000 + " 1",
            '{"a": [' + "2, " * 200_000 + "2]}",
            '{"a": ' + "[" * 900 + "]" * 900 + "}",
            '{"a": ' + "[" * 900_000 + "]" * 900_000 + "}",
            "? " + "a" * 100_000 + "\n: {" + "b" * 100_000,
        ],
    ),
)
def test_a_large_file_is_refused_in_20_lines_of_bounded_length(tmp_path, text):
    file = tmp_path / "study.yaml"
    file.write_text(text)
    with pytest.raises(StudyError) as refused:
        read_yaml(file)
    lines = str(refused.value).splitlines()
    assert len(lines) <= 20
    assert max(map(len, lines)) <= 500


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0123", "got 0123 (line 1), which YAML 1.1 reads as 83 and YAML 1.2 as 123; must be 83"),
        ("[6, 010]", "[1]: got 010 (line 1), which YAML 1.1 reads as 8 and YAML 1.2 as 10"),
        ("{no: 1}", "got the key no (line 1), keys must be text: 'no'"),
        ("!!set {a}", "got the tag '!!set' (line 1), must have none"),
        ("[1", "is not valid YAML: while parsing a flow sequence"),
        ("[" * 5000, "is nested too deeply"),
    ],
)
def test_a_value_of_the_command_line_is_read_as_in_a_file(text, told):
    with pytest.raises(StudyError) as refused:
        read_value(text, "--config seed")
    assert str(refused.value).startswith(f"--config seed: {told}")
    assert read_value("{a: [6, 0x1F], b: x}", "--config seed") == {"a": [6, 31], "b": "x"}
