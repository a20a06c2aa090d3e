"""The key `null` of a decision, which YAML reads as nothing."""

import pytest
from conftest import SMALL

from recovery import families
from recovery.common.errors import StudyError
from recovery.study.parse import parse, restore
from recovery.study.yaml_file import read_yaml

DECISIONS = "decisions:\n  evidence: {of: x, null: 0.5, bf: 10}\n"


def read(folder, text):
    file = folder / "study.yaml"
    file.write_text(text)
    return read_yaml(file)


def test_it_is_the_value_of_the_null_hypothesis(tmp_path):
    raw = read(tmp_path, DECISIONS)
    study = parse({**SMALL, **raw}, families.find)
    assert study.evidence == (("b_x", 0.5),)
    assert restore(study.model_dump(mode="json")).evidence == study.evidence


def test_it_is_refused_elsewhere(tmp_path):
    with pytest.raises(StudyError, match="got the key null"):
        read(tmp_path, "truths:\n  null: {x: 1}\n")
