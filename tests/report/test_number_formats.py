"""How the page and its tables write numbers."""

import numpy as np
import pytest

from recovery.report.number_formats import number, percent, whole_percent


@pytest.mark.parametrize("distance", [0, *10.0 ** -np.arange(1, 16)])
def test_only_all_is_100_percent_and_only_none_is_0(distance):
    shown = [float(percent(share).removesuffix(" %")) for share in (distance, 1 - distance)]
    assert [value == end for value, end in zip(shown, (0, 100), strict=True)] == 2 * [distance == 0]
    assert shown == pytest.approx([100 * distance, 100 - 100 * distance], abs=0.5)


@pytest.mark.parametrize(
    ("value", "mcse"), [(-0.001, 0.3), (-0.2, 50), (-1e-12, 1e-3), (-0.0, None)]
)
def test_a_zero_has_no_sign(value, mcse):
    assert float(number(value, mcse)) == 0
    assert number(value, mcse) == number(-value, mcse)


def test_a_value_has_two_digits_of_its_error():
    assert number(-0.14512, 0.0123) == "\N{MINUS SIGN}0.145"
    assert number(1234.5678, 23) == "1235"


def test_whole_per_cent_have_signs_at_their_ends():
    shares = (0, 0.0001, 0.004, 0.5, 0.994, 0.996, 0.99999, 1)
    assert [whole_percent(share) for share in shares] == [
        *("0 %", "<1 %", "<1 %", "50 %", "99 %", ">99 %", ">99 %", "100 %"),
    ]
