"""Designs as they are read from a study file: defaults, the same design again, and faults."""

import json

import numpy as np
import pytest
import yaml
from pydantic import ValidationError

from recovery.common.errors import validation_faults
from recovery.common.hashing import digest
from recovery.families.designs import (
    Covariate,
    Factor,
    read_design,
    simulate_rows,
)

SIZES = {"item": [12, 24], "session": {"in": "participant", "each": [2]}}

WHOLE = """
condition: {levels: [easy, hard], coding: difference, within: [participant, item], latin: item}
group: {levels: [control, patient], coding: sum, shares: [0.6, 0.4], between: participant}
sex: {levels: [f, m], between: participant, shares: [0.5, 0.5]}
kind: {levels: [a, b, c], coding: [[0, 0], [1, 0], [0, 1]], between: item, within: participant}
age: {normal: [0, 1], between: participant}
x: {normal: [0, 1]}
z: {uniform: [0, 2], between: item}
smoker: {bernoulli: 0.3, between: participant}
w: {normal: [0, 1], correlated: {x: 0.5, v: 0}}
v: {normal: [0, 1], correlated: {w: 0, x: -0.2}}
days: {sequence: [0, 1]}
dose: {values: [0, 5, 10]}
missing: {"condition:group": {hard: {control: 0.2, patient: 0.3}, easy: {patient: 0, control: 0.1}}}
"""


def faults(text, sizes=SIZES):
    with pytest.raises(ValidationError) as error:
        read_design(yaml.safe_load(text), sizes)
    return "\n".join(validation_faults(error.value, ()))


def test_keys_have_their_types():
    design = read_design(yaml.safe_load(WHOLE), SIZES)
    assert design.grouping_factors == ("participant", "item", "session")
    assert list(design.factors) == ["condition", "group", "sex", "kind"]
    assert design.factors["condition"] == Factor(
        levels=("easy", "hard"), coding="difference", within=("participant", "item"), latin="item"
    )
    assert design.factors["kind"].coding == ((0, 0), (1, 0), (0, 1))
    assert design.factors["sex"].coding == "treatment"
    assert design.covariates["age"] == Covariate(normal=(0, 1), between="participant")
    assert design.missing == {
        "condition:group": {
            "easy": {"control": 0.1, "patient": 0},
            "hard": {"control": 0.2, "patient": 0.3},
        }
    }


def test_a_serialised_design_makes_the_same_design_again():
    design = read_design(yaml.safe_load(WHOLE), SIZES)
    content = json.loads(json.dumps(design.serialised(), sort_keys=True))
    again = read_design(dict(content["design"]), dict(content["sizes"]))
    assert again == design
    assert list(again.variables) == list(design.variables)
    assert again.serialised() == design.serialised()
    one, other = (
        simulate_rows(each, 6, {"item": 6}, 2, np.random.default_rng(20261122))
        for each in (design, again)
    )
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_a_serialised_design_has_no_defaults():
    text = """
    a: {levels: [p, q], coding: treatment, shares: [0.5, 0.5], between: item}
    x: {normal: [0, 1], correlated: {}}
    missing: 0
    """
    assert read_design(yaml.safe_load(text), SIZES).serialised() == {
        "design": [
            ["a", {"levels": ["p", "q"], "between": "item"}],
            ["x", {"normal": [0.0, 1.0]}],
        ],
        "sizes": [["item", None], ["session", {"in": "participant", "each": [2]}]],
    }


def test_a_correlation_may_be_named_at_either_covariate_or_both():
    one, other, both = (
        {
            "x": {"normal": [0, 1], **({"correlated": {"w": 0.5}} if at_x else {})},
            "w": {"normal": [0, 1], **({"correlated": {"x": 0.5}} if at_w else {})},
        }
        for at_x, at_w in ((True, False), (False, True), (True, True))
    )
    assert read_design(one, {}) == read_design(other, {}) == read_design(both, {})


def test_the_order_of_variables_changes_the_hash():
    x, y = {"normal": [0, 1]}, {"uniform": [0, 1]}
    one, other = (read_design(each, {}) for each in ({"x": x, "y": y}, {"y": y, "x": x}))
    assert digest(one.serialised()) != digest(other.serialised())


