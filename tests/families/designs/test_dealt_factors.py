"""Factors: crossed, dealt between groups, and in a Latin square."""

from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recovery.families.designs import check_sizes, read_design, simulate_rows


def factor(*levels, **keys):
    return {"levels": list(levels or ("a", "b")), **keys}


def rows(design, participants, sizes=None, observations=1, groups=None):
    read = read_design(design, groups or dict.fromkeys(sizes or {}))
    return simulate_rows(
        read, participants, sizes or {}, observations, np.random.default_rng(20261122)
    )


def table(columns, *names):
    return list(zip(*(columns[name].tolist() for name in names), strict=True))


def per_group(columns, group, *names):
    """The levels of every group; fails if they are not constant within the group."""
    pairs = sorted(set(table(columns, group, *names)))
    assert len(pairs) == len(set(columns[group]))
    return [tuple(levels) for _, *levels in pairs]


# Crossed


def test_every_combination_of_groups_meets_every_level_of_crossed_factors():
    design = {"f": factor(), "g": factor("u", "v", "w", within="participant")}
    columns = rows(design, 2, {"item": 2}, observations=2)
    expected = product((1, 2), (1, 2), (1, 2), (1, 2, 3), (1, 2))
    assert table(columns, "participant", "item", "f", "g") == [row[:4] for row in expected]
    assert columns["f"].dtype == columns["g"].dtype == int


# Between


def test_equal_shares_are_a_cycle():
    columns = rows({"f": factor("a", "b", "c", between="participant")}, 7)
    assert columns["f"].tolist() == [1, 2, 3, 1, 2, 3, 1]


def test_unequal_shares_are_dealt_by_the_largest_deficit():
    # By hand: deficits of (0.6, 0.4) are (.6, .4), (.2, .8), (.8, .2), (.4, .6), (1, 0).
    columns = rows({"f": factor(between="participant", shares=[0.6, 0.4])}, 10)
    assert columns["f"].tolist() == [1, 2, 1, 2, 1] * 2


def test_ties_do_not_depend_on_rounding():
    # By hand: deficits of (.7, .1, .2) are (.7, .1, .2), (.4, .2, .4): a tie, the first cell;
    # then (.1, .3, .6), (.8, .4, -.2), (.5, .5, 0): a tie, the first; (.2, .6, .2), (.9, -.3, .4),
    # (.6, -.2, .6): a tie, the first; (.3, -.1, .8), (1, 0, 0).
    columns = rows({"f": factor("a", "b", "c", between="participant", shares=[0.7, 0.1, 0.2])}, 10)
    assert columns["f"].tolist() == [1, 1, 3, 1, 1, 2, 1, 1, 3, 1]


def test_factors_between_the_same_groups_are_dealt_jointly():
    design = {"f": factor(between="participant"), "g": factor(between="participant")}
    columns = rows(design, 6)
    assert table(columns, "f", "g") == [(1, 1), (1, 2), (2, 1), (2, 2), (1, 1), (1, 2)]


def test_factors_are_between_the_groups_that_they_name():
    design = {"f": factor(between="participant"), "g": factor("u", "v", "w", between="item")}
    columns = rows(design, 3, {"item": 4}, observations=2)
    assert per_group(columns, "participant", "f") == [(1,), (2,), (1,)]
    assert per_group(columns, "item", "g") == [(1,), (2,), (3,), (1,)]


def test_nested_groups_are_dealt_by_their_number():
    groups = {"session": {"in": "participant", "each": [2]}}
    columns = rows({"time": factor("pre", "post", between="session")}, 3, groups=groups)
    assert table(columns, "participant", "session", "time") == [
        (1, 1, 1),
        (1, 2, 2),
        (2, 3, 1),
        (2, 4, 2),
        (3, 5, 1),
        (3, 6, 2),
    ]


@st.composite
def between_designs(draw):
    design = {}
    for name in ("f", "g")[: draw(st.integers(1, 2))]:
        weights = draw(st.lists(st.integers(1, 9), min_size=2, max_size=4))
        shares = [weight / sum(weights) for weight in weights]
        levels = [f"l{k}" for k in range(len(weights))]
        design[name] = factor(*levels, between="participant", shares=shares)
    return design


@settings(max_examples=100, deadline=None)
@given(design=between_designs(), fewer=st.integers(1, 60), more=st.integers(0, 60))
def test_the_first_participants_have_the_same_levels_in_a_larger_study(design, fewer, more):
    small, large = rows(design, fewer), rows(design, fewer + more)
    for name in design:
        np.testing.assert_array_equal(small[name], large[name][:fewer])


@settings(max_examples=100, deadline=None)
@given(weights=st.lists(st.integers(1, 9), min_size=2, max_size=5), cycles=st.integers(1, 3))
def test_shares_are_exact_after_whole_cycles(weights, cycles):
    shares = [weight / 100 for weight in weights] + [1 - sum(weights) / 100]
    levels = [f"l{k}" for k in range(len(shares))]
    design = {"f": factor(*levels, between="participant", shares=[round(s, 2) for s in shares])}
    counts = np.bincount(rows(design, 100 * cycles)["f"])[1:]
    assert counts.tolist() == [cycles * round(100 * share) for share in shares]


