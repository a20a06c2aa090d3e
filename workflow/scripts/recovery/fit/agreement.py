"""How estimates of participants' coefficients agree with the true values, in one fit."""

from __future__ import annotations

import numpy as np


def agreement(estimates: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Return how posterior means agree with true values, over the participants of one fit.

    Parameters
    ----------
    estimates, truth : ndarray, shape (n_participants,)

    Returns
    -------
    dict
        rmse, correlation, and shrinkage_slope: that of the least-squares line of estimates
        on true values, 1 without shrinkage and 0 when all estimates are alike. The last
        two are NaN when true values do not vary, or by too little for a computer.
    """
    centred = truth - truth.mean()
    with np.errstate(over="ignore", invalid="ignore"):  # of means too large to be squared
        spread, covariance = centred @ centred, centred @ (estimates - estimates.mean())
        # Not by squares alone: rounding leaves them above 0, and very small ones lose their digits.
        varies = np.ptp(truth) > 0 and spread >= np.finfo(float).tiny
        total = np.sqrt(spread * np.square(estimates - estimates.mean()).sum())
        return {
            "rmse": float(np.sqrt(np.mean((estimates - truth) ** 2))),
            "correlation": float(covariance / total) if varies and total > 0 else np.nan,
            "shrinkage_slope": float(covariance / spread) if varies else np.nan,
        }
