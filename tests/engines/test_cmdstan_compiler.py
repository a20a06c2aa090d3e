"""The installed CmdStan: odd paths, missing tools, and executables that are kept."""

import fcntl
import multiprocessing
import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from cmdstan_stand_in import compilations, libraries, stand_in
from conftest import STAN, make_design

from recovery import engines
from recovery.common.errors import EngineError
from recovery.engines import executables
from recovery.engines.protocol import Program

BROKEN = "parameters { real x } model { x ~ normal(0, 1); }"
INCLUDING = (
    '#include "functions/twice.stan"\nparameters { real x; } model { x ~ normal(twice(1), 1); }'
)
TWICE = "functions { real twice(real x) { return 2 * x; } }"
ODD = ["(", ")", "'", ",", "&", "$", " ", ";", "#", "%", "é", '"', "=", "it's (1), $HOME & co"]


@pytest.fixture
def cmdstan():
    return engines.find("cmdstan")


@pytest.fixture
def home(tmp_path, newer_cmdstan_files, monkeypatch):
    made = stand_in(tmp_path / "cmdstan", newer_cmdstan_files)
    monkeypatch.setenv("CMDSTAN", str(made))
    monkeypatch.setenv("LD_LIBRARY_PATH", libraries(newer_cmdstan_files))
    return made


def write(folder, text=INCLUDING) -> Program:
    """Write a program with an include into a folder."""
    (folder / "stan/functions").mkdir(parents=True)
    (folder / "stan/functions/twice.stan").write_text(TWICE)
    (folder / "stan/model.stan").write_text(text)
    place = str(folder / "programs" / "model-1")
    return Program(str(folder / "stan/model.stan"), str(folder / "stan"), place)


