"""Check that numbers are finite; a fit with other numbers fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_SHOWN = 5


def listed_briefly(names: Sequence[str]) -> str:
    """Return the first names, and the number of the others."""
    more = len(names) - _SHOWN
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {more} others" if more > 0 else shown


def require(kind: str, values: Mapping[str, Any]) -> None:
    """Raise RuntimeError with the names of the values that are not finite.

    Parameters
    ----------
    kind : str
        What the values are, in the plural, for the message.
    values : mapping
        Name -> number, or array of numbers.
    """
    names = [
        name
        for name, value in values.items()
        if not np.isfinite(np.asarray(value, dtype=float)).all()
    ]
    if names:
        raise RuntimeError(f"non-finite {kind}: {listed_briefly(names)}")
