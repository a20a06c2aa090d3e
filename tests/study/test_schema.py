"""The JSON schema that editors use is the one that the study's types give."""

import json

import pytest
from conftest import DROP, ROOT, SMALL, changed

from recovery import families
from recovery.common.errors import StudyError
from recovery.study import schema
from recovery.study.parse import parse
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


def fits(raw: dict, wanted: dict) -> bool:
    """Whether a study fits the schema; tuples count as lists."""
    return jsonschema.Draft202012Validator(wanted).is_valid(json.loads(json.dumps(raw)))


TRUTH, PRIOR = ("truths", "moderate"), ("priors", "weak")
X = {"x": {"normal": [0, 1]}}
PATHS = {"path": "normal(0, 1)", "intercept": "normal(0, 1)", "sd": "exponential(1)"}
PATHS |= {"cor": "lkj(2)", "sigma": "exponential(1)"}
MEDIATION = [
    ("family", "mediation"),
    ("models", ["noncentered"]),
    ("truths", {"drawn": {"prior": "weak"}}),
]
META = [
    ("family", "meta_analysis"),
    ("models", ["marginal"]),
    ("observations", [1]),
    ("truths", {"drawn": {"prior": "weak", "se": [1, 2]}}),
]
CONDITION = {"levels": ["easy", "hard"], "coding": "sum", "within": ["participant", "item"]}


@pytest.mark.parametrize(
    "places",
    [
        [("replicats", 3)],
        [("replicates", 0)],
        [("name", "a/b")],
        [("family", "multilevel")],
        [("family", {"name": "multilevel_linear", "predictors": 2})],
        [("family", {"name": "multilevel_linear", "categories": 4})],
        [("family", {"name": "multilevel_ordinal", "categories": 2})],
        [("family", {"name": "multilevel_linear", "formula": "y ~ x"})],
        [("formula", 3)],
        [("formula", "x")],
        [("family", "mediation"), ("formula", "y ~ x")],
        [("family", "own.py"), ("design", X)],
        [("family", {"name": "own.py"}), ("sizes", {"item": [3]})],
        [("design", ["x"])],
        [("design", {"x": [0, 1]})],
        [("design", {"x": {}})],
        [("design", {"x": {"normal": [0]}})],
        [("design", {"x": {"normal": [0, -1]}})],
        [("design", {"x": {"normal": [0, 1], "uniform": [0, 1]}})],
        [("design", {"x": {"normal": [0, 1], "betwen": "participant"}})],
        [("design", {"x": {"levels": ["a"]}})],
        [("design", {"x": {"levels": [False, True]}})],
        [("design", {"x": {"levels": ["a", "b"], "coding": "effect"}})],
        [("design", {"x": {"levels": ["a", "b"], "normal": [0, 1]}})],
        [("design", X | {"missing": 1})],
        [("design", X | {"missing": {"c": 0.1}})],
        [("sizes", {"item": 3})],
        [("sizes", {"item": [0]})],
        [("sizes", {"item": {"in": "participant"}})],
        [(*TRUTH, "b", [0.5, 1])],
        [(*TRUTH, "b", "x", "1")],
        [(*TRUTH, "means", {"easy": "1"})],
        [(*TRUTH, "sd", {"Intercept": 1})],
        [(*TRUTH, "sd", "participant", "x", -1)],
        [(*TRUTH, "cor", 0.3)],
        [(*TRUTH, "cor", "participant", 1)],
        [(*TRUTH, "cor", "participant", [1, 0.3])],
        [(*TRUTH, "sigma", 0)],
        [(*TRUTH, "sigma", DROP)],
        [(*TRUTH, "nu", 3)],
        [(*TRUTH, "beta", [0.5, 1])],
        [(*PRIOR, "b", 1)],
        [(*PRIOR, "b", "normal(0)")],
        [(*PRIOR, "b", "lkj(2)")],
        [(*PRIOR, "b_x", "exponential(1, 2)")],
        [(*PRIOR, "b_x", "exponential(one)")],
        [(*PRIOR, "sigma", "halfnormal(0, 1)")],
        [(*PRIOR, "cor", "normal(0, 1)")],
        [(*PRIOR, "cor_participant", "lkj()")],
        [*META, (*PRIOR, {"mu": "normal(0, 1)", "tau": "lkj(1)"})],
        [*META, (*PRIOR, {"mu": "normal(0, 1)", "tau": "cauchy(0, 1)", "mu_x": "normal(0, 1)"})],
        [*MEDIATION, (*PRIOR, PATHS | {"sd_x": "exponential(1)"})],
        [*MEDIATION, (*PRIOR, PATHS | {"d_m": 1})],
        [*MEDIATION, (*PRIOR, PATHS | {"cor": "exponential(1)"})],
        [(*PRIOR, "beta_mean", 0)],
        [(*PRIOR, "nu", "gamma(2, 0.1)")],
        [("observed", {"o": {"columns": {"y": "rt"}}})],
        [("observed", {"o": {"path": "a.csv", "columns": {"y": 1}}})],
        [("observed", {"o": {"path": "a.csv", "outcome": "y"}})],
    ],
    ids=str,
)
def test_it_refuses_what_the_study_refuses(wanted, places):
    raw = changed(SMALL, *places)
    with pytest.raises(StudyError):
        parse(raw, families.find)
    assert not fits(raw, wanted)


