"""Bias and RMSE of standard deviations on the log scale, and of correlations on Fisher's z.

Errors of these are skewed near 0 and near 1 or -1; on these scales they are nearly normal.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recovery.score.measures.performance_measures import ABSENT, Measure, bias, rmse
from recovery.score.measures.replicates import Replicates

MEASURES = {"log": ("log_bias", "log_rmse"), "fisher_z": ("fisher_z_bias", "fisher_z_rmse")}
"""Scale -> its measures."""

OTHER_SCALE_MEASURES = tuple(name for names in MEASURES.values() for name in names)


def scores(x: Replicates) -> dict[str, Measure]:
    """Return bias and RMSE on the parameter's other scale; empty if it has none.

    They are absent if a truth or an estimate is at the end of the scale: 0 of a standard
    deviation, 1 or -1 of a correlation.
    """
    if not x.scale:
        return {}
    of_bias, of_rmse = MEASURES[x.scale]
    transformed = _transformed(x)
    if transformed is None or len(transformed) < 2:
        return {of_bias: ABSENT, of_rmse: ABSENT}
    return {of_bias: bias(transformed), of_rmse: rmse(transformed)}


def _transformed(x: Replicates) -> Replicates | None:
    """The replicates on the other scale; None if a value is at its end."""
    transform = np.log if x.scale == "log" else np.arctanh
    with np.errstate(divide="ignore", invalid="ignore"):
        truth, mean = transform(x.truth), transform(x.mean)
    if not (np.isfinite(truth).all() and np.isfinite(mean).all()):
        return None
    return replace(x, truth=truth, mean=mean)
