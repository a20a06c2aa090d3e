"""A family of one's own for tests: the template's, with changes, and what is said of it."""

from pathlib import Path

import pytest
from conftest import ROOT, STAN

from recovery import families
from recovery.common.errors import EngineError, StudyError
from recovery.engines.protocol import Program
from recovery.run import family_trial, preflight
from recovery.study.parse import parse
from recovery.study.yaml_file import read_yaml

TEMPLATES = ROOT / "workflow" / "templates"


def begin(folder: Path, *changes: tuple[str, str, str]) -> dict:
    """Write the template's family and study, with changes; return the study's raw content."""
    texts = {name: (TEMPLATES / name).read_text() for name in ("family.py", "family.stan")}
    for name, old, new in changes:
        assert texts[name].count(old) >= 1, old
        texts[name] = texts[name].replace(old, new, 1)
    (folder / "means.py").write_text(texts["family.py"].replace("NAME", "means"))
    (folder / "means.stan").write_text(texts["family.stan"])
    raw = read_yaml(TEMPLATES / "study.yaml")
    return raw | {"name": "means", "family": str(folder / "means.py")}


def refused(raw: dict) -> str:
    """Return the message that refuses the family of a study."""
    with pytest.raises(StudyError) as error:
        parse(raw, families.find, "study.yaml")
    return str(error.value)


def tried(raw: dict) -> list[str]:
    """Do what the rule `check` does."""
    design = preflight.prepare(raw, "study.yaml", STAN, thoroughly=False)
    family = families.find(design.study.family)
    programs = {
        model: Program(str(family.program(model, STAN)), str(STAN)) for model in family.MODELS
    }
    return family_trial.run(design, programs)


def tried_in_vain(raw: dict) -> str:
    """Return what the trial says of a family that fails it."""
    with pytest.raises((StudyError, EngineError)) as error:
        tried(raw)
    return str(error.value)
