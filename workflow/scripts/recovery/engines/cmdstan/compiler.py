"""The installed CmdStan: its version, and the programs that it compiles."""

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
  conda env create -f environment.yml                      (brings CmdStan along)
  .venv/bin/python -m cmdstanpy.install_cmdstan            (needs make and a C++ compiler)
or name its folder in the environment variable CMDSTAN, or set `engine: stanli`."""

cmdstanpy.disable_logging()


def home() -> Path:
    """Return the folder of the installed CmdStan; EngineError if there is none."""
    if named := os.environ.get("CMDSTAN"):
        if not Path(named).is_dir():
            raise EngineError(f"CMDSTAN: got {named!r}, must be the folder of a CmdStan")
        if not Path(named, "makefile").is_file():
            raise EngineError(
                f"CMDSTAN: got {named!r}, which has no `makefile`, must be the folder of a CmdStan"
            )
    try:
        return Path(cmdstanpy.cmdstan_path()).absolute()
    except ValueError:
        raise EngineError(MISSING) from None


def version() -> str:
    """Return the version of the installed CmdStan; EngineError if there is none."""
    found = re.search(
        r"^CMDSTAN_VERSION\s*:?=\s*(\S+)", _text(home() / "makefile"), flags=re.MULTILINE
    )
    return found[1] if found else "unknown"


def _text(file: Path) -> str:
    """The text of a file of CmdStan's; nothing where there is none."""
    try:
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
    except OSError as error:
        raise EngineError(f"{file}: cannot be read: {error.strerror}") from None


def build() -> list[str]:
    """Return what decides an executable beside its program.

    Executables are linked to libraries in CmdStan's own folder, so its place is part of it,
    though no number depends on it.
    """
    flags = [_text(home() / "make" / "local"), _text(Path.home() / ".config/stan/make.local")]
    return [version(), str(home().resolve()), *flags, platform.machine()]


def stanc() -> Path:
    """Return Stan's compiler; EngineError if this CmdStan has none that may be run."""
    found = home() / "bin" / "stanc"
    if not found.is_file():
        raise EngineError(
            f"{found}: missing: this CmdStan was not built, or not to the end. Build it with\n"
            f"make -C {shlex.quote(str(home()))} build"
        )
    if not os.access(found, os.X_OK):
        raise EngineError(
            f"{found}: may not be run; allow it with\nchmod +x {shlex.quote(str(found))}"
        )
    return found


def check_tools() -> None:
    """Raise EngineError where programs cannot be compiled: no stanc, no make, no compiler."""
    stanc()
    make = _make()
    if shutil.which(make) is None:
        raise EngineError(f"{make}: not found: CmdStan in {home()} compiles with it. Install it.")
    compiler = _compiler()
    if "$" not in compiler and shutil.which(compiler) is None:  # what Make makes of it, Make knows
        raise EngineError(
            f"{compiler}: not found: CmdStan in {home()} compiles with this C++ compiler. "
            f"Install it, or name another in {home()}/make/local, as `CXX = clang++`."
        )


def _make() -> str:
    return os.environ.get("MAKE") or "make"


def _compiler() -> str:
    """The C++ compiler, by the rules of CmdStan's makefile."""
    for file in (home() / "make" / "local", Path.home() / ".config/stan/make.local"):
        if named := re.findall(r"^\s*CXX\s*[:?]?=\s*(\S+)", _text(file), re.MULTILINE):
            return named[-1]
    return os.environ.get("CXX", "").partition(" ")[0] or (
        "clang++" if platform.system() == "Darwin" else "g++"
    )


def check(program: Program, data: dict) -> None:
    """Raise EngineError with stanc's message if the program does not compile.

    StudyError if the data are not what it declares.
    """
    with temporary_folder.folder() as folder:
        _stanc(program, folder, f"--o={folder}/out.hpp")
    stan_data.held(data, declarations.of_program(program))


def parameters(program: Program, data: dict) -> list[str]:
    """Return the names of a program's parameters."""
    with temporary_folder.folder() as folder:
        return list(json.loads(_stanc(program, folder, "--info"))["parameters"])


def _stanc(program: Program, folder: Path, option: str) -> str:
    """Return what stanc says of a program; EngineError if it does not compile."""
    with ExitStack() as opened:
        links = _includes(program, folder, opened)
        code, said = _run([stanc(), f"--include-paths={','.join(links)}", option, program.path])
    if code in (126, 127):
        raise EngineError(f"{stanc()}: cannot be run here: {said}")
    if code != 0:
        raise EngineError(f"{program.path}: does not compile:\n{_shown(said, links, program)}")
    return said


def compile_program(program: Program) -> None:
    """Compile the program to its executable, beside its place first, then renamed into it.

    Make reads no path with a space or a sign of its own, so all that it sees lies in a folder
    without any, wherever program, includes and executable are.
    """
    check_tools()
    with temporary_folder.folder(_root()) as folder, ExitStack() as opened:
        links = _includes(program, folder, opened)
        source = folder / re.sub(r"[^\w.-]", "_", Path(program.path).name, flags=re.ASCII)
        shutil.copy(program.path, source)
        include = ",".join(links)
        flags = f"STANCFLAGS+=--include-paths={include} --filename-in-msg={source.name}"
        code, said = _run([_make(), flags, str(source.with_suffix(""))], home())
        if code != 0:
            raise EngineError(_why_not(program, _shown(said, links, program)))
        target = Path(program.compiled)
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.{platform.node()}.{os.getpid()}")
        opened.callback(beside.unlink, missing_ok=True)
        shutil.move(source.with_suffix(""), beside)  # perhaps from another file system
        beside.replace(target)


def _why_not(program: Program, said: str) -> str:
    """What a failed compilation is to be told as."""
    if "Error 127" in said:
        return (
            f"{home()}: cannot compile {program.path}, since a command is not found. Install it, "
            f"or name another C++ compiler in {home()}/make/local, as `CXX = clang++`.\n{said}"
        )
    return f"{program.path}: does not compile:\n{said}"


def _root() -> Path:
    try:
        return temporary_folder.root_for_make()
    except OSError as error:
        raise EngineError(str(error)) from None


def _includes(program: Program, folder: Path, opened: ExitStack) -> dict[str, str]:
    """Links to the folders of includes, and what they lead to; a comma would part a path in two."""
    if not re.fullmatch(r"[\w./+-]+", str(folder), re.ASCII):
        folder = opened.enter_context(temporary_folder.folder(_root()))
    links = {}
    for number, place in enumerate(program.folders):
        link = folder / f"include_{number}"
        link.symlink_to(Path(place).absolute(), target_is_directory=True)
        links[str(link)] = place
    return links


def _shown(said: str, links: dict[str, str], program: Program) -> str:
    """What was said, with the user's own paths."""
    for link, place in links.items():
        said = said.replace(link, place)
        copied = Path(link).with_name(Path(program.path).name)
        said = said.replace(str(copied), program.path)
    return said


def _run(command: list, folder: Path | None = None) -> tuple[int, str]:
    """Run a command of CmdStan's; return its exit code, and what it said."""
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
