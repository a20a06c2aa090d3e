"""The JSON schema of a study file, for editors; `make schema` writes it.

Truths, priors and observed datasets are described for shipped families; for own families they may
be any mapping. The schema cannot read a formula: names of coefficients and of grouping factors are
open, and the study itself refuses wrong ones.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, WithJsonSchema, create_model

from recovery import families
from recovery.common.types import Correlation, Frozen, Name, NonNegative, Real, Text
from recovery.families.designs import Covariate, Factor
from recovery.families.designs.variables import DISTRIBUTIONS
from recovery.families.family import Family
from recovery.families.multilevel import Multilevel
from recovery.families.priors.named_priors import (
    CORRELATIONS,
    ONE_PARAMETER,
    WHOLE_LINE,
    NamedPriors,
    pattern,
)
from recovery.families.shipped import mediation, meta_analysis, multilevel_ordinal
from recovery.families.shipped.meta_analysis import study_types
from recovery.study.keys import Study
from recovery.study.truths import Observed, ObservedTruth, PriorTruth

PLACE = Path(__file__).parents[3] / "schemas" / "study.schema.json"
OWN_FAMILY = {"type": "string", "pattern": r"\.py$"}
NO_FORMULA = {
    "formula": {"const": None},
    "design": {"const": None},
    "sizes": {"maxProperties": 0},
}
FORMULAS = (
    "y ~ x + (x | participant)",
    "rt ~ condition * group + (condition | participant) + (1 | item)",
    "correct | trials(10) ~ condition + (1 | participant)",
)
CHANCE = {"type": "number", "minimum": 0, "exclusiveMaximum": 1}
MOST_FACTORS = 4  # whose cells are described
DISTRIBUTIONS_OF = {  # definition -> what a prior may be
    "PriorOfParameter": ONE_PARAMETER,
    "PriorOnWholeLine": WHOLE_LINE,
    "PriorOfCorrelations": CORRELATIONS,
}
_REGRESSION = {  # key of a prior: the parameters that it is for
    "Intercept": "the population's intercept, at the means of the predictors",
    "b": "the population's other coefficients; `b_x` is for that of x alone",
    "sd": "standard deviations of groups' coefficients; `sd_participant` is for those of "
    "participants, `sd_participant__x` for that of their x alone",
    "cor": "correlations of groups' coefficients; `cor_participant` is for participants'",
}
_META_ANALYSIS = {
    "mu": "the mean of studies' effects where moderators are 0",
    "b": "moderators' coefficients; `b_latitude` is for that of latitude alone",
    "tau": "the standard deviation of studies' effects",
}
_MEDIATION = {
    "path": "the population's paths a, b and cp; `a`, `b` and `cp` are for one of them",
    "intercept": "the population's intercepts d_m and d_y, which are for one of them",
    "sd": "standard deviations of participants' coefficients; `sd_a` is for that of a alone",
    "cor": "correlations of participants' coefficients",
    "sigma": "residual standard deviations; `sigma_m` and `sigma_y` are for one of them",
}


def json_schema() -> dict[str, Any]:
    """Return the schema of a study of any family."""
    whole = Study.model_json_schema()
    keys, definitions = whole["properties"], whole["$defs"]
    default = keys["family"]["default"]
    keys["family"] |= {"anyOf": _choices()}
    del keys["family"]["type"]
    keys["formula"] |= {"examples": list(FORMULAS), "pattern": "~"}
    keys["design"] |= _design(definitions)
    definitions |= {
        name: {"type": "string", "pattern": f"^(?:{pattern(allowed)})$"}
        for name, allowed in DISTRIBUTIONS_OF.items()
    }
    cases = []
    for name in families.SHIPPED:
        required = [] if name == default else ["family"]
        own = _of_family(name, _example(name))
        definitions |= own.pop("$defs")
        cases.append({"if": _is_family({"const": name}, required), "then": own})
    cases.append({"if": _is_family(OWN_FAMILY, ["family"]), "then": {"properties": NO_FORMULA}})
    return whole | {"allOf": cases}


def _choices() -> list[dict[str, Any]]:
    """What the key `family` may be."""
    names = {"enum": list(families.SHIPPED)}
    options = multilevel_ordinal.Options.model_json_schema()["properties"]
    ordinal = {"name": {"const": "multilevel_ordinal"}, "categories": options["categories"]}
    mappings = [
        {"type": "object", "properties": keys, "required": ["name"], "additionalProperties": False}
        for keys in (ordinal, {"name": {"anyOf": [names, OWN_FAMILY]}})
    ]
    return [names, OWN_FAMILY, *mappings]


def _is_family(name: dict[str, Any], required: list[str]) -> dict[str, Any]:
    """The condition that a study has a family of this name."""
    mapping = {"type": "object", "properties": {"name": name}, "required": ["name"]}
    return {"properties": {"family": {"anyOf": [name, mapping]}}, "required": required}


def _example(name: str) -> Family:
    """The family with a formula that it can have."""
    formulas = {
        "multilevel_binomial": "y | trials(1) ~ x + (x | participant)",
        "meta_analysis": "effect ~ x",
    }
    if name not in formulas:
        return families.find(name)
    design = {"x": {"normal": [0, 1]}}
    return families.find({"name": name, "formula": formulas[name], "design": design})


def _design(definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of the key `design`: variables, and `missing`."""
    for kind in (Factor, Covariate):
        definitions[kind.__name__] = kind.model_json_schema()
    definitions["Covariate"]["oneOf"] = [
        {"required": [key], "properties": {key: {"not": {"const": None}}}} for key in DISTRIBUTIONS
    ]
    variable = {
        "if": {"required": ["levels"]},
        "then": {"$ref": "#/$defs/Factor"},
        "else": {"$ref": "#/$defs/Covariate"},
    }
    missing = {
        "description": "Chance that a row is missing: one for all rows, or by level of a factor "
        "(`{condition: {easy: 0.1, hard: 0.3}}`) or by cell of two (`{condition:group: ...}`).",
        "anyOf": [
            CHANCE,
            {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 1,
                "additionalProperties": {
                    "type": "object",
                    "additionalProperties": _cells(CHANCE, 2),
                },
            },
            {"type": "null"},
        ],
    }
    mapping = {
        "type": "object",
        "properties": {
            "missing": missing,
            "rows": {"type": "string", "description": "A CSV file that has rows and predictors."},
        },
        "additionalProperties": variable,
    }
    return {"anyOf": [mapping, {"type": "string"}, {"type": "null"}]}


