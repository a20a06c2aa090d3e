"""Data as both engines take them: what JSON has, and nothing that Stan reads in another way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """Return data as dicts, lists and numbers.

    Tuples become lists, since CmdStanPy writes them as Stan's tuples, which are dicts of
    "1", "2", ... here. Booleans become 0 and 1, complex numbers their two parts.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if type(value) in (int, float):
        return value
    array = np.asarray(value)
    if array.dtype.kind == "c":
        array = np.stack([array.real, array.imag], axis=-1)
    elif array.dtype.kind == "b":
        array = array.astype(int)
    found = array.tolist()
    return plain(found) if array.dtype == object and array.ndim else found
