"""Files that a Stan program may include: beside it or in the shipped folder."""

import os
from pathlib import Path

import own_families
import pytest
import stanli
from conftest import STAN
from own_families import tried

from recovery import engines
from recovery.common.errors import EngineError, StudyError
from recovery.common.user_files import LARGEST_CODE
from recovery.engines.includes import program_hash
from recovery.engines.protocol import Program
from recovery.run import preflight

pytestmark = pytest.mark.usefixtures("in_the_repository")

INCLUDED = "real shifted(real x) { return x + 1; }\n"
PLAIN = "functions {\n#include shifted.stan\n}\nmodel { target += shifted(1); }\n"


@pytest.fixture
def beside(tmp_path):
    """The folder of a program, the folder of shared includes, and a function to write files."""
    (tmp_path / "own").mkdir()
    (tmp_path / "stan").mkdir()

    def write(name: str, text: str) -> Path:
        file = tmp_path / name
        file.write_text(text)
        return file

    return write


def hashed(file: Path) -> str:
    return program_hash(file, file.parents[1] / "stan")


def refused(file: Path) -> str:
    with pytest.raises(StudyError) as error:
        hashed(file)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


@pytest.mark.parametrize("place", ["own", "stan"])
def test_both_engines_compile_a_program_with_includes(beside, place, cmdstan_home):
    file = beside("own/a.stan", PLAIN)
    program = Program(str(file), str(file.parents[1] / "stan"))
    for name in ("stanli", "cmdstan"):
        with pytest.raises(EngineError, match=r"shifted"):
            engines.find(name).check(program, {})
    beside(f"{place}/shifted.stan", INCLUDED)
    for name in ("stanli", "cmdstan"):
        engines.find(name).check(program, {})


def test_the_file_beside_the_program_comes_first_for_hash_and_engines(beside, cmdstan_home):
    file = beside("own/a.stan", PLAIN)
    beside("own/shifted.stan", INCLUDED)
    alone = hashed(file)
    beside("stan/shifted.stan", "no Stan at all")
    assert hashed(file) == alone
    program = Program(str(file), str(file.parents[1] / "stan"))
    for name in ("stanli", "cmdstan"):
        engines.find(name).check(program, {})


def test_the_hash_covers_includes_at_any_depth(beside):
    file = beside("own/a.stan", PLAIN)
    beside("own/shifted.stan", "#include deeper.stan\n")
    beside("stan/deeper.stan", INCLUDED)
    before = hashed(file)
    beside("stan/deeper.stan", INCLUDED + "\n")
    assert hashed(file) != before


def test_a_family_with_a_file_beside_its_program_is_tried(tmp_path):
    raw = own_families.begin(
        tmp_path,
        ("family.stan", "data {", "functions {\n  #include kept.stan\n}\ndata {"),
        ("family.stan", "mu + tau * z;", "kept(mu + tau * z);"),
    )
    (tmp_path / "kept.stan").write_text("vector kept(vector x) { return x; }\n")
    assert len(tried(raw)) == 2


# stanc defines what an include is: it must report the file as missing where we find an include.
LINES = [
    "functions {\n#include z.stan\n}",
    "functions { #include z.stan\n}",
    'functions {\n#include "z.stan"\n}',
    "functions {\n#include <z.stan>\n}",
    "functions {\n  #include\tz.stan // and a comment\n}",
    "functions {\n// #include z.stan\n}",
    "functions {\n/* \n#include z.stan\n*/\n}",
    "// /* \nfunctions {\n#include z.stan\n}\n// */",
    'model { print("\\n#include z.stan"); }',
    'model { print("/*"); }\n// "\n#include z.stan',
    "/* // */ #include z.stan",
    '// a " in a comment\n#include z.stan\n// another "',
]


@pytest.mark.parametrize("text", LINES)
def test_includes_are_recognised_as_stanc_does(beside, text):
    file = beside("own/a.stan", text)
    try:
        stanli.stan_to_mir(text, include_paths=[str(file.parent)])
    except RuntimeError:
        assert "'z.stan': not found, must be a file in " in refused(file)
    else:
        hashed(file)


# Errors


def test_the_error_of_a_circular_include_has_the_chain(beside):
    file = beside("own/a.stan", "#include a.stan\n")
    assert refused(file) == f"{file}: includes itself: {file} > {file}"
    beside("own/a.stan", "#include b.stan\n")
    other = beside("own/b.stan", "#include a.stan\n")
    assert refused(file) == f"{file}: includes itself: {file} > {other} > {file}"