def test_variables_vary_within_groups_unless_they_are_constant_there():
    text = """
    a: {levels: [p, q], between: participant}
    b: {levels: [p, q], between: session}
    c: {levels: [p, q], latin: item}
    x: {normal: [0, 1]}
    """
    design = read_design(yaml.safe_load(text), SIZES)
    varies = {
        name: [group for group in design.grouping_factors if design.varies_within(name, group)]
        for name in design.variables
    }
    every = ["participant", "item", "session"]
    assert varies == {"a": ["item"], "b": ["participant", "item"], "c": every, "x": every}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        # Levels
        (
            "a: {levels: [no, yes]}",
            'design.a.levels: got [False, True], must be text in quotes, as levels: ["no", "yes"]; '
            "YAML reads yes, no, on and off without quotes as true and false",
        ),
        ("a: {levels: [1, 2]}", 'must be text in quotes, as levels: ["1", "2"]'),
        ("a: {levels: [p]}", "design.a.levels: got ['p'], must have at least 2 entries"),
        ("a: {levels: [p, p]}", "design.a.levels: 'p' is listed more than once"),
        ("a: {levels: p}", "design.a.levels: got 'p', must be a list"),
        ('a: {levels: ["", q]}', "design.a.levels[0]: got '', must be text without spaces"),
        ('a: {levels: [p, "q "]}', "design.a.levels[1]: got 'q ', must be text without spaces"),
        *[
            (f'a: {{levels: [p, "q{bad}r"]}}', f"levels[1]: got 'q{bad}r', must not have '{bad}'")
            for bad in "[]:,"
        ],
        ("a: {coding: sum}", "design.a.levels: missing, must be given"),
        # Shares
        (
            "a: {levels: [p, q], between: item, shares: [0.5, 0.6]}",
            "design.a.shares: got a sum of 1.1, must sum to 1",
        ),
        (
            "a: {levels: [p, q], between: item, shares: [0.5, 0.500001]}",
            "design.a.shares: got a sum of 1.000001, must sum to 1",
        ),
        (
            "a: {levels: [p, q], between: item, shares: [0.2, 0.3, 0.5]}",
            "design.a.shares: got 3 shares, must have one for each of 2 levels",
        ),
        ("a: {levels: [p, q], between: item, shares: [0, 1]}", "shares[0]: got 0, must be above"),
        ("a: {levels: [p, q], shares: [0.5, 0.5]}", "design.a: got shares without between"),
        # Coding
        (
            "a: {levels: [p, q], coding: sums}",
            "design.a.coding: got 'sums', must be a list of rows",
        ),
        ("a: {levels: [p, q], coding: sums}", "did you mean sum?"),
        ("a: {levels: [p, q], coding: [[1, -1]]}", "must have 2 rows of the same length"),
        ("a: {levels: [p, q], coding: [[1], [1, 2]]}", "must have 2 rows of the same length"),
        ("a: {levels: [p, q], coding: [[1], [1]]}", "must have columns that are linearly indep"),
        ("a: {levels: [p, q], coding: [[], []]}", "must have columns that are linearly indep"),
        (
            "a: {levels: [p, q], coding: [[x], [1]]}",
            "design.a.coding[0][0]: got 'x', must be a num",
        ),
        # Between, within, latin
        (
            "a: {levels: [p, q], between: itm}",
            "design.a.between: got 'itm', must be one of 'participant', 'item', 'session'; "
            "did you mean item?",
        ),
        ("x: {normal: [0, 1], between: itm}", "design.x.between: got 'itm', must be one of"),
        ("a: {levels: [p, q], within: [item, itm]}", "design.a.within: got 'itm', must be one of"),
        ("a: {levels: [p, q], latin: itm}", "design.a.latin: got 'itm', must be one of"),
        ("a: {levels: [p, q], latin: item, between: item}", "must have at most one of them"),
        ("a: {levels: [p, q], latin: participant}", "must be another grouping factor (item, ses"),
        ("a: {levels: [p, q], latin: session}", "which is nested in participant, must be crossed"),
        (
            "a: {levels: [p, q], between: item, within: [participant, item]}",
            "design.a.within: got item, which contradicts between: item; "
            "it is constant within each item",
        ),
        (
            "a: {levels: [p, q], between: participant, within: session}",
            "design.a.within: got session, which contradicts between: participant",
        ),
        ("a: {levels: [p, q], within: [item, item]}", "'item' is listed more than once"),
        # Covariates
        ("x: {normal: [0, 0]}", "design.x.normal[1]: got 0, must be above"),
        ("x: {normal: [0, -1]}", "design.x.normal[1]: got -1, must be above"),
        ("x: {normal: [0]}", "design.x.normal[1]: missing, must be given"),
        ("x: {uniform: [1, 1]}", "design.x.uniform: got [1.0, 1.0], must be a lower and a higher"),
        ("x: {uniform: [2, 1]}", "design.x.uniform: got [2.0, 1.0], must be a lower and a higher"),
        ("x: {bernoulli: 0}", "design.x.bernoulli: got 0, must be above"),
        ("x: {bernoulli: 1}", "design.x.bernoulli: got 1, must be below"),
        ("x: {sequence: [0, 0]}", "design.x.sequence: got a step of 0"),
        ("x: {values: [1]}", "design.x.values: got [1], must have at least 2 entries"),
        ("x: {normal: [0, .inf]}", "design.x.normal[1]: got inf, must be a finite number"),
        ("x: {}", "design.x: got none of them, must have levels (a factor) or exactly one of"),
        ("x: {normal: [0, 1], uniform: [0, 1]}", "design.x: got normal and uniform, must have"),
        ("x: {nromal: [0, 1]}", "design.x.nromal: unknown key, must be one of 'normal', "),
        ("x: {nromal: [0, 1]}", "did you mean normal?"),
        ("x: {normal: [0, 1], levels: [p, q]}", "design.x.normal: unknown key, must be one of"),
        ("x: 3", "design.x: got 3, must be a mapping of keys to values"),
        # Correlations
        (
            "{x: {normal: [0, 1], correlated: {xx: 0.5}}, y: {normal: [0, 1]}}",
            "design.x.correlated.xx: got 'xx', must be one of 'y'",
        ),
        ("x: {normal: [0, 1], correlated: {x: 0.5}}", "got x itself, must be another covariate"),
        (
            "{x: {normal: [0, 1], correlated: {u: 0.5}}, u: {uniform: [0, 1]}}",
            "design.x.correlated.u: got u, which is not normal, must be a normal covariate",
        ),
        (
            "{x: {normal: [0, 1], correlated: {y: 0.5}}, y: {normal: [0, 1], between: item}}",
            "design.x.correlated.y: got y, which is drawn for item, must be drawn for rows as x is",
        ),
        (
            "{x: {normal: [0, 1], correlated: {y: 1}}, y: {normal: [0, 1]}}",
            "design.x.correlated.y: got 1, must be below",
        ),
        (
            "{x: {normal: [0, 1], correlated: {y: 0.5}}, "
            "y: {normal: [0, 1], correlated: {x: 0.4}}}",
            "design.y.correlated.x: got 0.4 here and 0.5 at x",
        ),
        (
            "{x: {normal: [0, 1], correlated: {y: 0.9, z: 0.9}}, y: {normal: [0, 1]}, "
            "z: {normal: [0, 1]}}",
            "design.z.correlated: the correlations of 'x', 'y', 'z' must be a positive definite",
        ),
        ("u: {uniform: [0, 1], correlated: {x: 0.5}}", "must be normal to be correlated"),
        # Names
        ("2x: {normal: [0, 1]}", "design.2x: must be a name of letters, digits and underscores"),
        ("x-y: {normal: [0, 1]}", "design.x-y: must be a name of letters, digits and underscores"),
        ("_x: {normal: [0, 1]}", "design._x: must be a name of letters, digits and underscores"),
        ("item: {normal: [0, 1]}", "design.item: must be another name; a grouping factor has this"),
        ("participant: {normal: [0, 1]}", "design.participant: must be another name"),
        ("replicate: {normal: [0, 1]}", "design.replicate: must be another name"),
        ("no: {normal: [0, 1]}", "design.False: got the key False, keys must be text"),
        ("[x]", "design: got ['x'], must be a mapping of variables"),
    ],
)
def test_wrong_designs_are_refused_in_words(text, fault):
    assert fault in faults(text)


