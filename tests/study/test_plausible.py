"""The key `plausible`: which outcomes are plausible."""

import pytest
from conftest import make_study

from recovery.common.errors import StudyError
from recovery.study.parse import restore


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ([0, 3600], (0.0, 3600.0)),
        ([None, 3600], (None, 3600.0)),
        ([-1.5, None], (-1.5, None)),
        (None, None),
    ],
)
def test_a_range_may_be_open(given, read):
    study = make_study(("plausible", given))
    assert study.plausible == read
    assert restore(study.model_dump(mode="json")).plausible == read


def test_a_study_needs_no_range():
    assert make_study().plausible is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (5, "plausible: got 5, must be [low, high], with null for an open end"),
        ([1], "plausible: got [1], must be [low, high], with null for an open end"),
        ([True, 2], "must be [low, high], with null for an open end"),
        ([0, float("inf")], "must be [low, high], with null for an open end"),
        (["0", 2], "must be [low, high], with null for an open end"),
        ([None, None], "plausible: got [None, None], must have at least one end"),
        ([2, 2], "plausible: got [2, 2], its low must be below its high"),
        ([3, -3], "plausible: got [3, -3], its low must be below its high"),
    ],
)
def test_a_wrong_range_is_refused(given, message):
    with pytest.raises(StudyError) as error:
        make_study(("plausible", given))
    assert message in str(error.value)
