"""Leave-one-out predictive accuracy of one fit, by observation or by participant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from pydantic import BaseModel

from recovery.engines.protocol import Draws
from recovery.families.family import Columns, Family, Unit
from recovery.fit import finite_numbers, posterior

MOST_VALUES = 1_000_000  # of a log likelihood, in memory at once


def row_of_fit(
    family: Family, model: str, prior: BaseModel, draws: Draws, columns: Columns, unit: Unit
) -> dict[str, Any]:
    """Return a row of the table `loo`.

    Parameters
    ----------
    unit : {"observation", "participant"}
        The unit that is left out of the data.

    Raises
    ------
    RuntimeError
        If the family has no such log likelihood, or if it is not finite.
    """
    flat = draws.values.reshape(-1, len(draws.names))
    values = {name: flat[:, place] for place, name in enumerate(draws.names)}
    parameters = [name for name in family.MODELS[model].scored if name not in family.ESTIMANDS]
    efficiency = posterior.relative_efficiency(draws, parameters)
    parts, first, columns = [], 1, family.for_parts(columns)
    for rows in _chunks(_unit_numbers(family, columns, unit), max(1, MOST_VALUES // len(flat))):
        chunk = {name: column[rows] for name, column in columns.items()}
        log_likelihood = family.log_likelihood_of(unit, model, prior, values, chunk)
        if log_likelihood is None:
            raise RuntimeError(f"{model}: has no log likelihood of one {unit}")
        finite_numbers.require(
            "log likelihood",
            {f"{unit} {first + place}": row for place, row in enumerate(log_likelihood)},
        )
        first += len(log_likelihood)
        parts.append(posterior.leave_one_out(log_likelihood, efficiency))
    elpd, p_loo, k = (np.concatenate(part) for part in zip(*parts, strict=True))
    return {
        "left_out": unit,
        "n_units": elpd.size,
        "elpd_loo": elpd.sum(),
        "se": standard_error(elpd),
        "p_loo": p_loo.sum(),
        "n_high_k": int((k > posterior.largest_reliable_k(len(flat))).sum()),
        "max_k": k.max(),
        "pointwise": elpd,
    }


def _unit_numbers(family: Family, columns: Columns, unit: str) -> np.ndarray:
    """One number per row, equal in the rows of one unit."""
    if unit == "participant":
        return columns[family.PARTICIPANT]
    return np.arange(len(next(iter(columns.values()))))


def _chunks(numbers: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """The rows of each chunk of at most `size` units."""
    units = np.unique(numbers)
    for first in range(0, units.size, size):
        yield np.flatnonzero(np.isin(numbers, units[first : first + size]))


def standard_error(pointwise: np.ndarray) -> float:
    """Return the standard error of a sum over independent units; NaN for a single unit.

    References
    ----------
    Vehtari, Gelman & Gabry (2017), doi:10.1007/s11222-016-9696-4, equations 23 and 24.
    """
    n = pointwise.size
    return float(np.sqrt(n * pointwise.var(ddof=1))) if n > 1 else np.nan
