"""Missing rows: the reserved key `missing` of a design, and which rows are observed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field, Strict

from recovery.common.errors import shown
from recovery.families.designs.collected_faults import Faults, Place, one_of, unknown
from recovery.families.designs.variables import Factor

Missing = float | dict[str, dict[str, Any]]
"""Chance that a row is missing, or `{factor: {level: chance}}`, or of the cells of two factors:
`{"factor:factor": {level: {level: chance}}}`."""

_CHANCE = Annotated[float, Strict(), Field(ge=0, lt=1)]
_PLACE: Place = ("design", "missing")


def read_missing(value: Any, factors: Mapping[str, Factor], faults: Faults) -> Missing | None:
    """Return the chances that rows are missing, and add faults; None if no row can be missing."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        return faults.checked(_CHANCE, value, _PLACE) or None
    if len(value) != 1 or not all(isinstance(key, str) for key in value):
        faults.add(_PLACE, f"got the keys {shown(list(value))}, must have one key: the factors")
        return None
    [(key, chances)] = value.items()
    names = key.split(":")
    if len(names) > 2 or len(set(names)) < len(names):
        faults.add(_PLACE, f"got {key!r}, must be a factor, or two different ones as a:b")
        return None
    if strange := [name for name in names if name not in factors]:
        faults.add(_PLACE, unknown(strange[0], factors))
        return None
    levels = [factors[name].levels for name in names]
    return {key: _of_levels(chances, levels, (*_PLACE, key), faults)}


def _of_levels(
    value: Any, levels: list[tuple[str, ...]], place: Place, faults: Faults
) -> dict[str, Any]:
    """The chances in the order of the levels."""
    first, *others = levels
    if not isinstance(value, Mapping):
        faults.add(
            place, f"got {shown(value)}, must have a value for each level: {', '.join(first)}"
        )
        return {}
    for level in value:
        if level not in first:
            faults.add((*place, str(level)), f"unknown level, must be {one_of(level, first)}")
    if absent := [level for level in first if level not in value]:
        faults.add((*place, absent[0]), "missing, must be given")
    return {
        level: _of_levels(value[level], others, (*place, level), faults)
        if others
        else faults.checked(_CHANCE, value[level], (*place, level))
        for level in first
        if level in value
    }


def observed_rows(
    missing: Missing,
    columns: Mapping[str, np.ndarray],
    grouping: Iterable[str],
    rng: np.random.Generator,
) -> np.ndarray:
    """Return which rows are not missing.

    Every row is missing with its chance, independently. The row with the largest random number
    of every group of every grouping factor is kept.

    Parameters
    ----------
    missing : float or dict
        Of a Design.
    columns : mapping
        All rows of a dataset.
    grouping : iterable of str
        The grouping factors.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of bool, shape (n_rows,)
    """
    groups = [columns[name] for name in grouping]
    uniform = rng.random(groups[0].size)
    observed = uniform >= _chances(missing, columns)
    for group in groups:
        order = np.lexsort([uniform, group])
        observed[order[np.diff(group[order], append=0) != 0]] = True
    return observed


def _chances(missing: Missing, columns: Mapping[str, np.ndarray]) -> float | np.ndarray:
    """The chance of every row, or of all rows."""
    if not isinstance(missing, dict):
        return missing
    [(key, chances)] = missing.items()
    names = key.split(":")
    table = np.array(_as_lists(chances))
    return table[tuple(columns[name] - 1 for name in names)]


def _as_lists(chances: Any) -> Any:
    if not isinstance(chances, dict):
        return chances
    return [_as_lists(part) for part in chances.values()]
