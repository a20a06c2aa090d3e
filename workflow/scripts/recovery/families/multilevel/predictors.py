"""Simulated designs: participant and predictors of every row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recovery.families.family import Columns
from recovery.families.multilevel.parameter_types import Design


def simulate_design(
    names: Sequence[str],
    design: Design,
    participants: int,
    observations: int,
    rng: np.random.Generator,
) -> Columns:
    """Return participant and predictors of every row of a dataset."""
    participant = np.repeat(np.arange(1, participants + 1), observations)
    columns: Columns = {"participant": participant}
    for name in names:
        if design.x == "days" and name == names[0]:
            columns[name] = np.tile(np.arange(observations, dtype=float), participants)
        else:
            columns[name] = rng.normal(size=participant.size)
    if design.missing is not None:
        observed = _observed_rows(participant, design.missing, rng)
        columns = {name: values[observed] for name, values in columns.items()}
    return columns


def _observed_rows(participant: np.ndarray, missing: float, rng: np.random.Generator) -> np.ndarray:
    """Which rows are not missing: each with this probability, at least one per participant."""
    uniform = rng.random(participant.size)
    kept = [rows[np.argmax(uniform[rows])] for rows in _rows_by_participant(participant)]
    observed = uniform >= missing
    observed[kept] = True
    return observed


def _rows_by_participant(participant: np.ndarray) -> list[np.ndarray]:
    first = np.unique(participant, return_index=True)[1]
    return np.split(np.arange(participant.size), first[1:])
