"""The draws of a study as ArviZ's InferenceData, for its readers; no job imports this."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recovery import tables
from recovery.engines.protocol import SAMPLER_COLUMNS

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
    return from_dict({"posterior": _variables(chains, names), "sample_stats": statistics})


def _variables(chains: dict[str, np.ndarray], names: Sequence[str]) -> dict[str, np.ndarray]:
    """Join `beta[1]`, `beta[2]`, ... to one array `beta` whose last dimensions are the indices."""
    places: dict[str, dict[tuple[int, ...], np.ndarray]] = {}
    for name in names:
        variable, _, inside = name.partition("[")
        index = tuple(int(number) - 1 for number in re.findall(r"\d+", inside))
        places.setdefault(variable, {})[index] = chains[name]
    joined = {}
    for variable, elements in places.items():
        largest = np.max(list(elements), axis=0) if () not in elements else ()
        shape = tuple(int(number) + 1 for number in largest)
        variable_draws = np.empty((*next(iter(elements.values())).shape, *shape))
        for index, values in elements.items():
            place: Any = (..., *index)
            variable_draws[place] = values
        joined[variable] = variable_draws
    return joined
