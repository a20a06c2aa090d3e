"""Numbers of replicates as text for footers and messages: `1-5`, or `3, 7-9`."""

from __future__ import annotations

from collections.abc import Iterable


def as_ranges(numbers: Iterable[int]) -> str:
    """Return numbers as ranges, in ascending order; empty for no number."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)


def numbers_in(ranges: str) -> list[int]:
    """Return the numbers in ranges that `as_ranges` wrote."""
    bounds = [part.split("-") for part in ranges.split(", ") if part]
    return [number for each in bounds for number in range(int(each[0]), int(each[-1]) + 1)]
