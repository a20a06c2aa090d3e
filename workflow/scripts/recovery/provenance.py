"""Where numbers come from: hashes of programs, library modules and data, and versions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from recovery.estimators import approximating, without_prior
from recovery.families.base import Family
from recovery.faults import StudyError
from recovery.hashing import digest
from recovery.sources import Sources
from recovery.study import Study

LIBRARY = Path(__file__).parent
_SIMULATING = (
    "design.py",
    "hashing.py",
    "scenarios.py",
    "datasets.py",
    "tables/files.py",
    "tables/batches.py",
    "fields.py",
    "families/base.py",
    "families/correlations.py",
    "families/lkj.py",
    "families/observed.py",
)
_FITTING = ("fitting.py", "posterior.py", "child.py", "draws.py", "engines/base.py")
_APPROXIMATING = ("approximating.py", *_FITTING)
_INCLUDE = re.compile(r"^\s*#include\s+[\"<]?([^\s\">]+)", re.MULTILINE)


def program_hash(path: Path, include: Path) -> str:
    """Return the hash of a program with all that it includes."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise StudyError(f"{path}: cannot be read: {error.strerror}") from None
    included = [program_hash(include / name, include) for name in _INCLUDE.findall(text)]
    return digest([text, included])


def file_hash(path: Path) -> str:
    """Return the hash of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sources(
    study: Study, family: Family, folder: Path, engine_version: str, verifying_version: str = ""
) -> Sources:
    """Gather the hashes of everything that decides a study's numbers.

    Parameters
    ----------
    folder : Path
        The folder of all Stan programs; includes are found from it.
    """
    engine = _of_engine(study.engine)
    verifying = _of_engine(study.verify.engine) if study.verify else None
    fitting = (*_FITTING, *(["loo.py"] if study.selection else []))
    return Sources(
        programs={
            model: program_hash(family.program(model, folder), folder) for model in study.models
        },
        observed={name: file_hash(Path(data.path)) for name, data in study.observed.items()},
        simulating=digest([modules_hash(*_SIMULATING), *map(file_hash, family.FILES)]),
        fitting=modules_hash(*fitting, *engine),
        engine_version=engine_version,
        verifying=modules_hash(*fitting, *verifying) if verifying else "",
        verifying_version=verifying_version,
        **(_estimating(study, family) if without_prior(study) else {}),
        approximating=modules_hash(*_APPROXIMATING, *engine) if approximating(study) else "",
    )


def _of_engine(name: str) -> list[str]:
    """The modules of an engine that decide what its fits give."""
    return [f"engines/{name}.py", *(["engines/cmdstan_runs.py"] if name == "cmdstan" else [])]


def _estimating(study: Study, family: Family) -> dict[str, Any]:
    """What decides estimators: our modules, the family's, and the packages that they call."""
    packages = {name: family.ESTIMATORS[name].library for name in without_prior(study)}
    ours = modules_hash("estimating.py", *_FITTING)
    return {
        "estimating": digest([ours, *map(file_hash, family.ESTIMATING)]),
        "estimating_engines": {name: [each, _version(each)] for name, each in packages.items()},
    }


def _version(package: str) -> str:
    """The version of a package that computes estimates, and SciPy's, which all rest on."""
    found = version(package)
    return found if package == "scipy" else f"{found} (scipy {version('scipy')})"


def modules_hash(*names: str) -> str:
    """Return the hash of some of the library's modules, by their content."""
    return digest({name: file_hash(LIBRARY / name) for name in names})


def package(name: str) -> list[str]:
    """Return the modules of one of the library's packages, for `modules_hash`."""
    return sorted(str(path.relative_to(LIBRARY)) for path in (LIBRARY / name).glob("*.py"))


def pages() -> list[str]:
    """Return the page's template and all captions, for `modules_hash`."""
    return sorted(
        f"../../report/{path.name}"
        for path in (LIBRARY / "../../report").iterdir()
        if path.suffix in (".html", ".rst", ".txt")
    )


def bear(paths: Iterable[str | Path], identity: str) -> bool:
    """Whether all these text files (figures, the page) stand and bear this identity."""
    try:
        return all(identity in Path(path).read_text(encoding="utf-8") for path in paths)
    except OSError:
        return False


# The modules that decide what each step beside simulations and fits makes.
SUMMARY = (
    "calibration.py",
    "efficiency.py",
    "identities.py",
    "planning.py",
    "precision.py",
    "ranks.py",
    "selection.py",
    "summaries.py",
    "tables/summaries.py",
    "verification.py",
    *package("measures"),
)
TRIAL = ("trial.py", "families/own.py", "families/demands.py")
DRAWING = ("gallery.py", *package("figures"))
OUTCOME = ("failures.py",)
REPORT = ("manifest.py", *OUTCOME, *package("report"), *pages())
