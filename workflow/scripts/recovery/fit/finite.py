"""Numbers that a table is made from must be finite: else the fit fails, and says which are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_SHOWN = 5


def listed_briefly(names: Sequence[str]) -> str:
    """Return the first of some names, and how many others there are."""
    more = len(names) - _SHOWN
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {more} others" if more > 0 else shown


def require(what: str, values: Mapping[str, Any]) -> None:
    """Raise RuntimeError with the names of what is no finite number.

    Parameters
    ----------
    what : str
        What the values are, for the message.
    values : mapping
        Name -> number, or array of numbers.
    """
    names = [
        name
        for name, each in values.items()
        if not np.isfinite(np.asarray(each, dtype=float)).all()
    ]
    if names:
        raise RuntimeError(f"{what} not finite: {listed_briefly(names)}")
