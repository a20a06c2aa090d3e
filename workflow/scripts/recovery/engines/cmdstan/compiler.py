"""The installed CmdStan: its version, and compiling programs with it."""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path

import cmdstanpy

from recovery.common import temporary_folder
from recovery.common.errors import EngineError
from recovery.engines import declarations, stan_data
from recovery.engines.protocol import Program

MISSING = """engine: got 'cmdstan', but CmdStan is not installed. Install it one of these ways:
  conda env create -f environment.yml                      (includes CmdStan)
  .venv/bin/python -m cmdstanpy.install_cmdstan            (needs make and a C++ compiler)
or set the environment variable CMDSTAN to its folder, or set `engine: stanli`."""

cmdstanpy.disable_logging()


def home() -> Path:
    """Return the folder of the installed CmdStan; EngineError if there is none."""
    if folder := os.environ.get("CMDSTAN"):
        if not Path(folder).is_dir():
            raise EngineError(f"CMDSTAN: got {folder!r}, must be the folder of a CmdStan")
        if not Path(folder, "makefile").is_file():
            raise EngineError(
                f"CMDSTAN: got {folder!r}, which has no `makefile`, must be the folder of a CmdStan"
            )
    try:
        return Path(cmdstanpy.cmdstan_path()).absolute()
    except ValueError:
        raise EngineError(MISSING) from None


def version() -> str:
    """Return the version of the installed CmdStan; EngineError if there is none."""
    line = re.search(
        r"^CMDSTAN_VERSION\s*:?=\s*(\S+)", _text(home() / "makefile"), flags=re.MULTILINE
    )
    return line[1] if line else "unknown"


def _text(file: Path) -> str:
    """The text of a file of CmdStan; empty if there is no file."""
    try:
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
    except OSError as error:
        raise EngineError(f"{file}: cannot be read: {error.strerror}") from None


def build() -> list[str]:
    """Return what decides an executable besides its program.

    It includes the path of CmdStan, since executables are linked to libraries there, though
    no number depends on it.
    """
    flags = [_text(home() / "make" / "local"), _text(Path.home() / ".config/stan/make.local")]
    return [version(), str(home().resolve()), *flags, platform.machine()]


def stanc() -> Path:
    """Return the path of stanc; EngineError if it is missing or not executable."""
    path = home() / "bin" / "stanc"
    if not path.is_file():
        raise EngineError(
            f"{path}: missing: this CmdStan was not built completely. Build it with\n"
            f"make -C {shlex.quote(str(home()))} build"
        )
    if not os.access(path, os.X_OK):
        raise EngineError(
            f"{path}: is not executable; make it so with\nchmod +x {shlex.quote(str(path))}"
        )
    return path


def check_tools() -> None:
    """Raise EngineError if stanc, make or the C++ compiler is missing."""
    stanc()
    make = _make()
    if shutil.which(make) is None:
        raise EngineError(f"{make}: not found: CmdStan in {home()} compiles with it. Install it.")
    compiler = _compiler()
    if "$" not in compiler and shutil.which(compiler) is None:  # Make variables are left to Make
        raise EngineError(
            f"{compiler}: not found: CmdStan in {home()} compiles with this C++ compiler. "
            f"Install it, or set another in {home()}/make/local, as `CXX = clang++`."
        )


def _make() -> str:
    return os.environ.get("MAKE") or "make"


def _compiler() -> str:
    """The C++ compiler that CmdStan's makefile would choose."""
    for file in (home() / "make" / "local", Path.home() / ".config/stan/make.local"):
        if names := re.findall(r"^\s*CXX\s*[:?]?=\s*(\S+)", _text(file), re.MULTILINE):
            return names[-1]
    return os.environ.get("CXX", "").partition(" ")[0] or (
        "clang++" if platform.system() == "Darwin" else "g++"
    )


def check(program: Program, data: dict) -> None:
    """Raise EngineError with stanc's message if the program does not compile.

    Raise StudyError if the data are not what the program declares.
    """
    with temporary_folder.folder() as folder:
        _stanc(program, folder, f"--o={folder}/out.hpp")
    stan_data.checked_data(data, declarations.of_program(program))


def parameters(program: Program, data: dict) -> list[str]:
    """Return the names of a program's parameters."""
    with temporary_folder.folder() as folder:
        return list(json.loads(_stanc(program, folder, "--info"))["parameters"])


def _stanc(program: Program, folder: Path, option: str) -> str:
    """Return stanc's output for a program; EngineError if it does not compile."""
    with ExitStack() as opened:
        links = _includes(program, folder, opened)
        code, output = _run([stanc(), f"--include-paths={','.join(links)}", option, program.path])
    if code in (126, 127):
        raise EngineError(f"{stanc()}: cannot be run here: {output}")
    if code != 0:
        raise EngineError(f"{program.path}: does not compile:\n{_shown(output, links, program)}")
    return output


def compile_program(program: Program) -> None:
    """Compile the program to a temporary file beside its executable, then rename it.

    Make cannot read paths with spaces or special signs, so it gets links and copies in a
    temporary folder without any.
    """
    check_tools()
    with temporary_folder.folder(_root()) as folder, ExitStack() as opened:
        links = _includes(program, folder, opened)
        source = folder / re.sub(r"[^\w.-]", "_", Path(program.path).name, flags=re.ASCII)
        shutil.copy(program.path, source)
        include = ",".join(links)
        flags = f"STANCFLAGS+=--include-paths={include} --filename-in-msg={source.name}"
        code, output = _run([_make(), flags, str(source.with_suffix(""))], home())
        if code != 0:
            raise EngineError(_failure(program, _shown(output, links, program)))
        target = Path(program.compiled)
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.{platform.node()}.{os.getpid()}")
        opened.callback(beside.unlink, missing_ok=True)
        shutil.move(source.with_suffix(""), beside)  # it may be on another file system
        beside.replace(target)


def _failure(program: Program, output: str) -> str:
    """The message of a failed compilation."""
    if "Error 127" in output:
        return (
            f"{home()}: cannot compile {program.path}: a command was not found. Install it, "
            f"or set another C++ compiler in {home()}/make/local, as `CXX = clang++`.\n{output}"
        )
    return f"{program.path}: does not compile:\n{output}"


def _root() -> Path:
    try:
        return temporary_folder.root_for_make()
    except OSError as error:
        raise EngineError(str(error)) from None


def _includes(program: Program, folder: Path, opened: ExitStack) -> dict[str, str]:
    """Links to the folders of includes, and their targets; stanc splits paths at commas."""
    if not re.fullmatch(r"[\w./+-]+", str(folder), re.ASCII):
        folder = opened.enter_context(temporary_folder.folder(_root()))
    links = {}
    for number, place in enumerate(program.folders):
        link = folder / f"include_{number}"
        link.symlink_to(Path(place).absolute(), target_is_directory=True)
        links[str(link)] = place
    return links


def _shown(output: str, links: dict[str, str], program: Program) -> str:
    """The output with the user's paths in place of links and copies."""
    for link, place in links.items():
        output = output.replace(link, place)
        copied = Path(link).with_name(Path(program.path).name)
        output = output.replace(str(copied), program.path)
    return output


def _run(command: list[str | Path], folder: Path | None = None) -> tuple[int, str]:
    """Run a command; return its exit code and its output."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise EngineError(f"{command[0]}: cannot be run here: {error.strerror}") from None
    return done.returncode, done.stdout