def _cells(value: dict[str, Any], factors: int) -> dict[str, Any]:
    """A value of a cell, or a mapping of another factor's levels to such."""
    if factors == 1:
        return value
    return {
        "anyOf": [value, {"type": "object", "additionalProperties": _cells(value, factors - 1)}]
    }


def _of_family(name: str, family: Family) -> dict[str, Any]:
    """The schema of the keys that a family defines; names of definitions begin with its name."""
    regression = isinstance(family, Multilevel)
    has_formula = regression or isinstance(family, meta_analysis.MetaAnalysis)
    truth, columns = _parts(family)
    drawn = _joined("PriorTruth", PriorTruth, "design", family.Design)
    own: dict[str, Any] = {
        "truths": (_named(truth | drawn | ObservedTruth), Field(min_length=1)),
        "priors": (_named(dict[str, str]), Field(min_length=1)),
    }
    if family.ObservedColumns:
        own["observed"] = (_named(_with_columns(columns, required=not regression)), {})
    place = f"#/$defs/{name}."
    schema = create_model("Own", **own).model_json_schema(ref_template=place + "{model}")
    priors = schema["properties"]["priors"]
    priors["patternProperties"] = dict.fromkeys(priors["patternProperties"], _prior(family))
    return {
        "properties": schema["properties"] | ({} if has_formula else NO_FORMULA),
        "$defs": {f"{name}.{key}": part for key, part in schema["$defs"].items()},
    }