@pytest.mark.parametrize(
    "places",
    [
        [("formula", None), ("design", None), ("sizes", {})],
        [("family", "multilevel_linear")],
        [("family", {"name": "multilevel_linear"})],
        [
            ("formula", "rt ~ condition + (condition | participant) + (1 | item)"),
            (
                "design",
                {"condition": CONDITION, "missing": {"condition": {"easy": 0, "hard": 0.2}}},
            ),
            ("sizes", {"item": [3, 4]}),
            (*TRUTH, "b", DROP),
            (*TRUTH, "means", {"easy": 1, "hard": 2}),
            (
                *TRUTH,
                "sd",
                {"participant": {"Intercept": 1, "condition": 1}, "item": {"Intercept": 1}},
            ),
            (*PRIOR, "sd_item__Intercept", "exponential( 2.5e-1 )"),
            (*PRIOR, "cor_participant", "lkj(1)"),
        ],
        [
            ("formula", "y ~ x + (x | participant:day)"),
            ("sizes", {"day": {"in": "participant", "each": [2, 3]}}),
            (*TRUTH, "sd", {"participant:day": {"Intercept": 1, "x": 0}}),
            (*TRUTH, "cor", {"participant:day": [[1, 0.3], [0.3, 1]]}),
        ],
        [
            ("formula", "y ~ x + c:x + (1 | participant)"),
            (
                "design",
                {
                    "x": {"normal": [0, 1], "between": "participant"},
                    "c": {"values": [1, 2]},
                    "z": {"normal": [0, 2], "between": "participant", "correlated": {"x": 0.2}},
                    "l": {"levels": ["a", "b", "c"], "coding": [[1], [0], [-1]]},
                    "missing": {"l": {"a": 0, "b": 0, "c": 0.5}},
                },
            ),
            (*TRUTH, "b", {"Intercept": 0, "x": 1, "x:c": 2}),
            (*TRUTH, "sd", {"participant": {"Intercept": 1}}),
            (*TRUTH, "cor", DROP),
            (*PRIOR, "cor", DROP),
            (*PRIOR, "b_x:c", "normal(-1, 2)"),
        ],
        [
            ("family", "meta_analysis"),
            ("formula", "effect ~ latitude"),
            ("design", {"latitude": {"normal": [0, 1]}}),
            ("models", ["marginal"]),
            ("observations", [1]),
            (*TRUTH, {"mu": 0, "tau": 1, "b": {"latitude": 1}, "se": [1, 2]}),
            (
                *PRIOR,
                {"mu": "normal(0, 1)", "b_latitude": "uniform(-1, 1)", "tau": "cauchy(0, 1)"},
            ),
            (
                "observed",
                {
                    "o": {
                        "path": "a.csv",
                        "columns": {
                            "effect": "y",
                            "standard_error": "se",
                            "study": "study",
                            "latitude": "north",
                        },
                    }
                },
            ),
        ],
        [
            *META,
            (*PRIOR, {"mu": "constant(0)", "tau": "flat"}),
            ("truths", "drawn", {"mu": 0, "tau": 1, "se": [1, 2]}),
        ],
        [*MEDIATION, (*PRIOR, PATHS)],
        [
            *MEDIATION,
            (*PRIOR, PATHS | {"cp": "cauchy(0, 1)", "d_y": "constant(1)"}),
            (*PRIOR, "sd_d_m", "inv_gamma( 2,1.5e0 )"),
            (*PRIOR, "sigma_m", "student_t(3, 0, 2.5)"),
        ],
        [("truths", "drawn", {"prior": "weak"}), ("observed", {"o": {"path": "a.csv"}})],
        [
            ("family", {"name": "multilevel_ordinal", "categories": 3}),
            (*TRUTH, {**SMALL["truths"]["moderate"], "b": {"x": 1}, "thresholds": [0, 1]}),
            (*TRUTH, "sigma", DROP),
            (*PRIOR, "sigma", DROP),
        ],
        [
            ("family", "multilevel_binomial"),
            ("formula", "y | trials(10) ~ 0 + x + (0 + x | participant)"),
            (*TRUTH, {"b": {"x": 1}, "sd": {"participant": {"x": 1}}}),
            (*PRIOR, {"b": "normal(0, 1)", "sd": "exponential(1)"}),
        ],
        [
            ("family", "multilevel_beta"),
            ("formula", "y ~ 1"),
            ("models", ["pooled"]),
            (*TRUTH, {"b": {"Intercept": 1}, "phi": 2}),
            (*PRIOR, {"Intercept": "normal(0, 1)", "phi": "gamma(2, 0.1)"}),
        ],
    ],
    ids=str,
)
def test_it_takes_studies_of_any_formula(wanted, places):
    raw = changed(SMALL, *places)
    assert parse(raw, families.find)
    assert fits(raw, wanted)


def test_editors_describe_formula_design_sizes_truths_and_priors(wanted):
    keys, definitions = wanted["properties"], wanted["$defs"]
    for key in ("family", "formula", "design", "sizes", "truths", "priors"):
        assert keys[key]["description"].endswith((".", "`"))
    described = [definitions["multilevel_linear.Truth"], definitions["Factor"]]
    described += [definitions["Covariate"], priors_of(wanted, "multilevel_linear")]
    for part in described:
        assert part["description"]
        lacking = [key for key, each in part["properties"].items() if "description" not in each]
        assert set(lacking) <= {"sigma", "levels"}


def priors_of(wanted: dict, family: str) -> dict:
    (own,) = [
        case["then"]["properties"]
        for case in wanted["allOf"]
        if case["if"]["properties"]["family"]["anyOf"][0] == {"const": family}
    ]
    (priors,) = own["priors"]["patternProperties"].values()
    return priors


@pytest.mark.parametrize("family", families.SHIPPED)
def test_the_examples_of_priors_are_priors(wanted, family):
    keys = priors_of(wanted, family)["properties"]
    found = schema._example(family)
    named = {key for names in found.Prior.KEYS.values() for key in names}
    assert set(keys) <= named
    assert found.Prior(**{key: value["examples"][0] for key, value in keys.items()})
