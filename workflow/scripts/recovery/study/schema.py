"""The JSON schema of a study file, for editors; `make schema` writes it.

Truths, priors and observed datasets are described for shipped families without options; for
all other families they may be any mapping.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import GenericAlias
from typing import Any

from pydantic import BaseModel, Field, create_model

from recovery import families
from recovery.common.types import Name
from recovery.families.family import Family
from recovery.study.keys import Study
from recovery.study.truths import Observed, ObservedTruth, PriorTruth

PLACE = Path(__file__).parents[3] / "schemas" / "study.schema.json"


def json_schema() -> dict[str, Any]:
    """Return the schema of a study of any family."""
    whole = Study.model_json_schema()
    default = Study.model_fields["family"].default
    cases = []
    for name in families.SHIPPED:
        given = {"properties": {"family": {"const": name}}}
        wanted = given if name == default else given | {"required": ["family"]}
        own = _of_family(name, families.find(name))
        whole["$defs"] |= own.pop("$defs")
        cases.append({"if": wanted, "then": {"properties": own["properties"]}})
    return whole | {"allOf": cases}


def _of_family(name: str, family: Family) -> dict[str, Any]:
    """The schema of the keys that a family defines; names of definitions begin with its name."""
    drawn = _joined("PriorTruth", PriorTruth, "design", family.Design)
    own: dict[str, Any] = {
        "truths": (_named(family.Truth | drawn | ObservedTruth), Field(min_length=1)),
        "priors": (_named(family.Prior), Field(min_length=1)),
    }
    if family.ObservedColumns:
        observed = _joined("Observed", Observed, "columns", family.ObservedColumns)
        own["observed"] = (_named(observed), {})
    place = f"#/$defs/{name}."
    schema = create_model("Own", **own).model_json_schema(ref_template=place + "{model}")
    schema["$defs"] = {f"{name}.{key}": part for key, part in schema["$defs"].items()}
    return schema


def _named(kind: Any) -> GenericAlias:
    """Return the type of a mapping of names to `kind`, which is known only when this runs."""
    return GenericAlias(dict, (Name, kind))


def _joined(
    name: str, outer: type[BaseModel], part: str, inner: type[BaseModel]
) -> type[BaseModel]:
    """Return a model with the keys of `inner`, and those of `outer` except `part`."""
    own: dict[str, Any] = {
        key: (field.annotation, field) for key, field in outer.model_fields.items() if key != part
    }
    return create_model(name, __base__=inner, __doc__=outer.__doc__, **own)


def text() -> str:
    """Return the schema as the text of its file."""
    return json.dumps(json_schema(), indent=2) + "\n"


if __name__ == "__main__":
    PLACE.write_text(text(), encoding="utf-8")