# Latin


def test_a_latin_factor_shifts_by_one_from_participant_to_participant():
    columns = rows({"f": factor("a", "b", "c", latin="item")}, 4, {"item": 4})
    square = columns["f"].reshape(4, 4).tolist()
    assert square == [[1, 2, 3, 1], [2, 3, 1, 2], [3, 1, 2, 3], [1, 2, 3, 1]]


def test_latin_factors_of_the_same_groups_form_cells():
    design = {"f": factor(latin="item"), "g": factor(latin="item")}
    columns = rows(design, 2, {"item": 4})
    cells = [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert table(columns, "f", "g") == [*cells, *cells[1:], cells[0]]


def test_ranks_are_within_between_cells():
    # Groups alternate, so that plain numbers would give all participants of a group one list.
    design = {"group": factor(between="participant"), "f": factor(latin="item")}
    columns = rows(design, 4, {"item": 2})
    assert table(columns, "participant", "group", "f")[::2] == [
        (1, 1, 1),
        (2, 2, 1),
        (3, 1, 2),
        (4, 2, 2),
    ]


@settings(max_examples=60, deadline=None)
@given(
    cells=st.integers(2, 4),
    groups=st.integers(2, 3),
    kinds=st.integers(2, 3),
    lists=st.integers(1, 2),
    sets=st.integers(1, 2),
)
def test_latin_factors_are_balanced_in_every_margin(cells, groups, kinds, lists, sets):
    names = [f"l{k}" for k in range(4)]
    design = {
        "group": factor(*names[:groups], between="participant"),
        "kind": factor(*names[:kinds], between="item"),
        "f": factor(*names[:cells], latin="item"),
    }
    columns = rows(design, groups * cells * lists, {"item": kinds * cells * sets})
    for margin, levels_of_others in [
        (("participant", "kind"), sets),
        (("item", "group"), lists),
        (("group", "kind"), cells * lists * sets),
    ]:
        counts = Counter(table(columns, *margin, "f"))
        assert set(counts.values()) == {levels_of_others}
        assert len(counts) == cells * len(set(table(columns, *margin)))


def test_a_latin_level_is_constant_over_the_observations_of_a_pair():
    columns = rows({"f": factor(latin="item"), "g": factor()}, 2, {"item": 2}, observations=3)
    assert len(set(table(columns, "participant", "item", "f"))) == 4


# Sizes that are too small


@pytest.mark.parametrize(
    ("design", "participants", "items", "fault"),
    [
        ({"group": factor(between="participant")}, 1, 4, "group has 2 levels, but there is 1 part"),
        (
            {"f": factor(between="participant"), "g": factor(between="participant")},
            3,
            4,
            "f and g have 4 combinations of levels, but there are 3 participants",
        ),
        ({"f": factor("a", "b", "c", between="item")}, 3, 2, "3 levels, but there are 2 groups of"),
        (
            {"f": factor(between="participant", shares=[0.9, 0.1])},
            5,
            4,
            "f has 2 levels, and one has a share so small that it gets none: there are 5 part",
        ),
        (
            {"f": factor("a", "b", "c", latin="item")},
            9,
            2,
            "f has 3 levels, but there are 2 groups",
        ),
        (
            {"f": factor(latin="item"), "kind": factor(between="item")},
            4,
            2,
            "f has 2 levels, but there is 1 item with the same kind",
        ),
        (
            {"z": {"normal": [0, 1], "between": "item"}},
            4,
            1,
            "z cannot vary, because there is 1 it",
        ),
        ({"days": {"sequence": [0, 1]}}, 4, 4, "days cannot vary, because each combination"),
    ],
)
def test_too_small_sizes_are_refused(design, participants, items, fault):
    read = read_design(design, {"item": None})
    with pytest.raises(ValueError, match=fault):
        check_sizes(read, participants, {"item": items}, observations=1)


def test_a_sequence_over_single_nested_groups_is_refused():
    groups = {"day": {"in": "participant", "each": [1]}}
    read = read_design({"t": {"sequence": [0, 1], "between": "day"}}, groups)
    with pytest.raises(ValueError, match="t cannot vary, because each participant has one day"):
        check_sizes(read, 5, {})


def test_sufficient_sizes_are_accepted():
    design = {
        "rare": factor(between="participant", shares=[0.9, 0.1]),
        "kind": factor(between="item"),
        "f": factor("a", "b", "c", latin="item"),
        "days": {"sequence": [0, 1]},
    }
    read = read_design(design, {"item": None})
    check_sizes(read, 6, {"item": 5})
    check_sizes(read, 6, {"item": 5}, observations=2)
    assert set(rows(design, 6, {"item": 5})["rare"]) == {1, 2}
