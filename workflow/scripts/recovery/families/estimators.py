"""Estimators: methods of estimation without a prior and without draws, and what they return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class Estimates:
    """Estimates of some parameters from one dataset.

    Parameters
    ----------
    names : list of str, length n
    value, error : ndarray, shape (n,)
        Estimates and their standard errors; NaN if no valid standard error exists.
    quantile : callable
        Probability -> the bounds of one-sided intervals, shape (n,); NaN without a standard
        error.
    covariance : ndarray, shape (n, n), optional
        Of the estimates; None if it is not known.
    df : callable
        Weights of the estimates, shape (n,) -> degrees of freedom of intervals of their weighted
        sum from Student's t; infinite if they are normal.
    """

    names: Sequence[str]
    value: np.ndarray
    error: np.ndarray
    quantile: Callable[[float], np.ndarray]
    covariance: np.ndarray | None = None
    df: Callable[[np.ndarray], float] = lambda _: np.inf


@dataclass(frozen=True)
class EstimatorResult:
    """The result of an estimator for one dataset.

    Parameters
    ----------
    parts : list of Estimates
        Estimates of population parameters and, if there are any, of participants'
        coefficients.
    not_converged_because : str
        Why the estimate does not count as converged; empty if it does.
    seconds : float
        Processor seconds in a process that still runs.
    """

    parts: Sequence[Estimates]
    not_converged_because: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Estimator:
    """A method of estimation without a prior and without draws.

    Parameters
    ----------
    fit : callable
        Dataset -> EstimatorResult; RuntimeError if estimates do not exist.
    label, pooling, scored, note
        As for a Model.
    library : str
        The package that computes it, which is the engine in tables.
    seconds : tuple of float
        About how long a fit takes, and how much longer with each row of data.
    version : callable, optional
        Returns the version of `library` if that is no package of Python; ValueError with what to
        install if it is missing.
    """

    fit: Callable[[dict[str, np.ndarray]], EstimatorResult]
    label: str
    pooling: Literal["complete", "none", "partial"]
    scored: tuple[str, ...]
    note: str
    library: str = "scipy"
    seconds: tuple[float, float] = (0.02, 0.00001)
    version: Callable[[], str] | None = None