def test_too_deep_and_too_many_includes_are_refused_at_once(beside):
    for number in range(60):
        beside(f"own/c{number}.stan", f"#include c{number + 1}.stan\n")
    first = beside("own/c60.stan", "").with_name("c0.stan")
    assert "is included over 50 files deep: " in refused(first)
    for number in range(40):
        beside(f"own/d{number}.stan", f"#include d{number + 1}.stan\n" * 2)
    beside("own/d40.stan", "// the end\n")
    assert f"has more than {LARGEST_CODE:,} characters with its includes" in refused(
        beside("own/d0.stan", "#include d1.stan\n")
    )


@pytest.mark.parametrize("name", ["../secret.stan", "x/../../secret.stan", "/../secret.stan"])
def test_an_include_from_another_folder_is_refused_unread(beside, name):
    beside("secret.stan", INCLUDED)
    said = refused(beside("own/a.stan", f"#include {name}\n"))
    assert f"#include {name!r}: must be the name of a file in " in said


def test_a_name_with_a_leading_slash_is_searched_in_the_folders(beside, cmdstan_home):
    said = refused(beside("own/a.stan", "#include /etc/hostname\n"))
    assert "#include '/etc/hostname': not found, must be a file in " in said
    file = beside("own/a.stan", PLAIN.replace("shifted.stan", "/shifted.stan"))
    assert "/shifted.stan" in file.read_text()
    beside("stan/shifted.stan", INCLUDED)
    before = hashed(file)
    for name in ("stanli", "cmdstan"):
        engines.find(name).check(Program(str(file), str(file.parents[1] / "stan")), {})
    beside("stan/shifted.stan", f"{INCLUDED}// edited\n")
    assert hashed(file) != before


def test_an_include_that_links_to_another_folder_is_refused(beside, tmp_path):
    (tmp_path / "own/shifted.stan").symlink_to(beside("secret.stan", INCLUDED))
    said = refused(beside("own/a.stan", PLAIN))
    assert f"is a link to {tmp_path / 'secret.stan'}, must be a file in" in said


KINDS = {
    "latin-1": (
        lambda file: file.write_bytes("real \xb5;".encode("latin-1")),
        "cannot be read: byte 6 is no UTF-8",
    ),
    "folder": (lambda file: file.mkdir(), "cannot be read: Is a directory"),
    "fifo": (os.mkfifo, "cannot be read: is no regular file"),
    "device": (lambda file: file.symlink_to("/dev/zero"), "cannot be read: is no regular file"),
    "dangling": (
        lambda file: file.symlink_to("nowhere"),
        "cannot be read: No such file or directory",
    ),
    "huge": (lambda file: _sparse(file, 10**10), "has 10,000.0 MB, must have at most 10 MB"),
}


def _sparse(file: Path, size: int) -> None:
    with file.open("w") as opened:
        os.truncate(opened.fileno(), size)


@pytest.mark.parametrize("kind", KINDS)
def test_an_unreadable_program_is_one_message(tmp_path, kind):
    make, said = KINDS[kind]
    make(tmp_path / "a.stan")
    with pytest.raises(StudyError, match=rf"a\.stan: {said}"):
        program_hash(tmp_path / "a.stan", STAN)


@pytest.mark.parametrize("kind", KINDS)
def test_an_unreadable_include_is_one_message(tmp_path, kind):
    make, said = KINDS[kind]
    (tmp_path / "a.stan").write_text(PLAIN)
    make(tmp_path / "shifted.stan")
    with pytest.raises(StudyError) as error:
        program_hash(tmp_path / "a.stan", STAN)
    elsewhere = "#include 'shifted.stan': is a link to /dev/zero, must be a file in"
    assert (elsewhere if kind == "device" else said) in str(error.value)


@pytest.mark.parametrize(
    "make",
    [os.mkfifo, lambda file: file.symlink_to("/dev/zero")],
)
def test_a_familys_file_must_be_regular(tmp_path, make):
    raw = own_families.begin(tmp_path)
    (tmp_path / "means.py").unlink()
    make(tmp_path / "means.py")
    assert own_families.refused(raw) == f"{raw['family']}: cannot be read: is no regular file"


def test_a_circular_include_is_refused_before_any_job(tmp_path):
    raw = own_families.begin(tmp_path, ("family.stan", "data {", "#include means.stan\ndata {"))
    with pytest.raises(StudyError, match=r"^\S+/means\.stan: includes itself: \S+ > \S+$"):
        preflight.prepare(raw, "study.yaml", STAN, thoroughly=False)