def files(folder):
    return sorted(str(path) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("sign", ODD)
def test_programs_compile_in_a_folder_of_any_name(cmdstan, home, tmp_path, monkeypatch, sign):
    folder, temporary = tmp_path / f"a{sign}b", tmp_path / f"tmp{sign}b"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    program = write(folder)
    before = files(folder)
    cmdstan.check(program, {})
    cmdstan.compile_program(program)
    cmdstan.load(program)
    assert files(folder) == sorted([*before, program.executable])
    assert files(temporary) == []
    (compiled,) = (home / "compiled").read_text().splitlines()
    assert sign not in compiled.removeprefix(tempfile.gettempdir())


@pytest.mark.parametrize("call", ["check", "compile_program"])
@pytest.mark.parametrize("sign", ["", ",", "'"])
def test_the_error_of_a_program_names_its_path(cmdstan, home, tmp_path, call, sign):
    program = write(tmp_path / f"a{sign}b", BROKEN)
    arguments = (program, {}) if call == "check" else (program,)
    with pytest.raises(EngineError) as refused:
        getattr(cmdstan, call)(*arguments)
    told = str(refused.value)
    assert told.startswith(f"{program.path}: does not compile:\n")
    assert "Syntax error" in told
    assert call == "compile_program" or "recovery-" not in told  # Make names its own targets
    assert not Path(program.executable).exists()


def test_the_error_of_an_include_names_its_path(cmdstan, home, tmp_path):
    program = write(tmp_path / "a,b")
    (tmp_path / "a,b/stan/functions/twice.stan").write_text("functions { real }")
    with pytest.raises(EngineError) as refused:
        cmdstan.check(program, {})
    assert f"{tmp_path}/a,b/stan/functions/twice.stan" in str(refused.value)


def remove(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink()


FAULTS = {
    "no stanc": (lambda home: remove(home / "bin/stanc"), "bin/stanc: missing: this CmdStan was"),
    "stanc not to be run": (
        lambda home: (home / "bin/stanc").chmod(0o644),
        "bin/stanc: is not executable; make it so with\nchmod +x ",
    ),
    "stanc is no program": (
        lambda home: (home / "bin/stanc").write_bytes(b"nothing"),
        "bin/stanc: cannot be run here: Exec format error",
    ),
    "stanc lacks a library": (
        lambda home: (home / "bin/stanc").write_text("#!/bin/sh\necho libc.so.9 >&2\nexit 127\n"),
        "bin/stanc: cannot be run here: libc.so.9",
    ),
    "no makefile": (lambda home: remove(home / "makefile"), "which has no `makefile`"),
    "no folder": (remove, "must be the folder of a CmdStan"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_missing_part_of_cmdstan_is_named_with_its_path(cmdstan, home, tmp_path, case):
    change, words = FAULTS[case]
    change(home)
    with pytest.raises(EngineError) as refused:
        cmdstan.check(write(tmp_path / "study"), {})
    assert words in str(refused.value)
    assert str(home) in str(refused.value)


@pytest.mark.parametrize("lacking", ["make", "g++", "clang-9", "gone++"])
def test_a_missing_tool_is_named(cmdstan, home, tmp_path, monkeypatch, lacking):
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("make", "g++", "sh", "cp"):
        if tool != lacking:
            (tools / tool).symlink_to(shutil.which(tool))
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.delenv("MAKE", raising=False)
    monkeypatch.delenv("CXX", raising=False)
    if lacking == "clang-9":
        (home / "make").mkdir()
        (home / "make/local").write_text("# O=0\nCXX = clang-9\n")
    if lacking == "gone++":
        monkeypatch.setenv("CXX", "gone++ -m64")
    for refuse in (cmdstan.check_tools, lambda: cmdstan.compile_program(write(tmp_path / "a"))):
        with pytest.raises(EngineError) as refused:
            refuse()
        assert str(refused.value).startswith(f"{lacking}: not found: CmdStan in {home} compiles")


def test_a_command_that_make_does_not_find_is_not_blamed_on_the_program(cmdstan, home, tmp_path):
    makefile = (home / "makefile").read_text().replace("cp bin", "nowhere bin")
    (home / "makefile").write_text(makefile)
    with pytest.raises(EngineError, match="a command was not found") as refused:
        cmdstan.compile_program(write(tmp_path / "a"))
    assert "nowhere" in str(refused.value)


def test_the_build_depends_on_the_path_of_cmdstan_but_the_version_does_not(cmdstan, home, tmp_path):
    version, build = cmdstan.version(), cmdstan.build()
    moved = shutil.copytree(home, tmp_path / "moved")
    os.environ["CMDSTAN"] = str(moved)  # the fixture's patch undoes it
    assert cmdstan.version() == version == "2.37.0"
    assert cmdstan.build() != build
    os.environ["CMDSTAN"] = str(home)
    assert cmdstan.build() == build
    (home / "make").mkdir()
    (home / "make/local").write_text("CXXFLAGS += -O2\n")
    assert cmdstan.version() == version
    assert cmdstan.build() != build


def test_a_makefile_may_have_any_bytes(cmdstan, home):
    (home / "makefile").write_bytes(b"# caf\xe9\n" + (home / "makefile").read_bytes())
    assert re.fullmatch(r"\d+\.\d+\.\d+", cmdstan.version())


def test_a_compiler_named_by_a_make_variable_is_left_to_make(cmdstan, home):
    (home / "make").mkdir()
    (home / "make/local").write_text("CXX = $(CONDA_PREFIX)/bin/g++\n")
    cmdstan.check_tools()


def test_commands_in_messages_quote_odd_paths(cmdstan, home, tmp_path, monkeypatch):
    moved = home.rename(tmp_path / "cmdstan of mine (1)")
    monkeypatch.setenv("CMDSTAN", str(moved))
    (moved / "bin/stanc").chmod(0o644)
    with pytest.raises(EngineError, match=re.escape(f"\nchmod +x '{moved}/bin/stanc'")):
        cmdstan.check_tools()
    (moved / "bin/stanc").unlink()
    with pytest.raises(EngineError, match=re.escape(f"\nmake -C '{moved}' build")):
        cmdstan.check_tools()


# Executables that are kept


@pytest.fixture
def place(home, tmp_path, monkeypatch):
    """A working directory with results, and a CmdStan that makes executables of its programs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(executables.VARIABLE, raising=False)
    return tmp_path


def kept_of(design, model) -> Path:
    return executables.path_of(model, design.sources.programs[model])


def shipped(design, model="pooled") -> Program:
    path = str(STAN / "multilevel_linear" / f"{model}.stan")
    return Program(path, str(STAN), str(kept_of(design, model)))


def test_studies_share_executables(place, home):
    one, other = make_design(), make_design(("name", "other"), ("seed", 2))
    for design in (one, other, one):
        executables.ensure_compiled(shipped(design))
    assert compilations(home) == 1
    assert kept_of(one, "pooled") == kept_of(other, "pooled")
    assert kept_of(one, "pooled").parent == Path("results/.programs")


def test_the_name_of_an_executable_has_all_that_decides_it(place, home):
    names = {kept_of(make_design(), model) for model in ("pooled", "centered")}
    names.add(kept_of(make_design(programs={"pooled": "edited"}), "pooled"))
    (home / "make").mkdir()
    (home / "make/local").write_text("O = 2\n")
    names.add(kept_of(make_design(), "pooled"))
    assert len(names) == 4


def test_a_folder_for_all_checkouts_can_be_named(place, home, tmp_path, monkeypatch):
    monkeypatch.setenv(executables.VARIABLE, str(tmp_path / "shared"))
    executables.ensure_compiled(shipped(make_design()))
    (kept,) = (tmp_path / "shared").glob("pooled-*")
    executables.link(kept, "results/a/programs/pooled-1")
    assert Path("results/a/programs/pooled-1").readlink() == kept


def test_an_executable_that_no_longer_runs_is_compiled_again(place, home):
    program = shipped(make_design())
    executables.ensure_compiled(program)
    Path(program.executable).write_bytes(b"half of it")
    executables.ensure_compiled(program)
    engines.find("cmdstan").load(program)
    assert compilations(home) == 2


def compile_often(program, n):
    for _ in range(n):
        engines.find("cmdstan").compile_program(program)


def test_processes_may_compile_the_same_program_at_once(place, home):
    program = shipped(make_design())
    executables.ensure_compiled(program)
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=compile_often, args=(program, 3)) for _ in range(3)]
    for process in processes:
        process.start()
    while any(process.is_alive() for process in processes):
        engines.find("cmdstan").load(program)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    name = Path(program.executable).name
    assert {path.name for path in executables.folder().iterdir()} == {name, f".{name}.lock"}


def test_the_link_to_an_executable_survives_moving_the_results(place, home):
    kept, name = kept_of(make_design(), "pooled"), "results/small/programs/pooled-1"
    executables.ensure_compiled(shipped(make_design()))
    executables.link(kept, name)
    moved = shutil.move("results", "elsewhere")
    engines.find("cmdstan").load(Program("p.stan", ".", f"{moved}/small/programs/pooled-1"))


def test_a_job_compiles_again_if_cmdstan_was_moved(place, home):
    program, hashed = Program(shipped(make_design()).path, str(STAN)), "hash"
    executables.with_executable("cmdstan", program, "pooled", hashed)
    os.environ["CMDSTAN"] = str(shutil.move(home, place / "moved"))  # the fixture undoes it
    found = executables.with_executable("cmdstan", program, "pooled", hashed)
    assert compilations(place / "moved") == 2
    engines.find("cmdstan").load(found)
    assert executables.with_executable("stanli", program, "pooled", hashed) == program


def provide_it(program):
    executables.ensure_compiled(program)


def test_of_jobs_that_need_an_executable_only_one_compiles(place, home):
    program = shipped(make_design())
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=provide_it, args=(program,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    assert compilations(home) == 1


def make_as_another_user(executable):
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    with executables._locked(executable):
        executable.write_text("made")


def test_the_lock_file_may_belong_to_another_user():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        lock = Path(folder, ".pooled-1.lock")
        lock.touch(0o444)
        kept = Path(folder, "pooled-1")
        other = multiprocessing.get_context("fork").Process(
            target=make_as_another_user, args=(kept,)
        )
        with lock.open() as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            other.start()
            other.join(1)
            assert not kept.exists()
            fcntl.flock(held, fcntl.LOCK_UN)  # the other process has inherited it
        other.join()
        assert other.exitcode == 0
        assert kept.read_text() == "made"


def test_tools_are_checked_only_if_a_program_must_be_compiled(place, home, monkeypatch):
    design = make_design()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(EngineError, match="not found"):
        executables.check_tools(design.sources.programs)
    monkeypatch.undo()
    monkeypatch.chdir(place)
    monkeypatch.setenv("CMDSTAN", str(home))
    for model in design.study.models:
        kept = kept_of(design, model)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text("")
    monkeypatch.setenv("PATH", "/nowhere")
    executables.check_tools(design.sources.programs)
