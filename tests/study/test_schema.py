"""The JSON schema that editors use is the one that the study's types give."""

import json

import pytest
from conftest import ROOT, SMALL, changed

from recovery.study import schema
from recovery.study.yaml_file import read_yaml

jsonschema = pytest.importorskip("jsonschema")


@pytest.fixture(scope="module")
def wanted():
    return json.loads(schema.text())


def test_the_file_is_what_the_types_give():
    assert schema.PLACE.read_text(encoding="utf-8") == schema.text(), "run `make schema`"


@pytest.mark.parametrize("file", sorted((ROOT / "config").rglob("*.yaml")), ids=lambda f: f.stem)
def test_shipped_studies_fit_it(wanted, file):
    jsonschema.validate(read_yaml(file), wanted)


@pytest.mark.parametrize(
    "place",
    [("replicats", 3), ("replicates", 0), ("truths", "moderate", "rho", 1), ("name", "a/b")],
    ids=str,
)
def test_it_refuses_what_the_study_refuses(wanted, place):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(changed(SMALL, place), wanted)
