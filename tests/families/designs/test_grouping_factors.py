"""Grouping factors: how nested groups are numbered, and which combinations exist."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from recovery.common.errors import validation_faults
from recovery.families.designs import (
    GroupSize,
    Nested,
    group_counts,
    number_of_rows,
    read_design,
    simulate_rows,
)


def rows(design, sizes, participants=2, numbers=None, observations=1):
    read = read_design(design, sizes)
    return simulate_rows(
        read, participants, numbers or {}, observations, np.random.default_rng(20261122)
    )


def table(columns, *names):
    return list(zip(*(columns[name].tolist() for name in names), strict=True))


def nested(parent, *each):
    return {"in": parent, "each": list(each)}


def test_participants_have_their_observations():
    columns = rows({}, {}, participants=2, observations=3)
    assert table(columns, "participant") == [(1,), (1,), (1,), (2,), (2,), (2,)]
    assert columns["participant"].dtype == int


def test_groups_that_nothing_relates_are_crossed_with_participants_slowest():
    columns = rows({}, {"item": None, "rater": None}, numbers={"rater": 2, "item": 2})
    expected = [(p, i, r) for p in (1, 2) for i in (1, 2) for r in (1, 2)]
    assert table(columns, "participant", "item", "rater") == expected
    assert list(columns) == ["participant", "item", "rater"]


def test_nested_groups_are_numbered_through_and_come_in_turn():
    columns = rows(
        {}, {"school": None, "class": nested("school", 1, 2)}, participants=1, numbers={"school": 3}
    )
    assert table(columns, "school", "class") == [(1, 1), (2, 2), (2, 3), (3, 4)]


def test_groups_are_nested_in_participants():
    columns = rows({}, {"session": nested("participant", 2, 1)}, participants=3)
    assert table(columns, "participant", "session") == [(1, 1), (1, 2), (2, 3), (3, 4), (3, 5)]


def test_groups_nested_in_nested_groups():
    sizes = {
        "school": None,
        "class": nested("school", 2),
        "pupil": nested("class", 1, 2),
    }
    columns = rows({}, sizes, participants=1, numbers={"school": 2})
    expected = [(1, 1, 1), (1, 2, 2), (1, 2, 3), (2, 3, 4), (2, 4, 5), (2, 4, 6)]
    assert table(columns, "school", "class", "pupil") == expected


def test_factors_nested_in_one_parent_are_crossed_within_it():
    sizes = {"day": nested("participant", 2), "task": nested("participant", 1, 2)}
    columns = rows({}, sizes)
    expected = [(1, 1, 1), (1, 2, 1), (2, 3, 2), (2, 3, 3), (2, 4, 2), (2, 4, 3)]
    assert table(columns, "participant", "day", "task") == expected


def test_a_parent_may_stand_after_its_child():
    columns = rows(
        {}, {"class": nested("school", 1, 2), "school": None}, participants=2, numbers={"school": 2}
    )
    expected = [(p, c, s) for p in (1, 2) for c, s in ((1, 1), (2, 2), (3, 2))]
    assert table(columns, "participant", "class", "school") == expected
    assert list(columns) == ["participant", "class", "school"]


TREES = st.lists(
    st.tuples(st.integers(-1, 5), st.lists(st.integers(1, 3), min_size=1, max_size=3)), max_size=4
)


@settings(max_examples=100, deadline=None)
@given(tree=TREES, participants=st.integers(1, 3), observations=st.integers(1, 2))
def test_rows_are_counted_without_making_them(tree, participants, observations):
    names = ["participant", "a", "b", "c", "d"]
    sizes = {
        names[k + 1]: None if parent < 0 else nested(names[min(parent, k)], *each)
        for k, (parent, each) in enumerate(tree)
    }
    numbers = {name: 2 for name, parent in sizes.items() if parent is None}
    design = read_design({"f": {"levels": ["x", "y", "z"]}}, sizes)
    columns = simulate_rows(
        design, participants, numbers, observations, np.random.default_rng(20261122)
    )
    counts = group_counts(design.groups, participants, numbers)
    assert columns["f"].size == number_of_rows(design, participants, numbers, observations)
    assert len(set(table(columns, *columns))) * observations == columns["f"].size
    for name, count in counts.items():
        assert sorted(set(columns[name])) == list(range(1, count + 1))


def test_rows_are_counted_beyond_the_range_of_64_bits():
    design = read_design({}, {"a": None, "b": None, "c": None})
    sizes = dict.fromkeys("abc", 10**7)
    assert number_of_rows(design, 10**3, sizes, 10) == math.prod([10**7] * 3) * 10**4


def test_very_many_nested_groups_are_refused():
    design = read_design({}, {"day": nested("participant", 10**5)})
    with pytest.raises(ValueError, match="day has 100,000,000 groups, more than 10,000,000"):
        number_of_rows(design, 1000, {}, 1)


def test_sizes_of_other_names_are_refused():
    design = read_design({}, {"item": None})
    with pytest.raises(ValueError, match=r"got sizes of \['itm'\], must be of \['item'\]"):
        simulate_rows(design, 2, {"itm": 3}, 1, np.random.default_rng(20261122))


class Study(BaseModel):
    sizes: dict[str, GroupSize]


def test_the_key_sizes_has_counts_or_nested_groups():
    study = Study(sizes={"item": [12, 24], "day": nested("participant", 4, 8)})
    assert study.sizes == {
        "item": (12, 24),
        "day": Nested.model_validate(nested("participant", 4, 8)),
    }
    assert study.model_dump(mode="json", by_alias=True)["sizes"]["day"] == {
        "in": "participant",
        "each": [4, 8],
    }
    schema = Study.model_json_schema()["properties"]["sizes"]["additionalProperties"]
    assert len(schema["anyOf"]) == 2
    assert read_design({}, study.sizes).groups == {"item": None, "day": study.sizes["day"]}


@pytest.mark.parametrize(
    ("sizes", "fault"),
    [
        ({"item": [12, 0]}, "sizes.item[1]: got 0, must be at least 1"),
        ({"item": []}, "sizes.item: got [], must have at least 1 entries"),
        ({"item": [3, 3]}, "sizes.item: 3 is listed more than once"),
        ({"item": 12}, "sizes.item: got 12, must be a list"),
        ({"class": nested("school")}, "sizes.class.each: got [], must have at least 1 entries"),
        ({"class": {"in": "school"}}, "sizes.class.each: missing, must be given"),
        (
            {"class": {"inn": "school", "each": [1]}},
            "must be one of 'in', 'each'; did you mean in?",
        ),
        (
            {"school": [2], "class": nested("schol", 2)},
            "sizes.class.in: got 'schol', must be one of 'participant', 'school'; "
            "did you mean school?",
        ),
        ({"a": nested("a", 2)}, "sizes.a.in: got a, which makes a nested in itself"),
        (
            {"a": nested("b", 2), "b": nested("a", 2)},
            "sizes.b.in: got a, which makes b nested in itself",
        ),
        ({"participant": [2]}, "sizes.participant: must be another name"),
        ({"replicate": [2]}, "sizes.replicate: must be another name"),
        ({"2nd": [2]}, "sizes.2nd: must be a name of letters, digits and underscores"),
        ({3: [2]}, "sizes.3: got the key 3, keys must be text"),
        ([3], "sizes: got [3], must be a mapping of grouping factors"),
    ],
)
def test_wrong_sizes_are_refused_in_words(sizes, fault):
    with pytest.raises(ValidationError) as error:
        read_design({}, sizes)
    assert fault in "\n".join(validation_faults(error.value, ()))