FACTORS = "a: {levels: [p, q]}\nb: {levels: [r, s]}\nmissing: "


@pytest.mark.parametrize(
    ("missing", "fault"),
    [
        ("1", "design.missing: got 1, must be below"),
        ("-0.1", "design.missing: got -0.1, must be at least 0"),
        ("often", "design.missing: got 'often', must be a number"),
        ("{a: {p: 0.1}}", "design.missing.a.q: missing, must be given"),
        ("{a: {p: 0.1, q: 0.1, qq: 0.1}}", "design.missing.a.qq: unknown level, must be one of"),
        ("{a: {p: 0.1, q: 1}}", "design.missing.a.q: got 1, must be below"),
        ("{a: 0.1}", "design.missing.a: got 0.1, must have a value for each level: p, q"),
        ("{a: {p: 0.1, q: 0.1}, b: 1}", "got the keys ['a', 'b'], must have one key: the factors"),
        ('{"a:b": {p: 0.1, q: {r: 0, s: 0}}}', "design.missing.a:b.p: got 0.1, must have a value"),
        ('{"a:a": {p: 0.1}}', "got 'a:a', must be a factor, or two different ones as a:b"),
        ("{aa: {p: 0.1}}", "design.missing: got 'aa', must be one of 'a', 'b'; did you mean a?"),
    ],
)
def test_wrong_chances_of_missing_rows_are_refused_in_words(missing, fault):
    assert fault in faults(FACTORS + missing)


def test_all_faults_are_reported_together():
    text = "{a: {levels: [p]}, x: {normal: [0, 0]}, 2x: {}}"
    assert len(faults(text, {"item": [0]}).splitlines()) == 4
