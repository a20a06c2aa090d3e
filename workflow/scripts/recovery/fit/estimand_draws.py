"""Draws of estimands, computed from those of parameters."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from recovery.engines.protocol import Draws
from recovery.families.estimands import Estimand


def with_estimands(
    draws: Draws, estimands: Mapping[str, Estimand], scored: Collection[str]
) -> Draws:
    """Return the draws with a column for every estimand that the model scores."""
    chosen = [each for name, each in estimands.items() if name in scored]
    if not chosen:
        return draws
    values = {name: draws.values[:, :, column] for column, name in enumerate(draws.names)}
    for each in chosen:
        values[each.name] = each.value(values)
    columns = [values[each.name] for each in chosen]
    names = [*draws.names, *(each.name for each in chosen)]
    return replace(draws, names=names, values=np.dstack([draws.values, *columns]))
