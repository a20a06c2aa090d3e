"""Studies with keys of older versions, and what their refusals say."""

from pathlib import Path

import pytest
import yaml

from recovery import families
from recovery.common.errors import StudyError
from recovery.study.parse import parse

SHIPPED = Path(__file__).parents[2] / "config"


def but(mapping: dict, *without: str, **keys) -> dict:
    return {key: value for key, value in mapping.items() if key not in without} | keys


def refusal(raw: dict) -> str:
    with pytest.raises(StudyError) as refused:
        parse(raw, families.find, "study.yaml")
    return str(refused.value)


def written(message: str) -> dict:
    """The lines of a message, as YAML."""
    first, *lines = message.splitlines()
    assert first.endswith(": has keys of an older version, write:")
    keys = yaml.safe_load("\n".join(lines))
    assert first == f"study.yaml: {', '.join(keys)}: has keys of an older version, write:"
    return keys
