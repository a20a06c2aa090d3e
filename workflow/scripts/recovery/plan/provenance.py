"""Hashes of everything that decides numbers: programs, the code of every step, data, versions.

The code of a step is its script, workflow/scripts/STEP.py, and every module of the library that
the script imports, directly or through others (`imported_modules`). A step also finds some modules
by name: the study's engine, its family and, for estimates, the family's estimators. These count
too. There are no exceptions: modules that many steps import (those of `common` and `tables`) count
for each of them, although most edits there change no number. A needless rerun costs time, a
missing one gives a wrong number. So a module that fits import must not import what only plans,
summaries or pages need; `tests/plan/test_provenance.py` checks which steps each module belongs to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from recovery import engines
from recovery.common.hashing import digest
from recovery.common.user_files import located
from recovery.engines.includes import program_hash
from recovery.families.estimators import Estimator
from recovery.families.evidence import density_model
from recovery.families.family import Family
from recovery.plan.imported_modules import LIBRARY, closure, module_file
from recovery.study.keys import Study

SCRIPTS = LIBRARY.parent


@dataclass(frozen=True)
class Sources:
    """Hashes of the files that decide numbers; `sources` computes them."""

    programs: Mapping[str, str]  # model -> its Stan program with its includes
    observed: Mapping[str, str]  # observed dataset -> its file
    simulating: str  # the code that decides simulated datasets
    fitting: str  # the code that decides fits
    engine_version: str
    observing: str = ""  # the code that decides how observed datasets are read, if there are any
    verifying: str = ""  # the code that decides fits of the verifying engine, if there is one
    verifying_version: str = ""
    estimating: Mapping[str, str] = field(default_factory=dict)
    """Estimator -> the code that decides its estimates."""
    estimating_engines: Mapping[str, list[str]] = field(default_factory=dict)
    """Estimator -> the package that computes it, and its version."""
    approximating: str = ""  # the code that decides approximations, if there are any
    densities: str = ""  # what computes log densities, if decisions need Bayes factors


def file_hash(path: Path) -> str:
    """Return the hash of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sources(
    study: Study, family: Family, folder: Path, engine_version: str, verifying_version: str = ""
) -> Sources:
    """Return the hashes of everything that decides a study's numbers.

    Parameters
    ----------
    folder : Path
        The folder of all Stan programs; includes are found from it.
    """
    fitting = partial(code_with_engine, family)
    return Sources(
        programs={
            model: program_hash(family.program(model, folder), folder) for model in study.models
        },
        observed={name: file_hash(located(data.path)) for name, data in study.observed.items()},
        simulating=step_code("simulate", *family.FILES),
        observing=step_code("observe", *family.FILES) if study.observed else "",
        fitting=fitting("fit", study.engine),
        engine_version=engine_version,
        verifying=fitting("fit", study.verify.engine) if study.verify else "",
        verifying_version=verifying_version,
        **(_estimating(study, family) if study.estimators_without_prior else {}),
        approximating=fitting("approximate", study.engine) if study.approximations else "",
        densities=_of_densities(study, family, folder) if study.evidence else "",
    )


def code_with_engine(family: Family | None, step: str, engine: str) -> str:
    """Return the hash of the code of a step that runs an engine, on a family's programs or none."""
    module = module_file(f"recovery.engines.{engine}")
    assert module is not None
    return step_code(step, *(family.FILES if family else ()), module)


def _of_densities(study: Study, family: Family, folder: Path) -> str:
    """The hash of what computes log densities: programs, the engine's module and its version."""
    models = sorted({density_model(family, model) for model in study.models})
    programs = [program_hash(family.program(model, folder), folder) for model in models]
    code = code_with_engine(None, "fit", engines.OF_DENSITIES)
    return digest([programs, code, engines.find_density_engine().version()])


def _estimating(study: Study, family: Family) -> dict[str, Any]:
    """What decides estimates: our modules, the family's, and the packages that they call."""
    used = {name: family.ESTIMATORS[name] for name in study.estimators_without_prior}
    files = {name: (*family.FILES, *family.ESTIMATOR_FILES[name]) for name in used}
    return {
        "estimating": {name: step_code("estimate", *each) for name, each in files.items()},
        "estimating_engines": {n: [each.library, _version(each)] for n, each in used.items()},
    }


def _version(estimator: Estimator) -> str:
    """The version of the package that computes an estimator; with SciPy's if it is Python's."""
    if estimator.version is not None:
        return estimator.version()
    package = estimator.library
    found = version(package)
    return found if package == "scipy" else f"{found} (scipy {version('scipy')})"


@lru_cache
def step_code(step: str, *found: Path) -> str:
    """Return the hash of the code of a step.

    Parameters
    ----------
    step : str
        The name of its script.
    found : Path
        Files that the step finds by name at run time.
    """
    files = closure([SCRIPTS / f"{step}.py", *found])
    ours = {str(f.relative_to(SCRIPTS)): f for f in files if f.is_relative_to(SCRIPTS)}
    others = [file_hash(file) for file in found if not file.is_relative_to(SCRIPTS)]
    return digest([{name: file_hash(file) for name, file in ours.items()}, others])


def page_code(*found: Path) -> str:
    """Return the hash of the report's code, the page's template and all captions."""
    place = SCRIPTS.parent / "report"
    files = sorted(file for file in place.iterdir() if file.suffix in (".html", ".rst", ".txt"))
    return digest([step_code("report", *found), {file.name: file_hash(file) for file in files}])


def bear(paths: Iterable[str | Path], identity: str) -> bool:
    """Whether all these text files (figures, the page) exist and contain this identity."""
    try:
        return all(
            path.is_file() and identity in path.read_text(encoding="utf-8")  # no pipe, say
            for path in map(Path, paths)
        )
    except (OSError, UnicodeDecodeError):
        return False
