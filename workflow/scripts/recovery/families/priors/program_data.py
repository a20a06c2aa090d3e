"""The priors of a program's parameters as its data: stan/priors/data.stan declares them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from recovery.families.priors.bounded import Bounded
from recovery.families.priors.distributions import Constant

MOST_ARGUMENTS = 3


def program_data(priors: Sequence[Bounded]) -> dict[str, Any]:
    """Return the data of stan/priors/data.stan for the parameters of a program, in its order.

    ValueError if a distribution is wrong for its parameter.
    """
    for prior in priors:
        if fault := prior.fault():
            raise ValueError(f"{prior.distribution} {fault}")
    free = [prior for prior in priors if not isinstance(prior.distribution, Constant)]
    fixed = [prior for prior in priors if isinstance(prior.distribution, Constant)]
    places = iter(range(1, len(free) + 1)), iter(range(len(free) + 1, len(priors) + 1))
    is_fixed = [isinstance(prior.distribution, Constant) for prior in priors]
    low, high = (np.array([prior.support[k] for prior in free]) for k in (0, 1))
    arguments = np.zeros((len(free), MOST_ARGUMENTS))
    for row, prior in zip(arguments, free, strict=True):
        row[: len(prior.distribution.arguments)] = prior.distribution.arguments
    return {
        "n_parameters": len(priors),
        "n_free": len(free),
        "position": [next(places[each]) for each in is_fixed],
        "constants": [prior.distribution.arguments[0] for prior in fixed],
        "n_bounds": np.isfinite(low).astype(int) + np.isfinite(high),
        "prior_lower": np.where(np.isfinite(low), low, 0.0),
        "prior_upper": np.where(np.isfinite(high), high, 0.0),
        "prior_distribution": [prior.distribution.CODE for prior in free],
        "prior_arguments": arguments,
        "prior_log_mass": math.fsum(prior.log_mass for prior in free),
    }
