"""How the page writes numbers."""

from __future__ import annotations

import math

LARGE = 1e9  # from here on a number is written with its power of ten


def percent(share: float) -> str:
    """Return a share in per cent; a dash for none. Only all is 100 % and only none is 0 %."""
    if absent(share):
        return "–"
    shown = f"{100 * share:.0f}"
    if shown == "0" and share != 0:
        shown = f"{100 * share:.3g}"
    if shown == "100" and share != 1:
        shown = f"{100 * share:.{-math.ceil(math.log10(1 - share)) - 1}f}"
    return f"{shown} %"


def number(value: float, mcse: float | None = None) -> str:
    """Return a value with as many digits as its MCSE warrants; a dash for none."""
    if absent(value):
        return "–"
    if abs(value) >= LARGE:
        return f"{value:.2e}".replace("-", "\N{MINUS SIGN}")
    scale = mcse if mcse and math.isfinite(mcse) else abs(value) / 10
    digits = max(0, 1 - math.floor(math.log10(scale))) if scale > 0 else 2
    shown = f"{value:z.{digits}f}" if digits <= 6 else f"{value:.6g}"
    return shown.replace("-", "\N{MINUS SIGN}")


def sortable(value: float | None) -> str:
    """Return a number as tables sort it; empty for none."""
    return "" if value is None or absent(value) else repr(float(value))


def absent(value: float | None) -> bool:
    """Whether there is no number to show."""
    return value is None or not math.isfinite(value)
