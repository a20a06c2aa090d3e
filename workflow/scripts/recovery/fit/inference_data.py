"""The draws of a study as ArviZ's InferenceData, for its readers; no job imports this."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recovery import tables
from recovery.engines.protocol import SAMPLER_COLUMNS
from recovery.families.multilevel.layout import parts_of

_ELEMENT = re.compile(r"(.+)\[(\d+(?:,\d+)*)\]")
_STATISTICS = {  # Stan's name -> ArviZ's
    "lp__": "lp",
    "divergent__": "diverging",
    "treedepth__": "tree_depth",
    "n_leapfrog__": "n_steps",
    "energy__": "energy",
}


def inference_data(path: str | Path, replicate: int) -> Any:
    """Return the draws of one fit as ArviZ's InferenceData.

    Parameters
    ----------
    path : path
        A file in `results/NAME/draws/`.
    replicate : int
        A replicate of the batch.

    Returns
    -------
    xarray.DataTree
        ArviZ's InferenceData since ArviZ 1.0: groups `posterior` and `sample_stats`.

    Raises
    ------
    KeyError
        If the replicate is not in this batch, or its fit failed.
    """
    from arviz_base import from_dict

    fits = (fit for fit in tables.read_row_groups(path) if replicate in fit["replicate"])
    if (table := next(fits, None)) is None:
        raise KeyError(f"{path}: no draws of replicate {replicate}")
    n_chains = table["chain"].max()
    chains = {name: column.reshape(n_chains, -1) for name, column in table.items()}
    names = [name for name in chains if name not in (*tables.DRAWS.names, *SAMPLER_COLUMNS)]
    statistics = {arviz: chains[stan] for stan, arviz in _STATISTICS.items()}
    statistics["diverging"] = statistics["diverging"].astype(bool)
    variables, labels = _variables(chains, names)
    return from_dict({"posterior": variables, "sample_stats": statistics}, coords=labels)


def _variables(
    chains: dict[str, np.ndarray], names: Sequence[str]
) -> tuple[dict[str, np.ndarray], dict[str, list]]:
    """Join `a[1]`, `a[2]`, ... to one array `a`; return arrays, and labels along dimensions.

    Indices are labels; those of deviations `r_participant[3,x]` are the group and the coefficient.
    """
    places: dict[str, dict[tuple, np.ndarray]] = {}
    for name in names:
        variable, index = _place(name)
        places.setdefault(variable, {})[index] = chains[name]
    joined: dict[str, np.ndarray] = {}
    labels: dict[str, list] = {}
    for variable, elements in places.items():
        known = [list(dict.fromkeys(along)) for along in zip(*elements, strict=True)]
        shape = (*next(iter(elements.values())).shape, *map(len, known))
        joined[variable] = np.full(shape, np.nan)
        for index, values in elements.items():
            place: Any = [each.index(label) for each, label in zip(known, index, strict=True)]
            joined[variable][(..., *place)] = values
        labels |= {f"{variable}_dim_{k}": each for k, each in enumerate(known)}
    return joined, labels


def _place(name: str) -> tuple[str, tuple]:
    """The variable of a draw and its indices."""
    if parts := parts_of(name):
        factor, group, coefficient = parts
        return f"r_{factor}", (group, coefficient)
    if (match := _ELEMENT.fullmatch(name)) and not re.search(r"[\[,]0\d", name):
        return match[1], tuple(map(int, match[2].split(",")))
    return name, ()
