"""Estimands that are linear combinations of parameters."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recovery.families.estimands.combination import Combination
from recovery.families.estimands.estimand import Estimand


def linear(name: str, text: str, combination: Combination) -> Estimand:
    """Return a linear combination of parameters, without means, as an estimand."""
    weights = {term: weight for term, weight in combination.terms.items() if isinstance(term, str)}
    constant = combination.constant

    def compute(values: Mapping[str, np.ndarray]) -> np.ndarray:
        return np.asarray(constant + sum(w * values[each] for each, w in weights.items()))

    return Estimand(name, text, tuple(weights), compute, weights, constant)
