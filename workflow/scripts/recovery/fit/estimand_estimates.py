"""Estimands of an estimator: from its estimates and their covariance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

from recovery.families.estimands import Estimand
from recovery.families.estimators import Estimates


def of_parts(estimand: Estimand, parts: Sequence[Estimates]) -> Estimates:
    """Return an estimand with its standard error.

    The standard error of a linear combination follows from the covariance of the estimates; that of
    another function by the delta method. It is NaN if they have no known covariance, as standard
    deviations do. Intervals are those of the estimates: from Student's t with their degrees of
    freedom, or normal.

    References
    ----------
    Oehlert (1992), doi:10.1080/00031305.1992.10475842 (delta method).
    """
    values = {
        name: float(value)
        for part in parts
        for name, value in zip(part.names, part.value, strict=True)
    }
    value, error, df = np.array([estimand.value(values)]), np.array([np.nan]), np.inf
    for part in parts:
        if part.covariance is not None and set(estimand.parameters) <= set(part.names):
            places = [list(part.names).index(name) for name in estimand.parameters]
            gradient = estimand.gradient(values)
            variance = gradient @ part.covariance[np.ix_(places, places)] @ gradient
            error = np.array([np.sqrt(max(variance, 0.0))])
            weights = np.zeros(len(part.names))
            weights[places] = gradient
            df = part.df(weights)

    def quantile(p: float) -> np.ndarray:
        steps = special.ndtri(p) if np.isinf(df) else special.stdtrit(df, p)
        return value + steps * error

    return Estimates([estimand.name], value, error, quantile, df=lambda _: df)
