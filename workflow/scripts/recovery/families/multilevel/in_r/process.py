"""A process of R that answers one request after another."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from recovery.common.worker import before_program, cause
from recovery.families.multilevel.in_r.packages import OPTIONS, RSCRIPT

ANSWER = "answer: "  # begins a line with an answer; packages may print other lines
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "LANGUAGE": "en",
}
_LONGEST = 500  # characters of what R said before it ended


class _Running:
    """R with a script, its standard error in a file."""

    def __init__(self, script: Path):
        self.said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            [RSCRIPT, *OPTIONS, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.said,
            encoding="utf-8",
            env={**os.environ, **_ENVIRONMENT},
            preexec_fn=before_program(),
        )

    def ask(self, line: str) -> str:
        """Return the answer to a request; EOFError if R ended without one."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise EOFError from None
        for answer in self.process.stdout:
            if answer.startswith(ANSWER):
                return answer.removeprefix(ANSWER)
        raise EOFError

    def end(self) -> str:
        """End R; return why it ended, and the last of what it said."""
        try:
            code: int | None = self.process.wait(5)
        except subprocess.TimeoutExpired:
            code = None
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        self.said.seek(0)
        said = self.said.read().decode("utf-8", "replace").strip()[-_LONGEST:]
        self.said.close()
        return f"{cause(code)}: {said}" if said else cause(code)


_running: dict[tuple[int, Path], _Running] = {}
"""Process that asks and script -> its R: after a fork, the child has an R of its own."""


def ask(script: Path, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return R's answer to a request.

    The first request starts R with the script; it ends with this process.

    Raises
    ------
    RuntimeError
        With R's message if R raises an error; or if R ended: the next request starts it again.
    """
    key = (os.getpid(), script)
    if key not in _running:
        _running[key] = _Running(script)
    try:
        answer = json.loads(_running[key].ask(json.dumps(request)))
    except EOFError:
        why = _running.pop(key).end()
        raise RuntimeError(f"R ended: {why}") from None
    if "error" in answer:
        raise RuntimeError(f"R: {answer['error']}")
    return answer


@atexit.register
def _end_all() -> None:
    """End this process's R. If the process is killed instead, R ends with its input."""
    for (asking, _), running in _running.items():
        if asking == os.getpid():
            running.process.kill()
