"""The packages of R that estimators need, and their versions."""

from __future__ import annotations

import subprocess
from functools import cache
from shutil import which

from recovery.common.errors import listed

RSCRIPT = "Rscript"
OPTIONS = ("--no-save", "--no-restore", "--no-init-file", "--no-site-file")
OF_FUNCTIONS = {"lmer": "lme4", "glmer": "lme4", "glmmTMB": "glmmTMB", "clmm": "ordinal"}
MESSAGES = "jsonlite"
DEGREES_OF_FREEDOM = "lmerTest"
_ALL = (*dict.fromkeys(OF_FUNCTIONS.values()), DEGREES_OF_FREEDOM, MESSAGES)
_ASK = (
    'cat("R", paste(R.version$major, R.version$minor, sep = "."), "\\n"); '
    "for (name in commandArgs(TRUE)) cat(name, "
    'suppressWarnings(packageDescription(name, fields = "Version")), "\\n")'
)
_MISSING = "NA"


def version(function: str) -> str:
    """Return the version of the package that has a function, and those of R and lmerTest.

    Raises
    ------
    ValueError
        If R or a package is not installed; the message says how to get it.
    """
    if which(RSCRIPT) is None:
        raise ValueError(f"needs R, and there is no {RSCRIPT}; {_how(function)}")
    found = _versions()
    package = OF_FUNCTIONS[function]
    if missing := [name for name in (package, MESSAGES) if found[name] == _MISSING]:
        raise ValueError(f"needs {listed(missing)}, which R lacks; {_how(function)}")
    with_r = f"R {found['R']}"
    if function == "lmer":
        lacks = found[DEGREES_OF_FREEDOM] == _MISSING
        with_r += f", {DEGREES_OF_FREEDOM} {'none' if lacks else found[DEGREES_OF_FREEDOM]}"
    return f"{found[package]} ({with_r})"


def _how(function: str) -> str:
    """How to install what a function needs."""
    names = [OF_FUNCTIONS[function], MESSAGES]
    names += [DEGREES_OF_FREEDOM] if function == "lmer" else []
    lower = [name.lower() for name in names]
    return (
        f"install it with `conda install {' '.join(f'r-{name}' for name in lower)}`, on Debian and "
        f"Ubuntu with `apt install {' '.join(f'r-cran-{name}' for name in lower)}`"
    )


@cache
def _versions() -> dict[str, str]:
    """The versions of R and of all packages; NA of those that are not installed."""
    ended = subprocess.run(
        [RSCRIPT, *OPTIONS, "-e", _ASK, *_ALL], capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise ValueError(f"needs R, and {RSCRIPT} fails: {ended.stderr.strip()[:500]}")
    lines = (line.split() for line in ended.stdout.splitlines())
    return {line[0]: line[1] for line in lines if len(line) == 2}
