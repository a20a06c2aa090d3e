"""One run of a CmdStan executable: its exit code, its console output, its CSV file."""

from __future__ import annotations

import errno
import os
import re
import shlex
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recovery.common.errors import EngineError, MachineError
from recovery.common.worker import before_program, cause
from recovery.engines.protocol import error_of_fit

CONSOLE = "console.txt"
_MOST_READ = 1_000_000  # bytes of the console output
_MOST_LINES = 20  # of the console output in an error
_WRONG_USE = 64  # the exit code for unknown arguments
_NOT_RUNNABLE = (errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOEXEC, errno.ENOTDIR)
_OF_THE_MACHINE: dict[int, str] = {
    signal.SIGILL: "it was compiled for another kind of processor",
    signal.SIGXFSZ: "a file may not become so large here; raise the limit",
}
_PROGRESS = re.compile(
    r"(Path \[\d+\] ?:|Chain \[\d+\])?\s*("
    r"Iteration:|iteration:|Iter +log prob|[\d.]+ +-?[\d.e+]+ |Best Iter:|Gradient evaluation took"
    r"|1000 transitions using|Adjust your expectations|Elapsed Time:|[\d.e+-]+ seconds \("
    r"|Initial log joint|Calculating Hessian|Calculating inverse of Cholesky|Generating draws"
    r"|$)"
)


@dataclass(frozen=True)
class Output:
    """The output of a run.

    Parameters
    ----------
    names : list of str, length n_columns
        Stan's names with brackets.
    values : ndarray, shape (n_draws, n_columns)
    comments : str
        The comments of its CSV file, which include elapsed times.
    """

    names: list[str]
    values: np.ndarray
    comments: str


def run(executable: str, folder: Path, draws: int, *arguments: str) -> Output:
    """Run an executable in a folder NAME, and read the file NAME/NAME.csv that it writes.

    Parameters
    ----------
    draws : int
        The number of draws that it must write.
    arguments : str
        CmdStan's arguments, without those of its output.

    Raises
    ------
    RuntimeError
        With Stan's message, if the run failed or wrote too few draws.
    MachineError
        If the machine failed, so that every other run would fail too.
    """
    folder.mkdir(exist_ok=True)
    command = [str(Path(executable).absolute()), *arguments]
    output = folder / f"{folder.name}.csv"
    command += ["output", f"file={output.name}", "sig_figs=16"]
    code = _start(command, folder)
    console = _end_of(folder / CONSOLE)
    if code != 0:
        _must_be_writable(folder, console)
        _refuse(command[0], code, console)
    try:
        return read_csv(output, draws)
    except ValueError as error:
        _must_be_writable(folder, console)
        raise RuntimeError(f"{error}\n{reason(console)}".strip()) from None


def _start(command: list[str], folder: Path) -> int:
    """Run a command with its output in a file; return its exit code."""
    with (folder / CONSOLE).open("wb") as console:
        try:
            return subprocess.run(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                check=False,
                preexec_fn=before_program(),
            ).returncode
        except OSError as error:
            if error.errno in _NOT_RUNNABLE:
                raise MachineError(_cannot_run(command[0], str(error.strerror))) from None
            raise MachineError(
                f"{command[0]}: no process can be started: {error.strerror}. The machine failed, "
                "not a fit; run the same command again."
            ) from None


def _cannot_run(executable: str, why: str) -> str:
    return (
        f"{executable}: cannot be run here: {why}\n"
        "This is not the fault of a fit, so none is counted as failed. Correct it, or remove the "
        f"executable, so that it is compiled again:\nrm {shlex.quote(executable)}\n"
        "Then run the same command again."
    )


def _refuse(executable: str, code: int, console: str) -> None:
    """Raise the error that an exit code means: of the machine, of the executable or of the fit."""
    loader = [line for line in console.splitlines() if line.startswith(f"{executable}: ")]
    if loader or code in (126, 127):
        raise MachineError(_cannot_run(executable, "\n".join(loader) or reason(console)))
    if -code in _OF_THE_MACHINE:
        raise MachineError(_cannot_run(executable, _OF_THE_MACHINE[-code]))
    if code == _WRONG_USE or "Failed to parse command arguments" in console:
        raise EngineError(
            f"{executable}: CmdStan is too old, or this is not its executable: {reason(console)}"
        )
    if code < 0:
        raise RuntimeError(f"CmdStan was ended by {cause(code)}")
    if code != 0:
        raise error_of_fit(f"{reason(console)}\nCmdStan ended with exit code {code}".strip())