def _parts(family: Family) -> tuple[Any, Any]:
    """The types of a truth and of columns of a family with any formula."""
    if isinstance(family, meta_analysis.MetaAnalysis):
        return ModeratedTruth, ModeratedColumns
    if not isinstance(family, Multilevel):
        return family.Truth, family.ObservedColumns
    kinds = family.outcome.TRUTH.items()
    fields: dict[str, Any] = {key: (_of_any_length(kind), ...) for key, kind in kinds}
    truth = create_model("Truth", __base__=AnyTruth, __doc__=AnyTruth.__doc__, **fields)
    return truth, dict[Text, Text]


class AnyTruth(Frozen):
    """Parameter values from which data are generated."""

    b: dict[Text, Real] | None = None
    """The population's coefficients: `Intercept`, and the others by their names in the formula."""
    means: Annotated[
        dict[str, Any] | None,
        WithJsonSchema(
            {
                "anyOf": [
                    {
                        "type": "object",
                        "additionalProperties": _cells({"type": "number"}, MOST_FACTORS),
                    },
                    {"type": "null"},
                ]
            }
        ),
    ] = None
    """Means of the cells of factors, by level, instead of coefficients in `b`."""
    sd: dict[Text, dict[Text, NonNegative]] = {}
    """Standard deviations of groups' coefficients: by grouping factor, then by coefficient."""
    cor: dict[Text, Correlation | list[list[Real]]] = {}
    """By grouping factor: the correlation of all pairs of coefficients, or a matrix."""


class ModeratedTruth(study_types.Truth):
    """Parameter values from which data are generated."""

    b: dict[Text, Real] = {}
    """The coefficients of moderators, by their names in the formula."""


class ModeratedColumns(study_types.ObservedColumns):
    """The column names of a CSV file with the family's data, and those of moderators."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Text]


def _of_any_length(kind: Any) -> Any:
    """A type without its length, which options decide."""
    return tuple[Real, ...] if "prefixItems" in TypeAdapter(kind).json_schema() else kind


def _prior(family: Family) -> dict[str, Any]:
    """The schema of a prior: its classes, and the narrower keys that a family has."""
    assert issubclass(family.Prior, NamedPriors)
    allowed, classes = family.Prior.ALLOWED, _classes(family)
    definitions = {names: name for name, names in DISTRIBUTIONS_OF.items()}
    values = {
        key: {
            "$ref": f"#/$defs/{definitions[tuple(allowed[key].allowed)]}",
            "description": f"Prior of {what}: {allowed[key].example}, for example.",
            "examples": [allowed[key].example],
        }
        for key, what in classes.items()
    }
    narrower = {key: values[key] for key in ("b", "sd", "cor") if key in values}
    named: dict[str, Any] = {}
    if isinstance(family, mediation.Mediation):
        named = {keys[0]: values[keys[-1]] for keys in family.Prior.KEYS.values()}
        narrower = {}
    return {
        "description": "A prior distribution of every parameter; the narrowest key decides.",
        "type": "object",
        "properties": named | values,
        "patternProperties": {f"^{key}_.+$": value for key, value in narrower.items()},
        "additionalProperties": False,
    }


def _classes(family: Family) -> dict[str, str]:
    """The classes of a family's priors, and the parameters that each is for."""
    if isinstance(family, meta_analysis.MetaAnalysis):
        return _META_ANALYSIS
    if not isinstance(family, Multilevel):
        return _MEDIATION
    own = {key: f"the outcome's {key}" for key, _ in family.outcome.PRIORS.values()}
    if not family.outcome.INTERCEPT:
        own["Intercept"] = "the thresholds, which replace an intercept, at the predictors' means"
    return _REGRESSION | own


def _named(kind: Any) -> GenericAlias:
    """Return the type of a mapping of names to `kind`, which is known only when this runs."""
    return GenericAlias(dict, (Name, kind))


def _with_columns(columns: Any, required: bool) -> type[BaseModel]:
    """The type of an observed dataset with these columns."""
    field: Any = (columns, Field(... if required else {}, description=COLUMNS))
    return create_model("Observed", __base__=Observed, __doc__=Observed.__doc__, columns=field)


COLUMNS = "The family's columns -> those of the file; by default they have the same names."


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
