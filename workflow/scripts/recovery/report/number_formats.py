"""Formats of numbers on the page."""

from __future__ import annotations

import math

LARGE = 1e9  # from here on numbers are in scientific notation


def percent(share: float) -> str:
    """Return a share in per cent, or a dash if absent. Only 0 gives 0 %, only 1 gives 100 %."""
    if absent(share):
        return "–"
    digits = f"{100 * share:.0f}"
    if digits == "0" and share != 0:
        digits = f"{100 * share:.3g}"
    if digits == "100" and share != 1:
        digits = f"{100 * share:.{-math.ceil(math.log10(1 - share)) - 1}f}"
    return f"{digits} %"


def whole_percent(share: float) -> str:
    """Return a share in whole per cent, with signs for those that would round to 0 or 100."""
    whole = f"{100 * share:.0f}"
    if whole == "0" and share > 0:
        return "<1 %"
    return ">99 %" if whole == "100" and share < 1 else f"{whole} %"


def number(value: float, mcse: float | None = None) -> str:
    """Return a value to two digits of its MCSE, or a dash if absent."""
    if absent(value):
        return "–"
    if abs(value) >= LARGE:
        return f"{value:.2e}".replace("-", "\N{MINUS SIGN}")
    scale = mcse if mcse and math.isfinite(mcse) else abs(value) / 10
    decimals = max(0, 1 - math.floor(math.log10(scale))) if scale > 0 else 2
    digits = f"{value:z.{decimals}f}" if decimals <= 6 else f"{value:.6g}"
    return digits.replace("-", "\N{MINUS SIGN}")


def sortable(value: float | None) -> str:
    """Return a number as a sort key of tables, or an empty string if absent."""
    return "" if value is None or absent(value) else repr(float(value))


def absent(value: float | None) -> bool:
    """Whether a value is missing or not finite."""
    return value is None or not math.isfinite(value)