def reason(console: str) -> str:
    """Return the last lines of Stan's output, each once, without settings and progress."""
    output = re.split(r"^num_threads = .*$", console, maxsplit=1, flags=re.MULTILINE)[-1]
    lines = (line.strip() for line in output.splitlines() if not _PROGRESS.match(line))
    return "\n".join(list(dict.fromkeys(lines))[-_MOST_LINES:])


def _end_of(file: Path) -> str:
    with file.open("rb") as console:
        console.seek(max(0, file.stat().st_size - _MOST_READ))
        return console.read().decode(errors="replace")


def _must_be_writable(folder: Path, console: str) -> None:
    """Raise OSError if the folder cannot be written to, of which CmdStan may say nothing."""
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG):
        if f"iostream error: {os.strerror(number)}" in console:
            raise OSError(number, os.strerror(number), str(folder))
    (folder / "probe").write_bytes(bytes(2**16))


def read_csv(file: Path, draws: int) -> Output:
    """Read a CSV file of CmdStan; ValueError unless it has this number of complete draws."""
    text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
    lines: list[str] = []
    comments: list[str] = []
    for line in text.splitlines():
        (comments if line.startswith("#") or not line else lines).append(line)
    complete = lines if text.endswith("\n") else lines[:-1]
    if len(complete) != draws + 1:
        raise ValueError(f"CmdStan wrote {max(0, len(complete) - 1)} of {draws} draws")
    names = [_in_brackets(name.strip()) for name in lines[0].split(",")]
    for number, line in enumerate(lines[1:], 1):
        if (n := line.count(",") + 1) != len(names):
            raise ValueError(f"CmdStan wrote {n} of {len(names)} columns of draw {number}")
    try:
        values = np.loadtxt(lines[1:], delimiter=",", ndmin=2)
    except ValueError as error:
        raise ValueError(f"CmdStan wrote draws that are no numbers: {error}") from None
    return Output(names, values, "\n".join(comments))


def _in_brackets(name: str) -> str:
    """A name as Stan writes it: `beta.1.2` is `beta[1,2]`; in a tuple, `a.1:2` is `a[1].2`."""
    parts = (part.split(".") for part in name.split(":"))
    return ".".join(f"{first}[{','.join(rest)}]" if rest else first for first, *rest in parts)


def as_variables(names: list[str], draw: np.ndarray) -> dict[str, Any]:
    """Return a draw as a dict: name of a Stan variable -> number, or nested list of numbers."""
    elements: dict[str, dict] = {}
    for name, value in zip(names, draw.tolist(), strict=True):
        variable, _, place = name.removesuffix("]").partition("[")
        index = tuple(int(number) - 1 for number in place.split(",")) if place else ()
        elements.setdefault(variable, {})[index] = value
    arrays = {}
    for variable, values in elements.items():
        array = np.empty(np.max(list(values), axis=0) + 1 if () not in values else ())
        for index, value in values.items():
            array[index] = value
        arrays[variable] = array.tolist()
    return {name: value for name, value in arrays.items() if not name.endswith("__")}


def version(executable: str, folder: Path) -> str | None:
    """Return the version of CmdStan that made an executable; None if it does not say.

    Raises
    ------
    MachineError
        If the executable cannot be run here.
    """
    folder.mkdir(exist_ok=True)
    command = [str(Path(executable).absolute()), "info"]
    code, console = _start(command, folder), _end_of(folder / CONSOLE)
    _refuse(command[0], code if code in (126, 127) or -code in _OF_THE_MACHINE else 0, console)
    parts = re.findall(r"^stan_version_(?:major|minor|patch) = (\d+)", console, re.MULTILINE)
    return ".".join(parts) or None
