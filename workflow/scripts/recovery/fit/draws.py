"""Writing the table of draws."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from recovery import tables
from recovery.engines.protocol import SAMPLER_COLUMNS, Draws


def columns_of(replicate: int, draws: Draws) -> dict[str, np.ndarray]:
    """Return the draws of one fit as columns of a table, with one row per chain and draw."""
    n_chains, n_draws, n_columns = draws.values.shape
    keys = {
        "replicate": np.full(n_chains * n_draws, replicate),
        "chain": np.repeat(np.arange(1, n_chains + 1), n_draws),
        "draw": np.tile(np.arange(1, n_draws + 1), n_chains),
    }
    sampler = {name: draws.sampler[name].astype(float).ravel() for name in SAMPLER_COLUMNS}
    values = draws.values.reshape(-1, n_columns).T
    return keys | sampler | dict(zip(draws.names, values, strict=True))


@contextlib.contextmanager
def writer(path: str | Path | None, identity: str) -> Iterator[Callable[[int, Draws], None] | None]:
    """Yield a function that writes the draws of a replicate; None without a path."""
    if path is None:
        yield None
        return
    with tables.appending(path, tables.DRAWS, identity) as append:
        yield lambda replicate, draws: append(columns_of(replicate, draws))
