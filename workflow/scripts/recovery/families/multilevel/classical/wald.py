"""Estimates with standard errors, and the intervals computed from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import special

from recovery.families.estimators import Estimates


def normal(names: Sequence[str], value: np.ndarray, error: np.ndarray) -> Estimates:
    """Return estimates with normal intervals."""
    return Estimates(names, value, error, lambda p: value + special.ndtri(p) * error)


def student(names: Sequence[str], value: np.ndarray, error: np.ndarray, df: float) -> Estimates:
    """Return estimates with intervals from Student's t."""
    return Estimates(
        names, value, error, lambda p: value + special.stdtrit(df, p) * error, df=lambda _: df
    )


def coefficients(
    names: Sequence[str], value: np.ndarray, covariance: np.ndarray, df: float = np.inf
) -> Estimates:
    """Return estimates whose covariance is known, with intervals from Student's t or normal."""
    error = np.sqrt(np.diag(covariance))
    found = normal(names, value, error) if np.isinf(df) else student(names, value, error, df)
    return replace(found, covariance=covariance)


def logarithmic(names: Sequence[str], value: np.ndarray, error: np.ndarray) -> Estimates:
    """Return standard deviations with intervals that are normal for their logarithm.

    Parameters
    ----------
    error : ndarray
        Standard errors of log `value`; the delta method gives those of `value`.

    References
    ----------
    Pinheiro & Bates (2000), Mixed-Effects Models in S and S-PLUS, section 2.4.3.
    """

    def quantile(p: float) -> np.ndarray:
        with np.errstate(over="ignore"):  # near 0, intervals can be infinite
            return value * np.exp(special.ndtri(p) * error)

    return Estimates(names, value, value * error, quantile)


def fisher(names: Sequence[str], value: np.ndarray, error: np.ndarray) -> Estimates:
    """Return correlations with intervals that are normal for Fisher's z.

    Parameters
    ----------
    error : ndarray
        Standard errors of atanh `value`; the delta method gives those of `value`.

    References
    ----------
    Pinheiro & Bates (2000), Mixed-Effects Models in S and S-PLUS, section 2.4.3.
    """
    with np.errstate(divide="ignore"):  # a correlation of 1 has no standard error
        z = np.arctanh(value)
    value_error = (1 - value**2) * error
    return Estimates(names, value, value_error, lambda p: np.tanh(z + special.ndtri(p) * error))


def residual(name: str, estimate: float, df: int) -> Estimates:
    """Return a residual standard deviation with its chi-squared interval."""
    value = np.array([estimate])
    error = value / np.sqrt(2 * df)
    return Estimates([name], value, error, lambda p: value * np.sqrt(df / special.chdtri(df, p)))
