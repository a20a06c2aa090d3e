"""A stand-in for CmdStan's folder: GNU Make, its real stanc and one real executable.

CmdStan's sources cannot be had in tests. Its makefile is replaced by one that translates a
program with the real stanc and then copies an executable that CmdStan 2.37 made of the program
of the package prophet. So it shows which commands run on which paths, and what is said when they
fail; not that C++ compiles.
"""

import shutil
from pathlib import Path

MAKEFILE = """\
CMDSTAN_VERSION := 2.37.0
CXX ?= g++
-include make/local
%.hpp : %.stan
\tbin/stanc $(STANCFLAGS) --o=$@ $<
% : %.hpp
\t$(CXX) --version > /dev/null
\tcp bin/prophet $@
\techo $@ >> compiled
"""


def stand_in(home: Path, files: Path) -> Path:
    """Make one in a folder, of the files of prophet's wheel."""
    (home / "bin").mkdir(parents=True)
    (home / "makefile").write_text(MAKEFILE)
    shutil.copy(files / "cmdstan-2.37.0/bin/stanc", home / "bin/stanc")
    shutil.copy(files / "prophet_model.bin", home / "bin/prophet")
    return home


def libraries(files: Path) -> str:
    """Return where the executable's libraries lie, for LD_LIBRARY_PATH."""
    return str(files.parents[1] / "prophet.libs")


def compilations(home: Path) -> int:
    """Return how many programs were compiled."""
    log = home / "compiled"
    return len(log.read_text().splitlines()) if log.exists() else 0
