"""The JSON schema of a study file, for editors; `make schema` writes it."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Annotated

from pydantic import Field, create_model

from recovery import families
from recovery.fields import Name
from recovery.study import Observed, ObservedTruth, PriorTruth, Study

PLACE = Path(__file__).parents[2] / "schemas" / "study.schema.json"


def json_schema(family: ModuleType) -> dict:
    """Return the schema of a study of this family."""
    drawn = _joined("PriorTruth", PriorTruth, "design", family.Design)
    observed = _joined("Observed", Observed, "columns", family.ObservedColumns)
    truth = family.Truth | drawn | ObservedTruth
    whole = create_model(
        "StudyFile",
        __base__=Study,
        __doc__=Study.__doc__,
        truths=(Annotated[dict[Name, truth], Field(min_length=1)], ...),
        priors=(Annotated[dict[Name, family.Prior], Field(min_length=1)], ...),
        observed=(dict[Name, observed], {}),
    )
    return whole.model_json_schema()


def _joined(name: str, outer: type, part: str, inner: type) -> type:
    """Make a model of `inner`'s keys and of all of `outer`'s but `part`, as a file has them."""
    own = {
        key: (field.annotation, field) for key, field in outer.model_fields.items() if key != part
    }
    return create_model(name, __base__=inner, __doc__=outer.__doc__, **own)


def text() -> str:
    """Return the schema of the shipped family as the file has it."""
    return json.dumps(json_schema(families.find("multilevel_linear")), indent=2) + "\n"


if __name__ == "__main__":
    PLACE.write_text(text(), encoding="utf-8")
