"""Agreement of the estimates of groups' coefficients with their true values, in one fit."""

from __future__ import annotations

import numpy as np


def agreement(estimates: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Return measures of agreement of posterior means with true values, over groups.

    Parameters
    ----------
    estimates, truth : ndarray, shape (n_groups,)

    Returns
    -------
    dict
        rmse, correlation, and shrinkage_slope: the slope of the least-squares line of
        estimates on true values, which is 1 without shrinkage and 0 when all estimates are
        equal. The last two are NaN when the true values do not vary by more than rounding.
    """
    centred = truth - truth.mean()
    with np.errstate(over="ignore", invalid="ignore"):  # means too large to be squared
        spread, covariance = centred @ centred, centred @ (estimates - estimates.mean())
        # Rounding leaves the sum of squares above 0, and a very small sum loses its digits.
        varies = np.ptp(truth) > 0 and spread >= np.finfo(float).tiny
        total = np.sqrt(spread * np.square(estimates - estimates.mean()).sum())
        return {
            "rmse": float(np.sqrt(np.mean((estimates - truth) ** 2))),
            "correlation": float(covariance / total) if varies and total > 0 else np.nan,
            "shrinkage_slope": float(covariance / spread) if varies else np.nan,
        }
