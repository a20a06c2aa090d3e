"""Effects of crossed factors on the means of cells, some of which share their datasets. Pure.

Scenarios have independent datasets. The cells of a scenario are fitted to the same datasets, so
the means of a scenario have a covariance matrix. Every cell has the same weight, whatever its
number of datasets (sums of squares of type III, with contrasts that sum to zero).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy import special

ROUNDING = 1e-10  # largest relative variance, or squared difference, due to rounding


class Moments(NamedTuple):
    """Means of the cells of all scenarios.

    Parameters
    ----------
    mean : ndarray, shape (n_scenarios, n_cells)
        `n_cells` is the number of cells of a scenario.
    covariance : ndarray, shape (n_scenarios, n_cells, n_cells)
        Of the means of each scenario: the covariance of its datasets over their number.
    n : ndarray of int, shape (n_scenarios,)
        Number of datasets.
    """

    mean: np.ndarray
    covariance: np.ndarray
    n: np.ndarray


class Wald(NamedTuple):
    """An F statistic with its degrees of freedom and p-value; NaN if there is no test."""

    statistic: float = np.nan
    df: float = np.nan
    df_error: float = np.nan
    p_value: float = np.nan


class Difference(NamedTuple):
    """The largest less the smallest marginal mean of a factor, with its standard error."""

    value: float
    mcse: float
    smallest: int  # index of its level
    largest: int


def terms(sizes: Mapping[str, int]) -> list[tuple[str, ...]]:
    """Return the main effects and two-way interactions of the factors with several levels."""
    factors = [name for name, size in sizes.items() if size > 1]
    return [*((name,) for name in factors), *combinations(factors, 2)]


def degrees(term: tuple[str, ...], sizes: Mapping[str, int]) -> int:
    """Return the number of contrasts of a term."""
    return int(np.prod([sizes[name] - 1 for name in term]))


def contrasts(term: tuple[str, ...], sizes: Mapping[str, int], n_scenarios: int) -> np.ndarray:
    """Return the contrasts of a term, shape (degrees, n_scenarios, n_cells).

    Parameters
    ----------
    sizes : mapping of str to int
        Factor -> number of levels; the last factor varies fastest over the cells.
    """
    parts = [
        _orthonormal(size) if name in term else np.full((1, size), 1 / size)
        for name, size in sizes.items()
    ]
    product = reduce(np.kron, parts)
    return product.reshape(len(product), n_scenarios, -1)


def _orthonormal(size: int) -> np.ndarray:
    """Orthonormal contrasts of the levels of a factor, shape (size - 1, size)."""
    return np.linalg.svd(np.eye(size) - 1 / size)[2][:-1]


def shares(moments: Moments, sizes: Mapping[str, int]) -> dict[tuple[str, ...], float]:
    """Return each term's share of the differences between cells, without Monte Carlo noise.

    The sum of squares of a term is the quadratic form of a projection, whose expectation is that
    of the true means plus the trace of the projection times the covariance. This trace is
    subtracted, as in Hays' omega squared, and a negative result becomes 0. The shares are of the
    sum of all terms, with all interactions of more than two factors as one of them. All are NaN
    if that sum is 0.
    """
    n_cells = moments.mean.size
    found = {}
    for term in terms(sizes):
        weights = contrasts(term, sizes, len(moments.n))
        scale = n_cells / np.prod([sizes[name] for name in term])
        values = np.einsum("qsc,sc->q", weights, moments.mean)
        noise = np.einsum("qsc,scd,qsd->", weights, moments.covariance, weights, optimize=True)
        found[term] = np.array([values @ values, noise]) * scale
    centred = moments.mean - moments.mean.mean()
    noise = (
        np.trace(moments.covariance, axis1=1, axis2=2).sum() - moments.covariance.sum() / n_cells
    )
    whole = np.array([(centred * centred).sum(), noise])
    rest = whole - sum(found.values())
    least = ROUNDING * max(whole.sum(), ROUNDING * (moments.mean**2).sum())
    parts = {term: square - noise for term, (square, noise) in [*found.items(), ((), rest)]}
    positive = {term: part if part > least else 0.0 for term, part in parts.items()}
    total = sum(positive.values())
    return {term: positive[term] / total if total > 0 else np.nan for term in found}


def wald(moments: Moments, weights: np.ndarray) -> Wald:
    """Test that contrasts of the means are 0, by an approximate Hotelling T squared.

    T squared is the quadratic form of the contrasts in the inverse of their covariance W. W is a
    sum over scenarios of independent matrices, each Wishart for normal data, with the error
    degrees of freedom nu of one Wishart matrix of the same mean and total variance. Then
    (nu - q + 1) / (nu q) T^2 has the F distribution with q and nu - q + 1 degrees of freedom. For
    one scenario this is Hotelling's exact test, for one contrast Welch's.

    Directions in which neither the contrasts nor the data vary are left out. If no dataset
    contradicts a difference in some direction, the p-value is that of equal signs in all datasets
    of the smallest scenario. There is no test with too few datasets (nu - q + 1 not positive).

    References
    ----------
    Krishnamoorthy & Yu (2004), doi:10.1016/j.spl.2003.10.012, eq. 2.9; Pustejovsky & Tipton
    (2018), doi:10.1080/07350015.2016.1247004, section 3.2.
    """
    q, values = len(weights), np.einsum("qsc,sc->q", weights, moments.mean)
    if (moments.n - 1).sum() < q:
        return Wald()
    half = np.einsum("qsc,scd->sqd", weights, moments.covariance, optimize=True)
    variance, axes = np.linalg.eigh(np.einsum("sqd,rsd->qr", half, weights, optimize=True))
    scale = np.einsum("qsc,sc->q", np.abs(weights), np.abs(moments.mean)).max() ** 2
    varies = variance > ROUNDING * max(variance.max(), ROUNDING * scale)
    turned = axes.T @ values
    if (turned[~varies] ** 2 > ROUNDING * max(variance.max(), scale * ROUNDING)).any():
        return Wald(df=q, p_value=2.0 ** (1 - moments.n.min()))
    q = int(varies.sum())
    if q == 0:
        return Wald(0.0, 0, np.nan, 1.0)
    whitened = axes[:, varies] / np.sqrt(variance[varies])
    t_squared = float(((values @ whitened) ** 2).sum())
    df_error = _error_degrees(np.einsum("qr,qsc->src", whitened, weights), moments) - q + 1
    if df_error <= 0:
        return Wald(df=q)
    f = t_squared * df_error / ((df_error + q - 1) * q)
    return Wald(f, q, df_error, float(special.fdtrc(q, df_error, f)))


def _error_degrees(whitened: np.ndarray, moments: Moments) -> float:
    """Degrees of freedom of the covariance of whitened contrasts, shape (n_scenarios, q, n_cells).

    Each scenario adds a matrix of mean M with n - 1 degrees of freedom, whose entries have the
    total variance (tr(M)^2 + tr(M^2)) / (n - 1).
    """
    q = whitened.shape[1]
    turned = np.swapaxes(whitened, 1, 2) @ whitened @ moments.covariance
    traces = np.trace(turned, axis1=1, axis2=2)
    squares = np.einsum("scd,sdc->s", turned, turned)
    return q * (q + 1) / float(((traces**2 + squares) / (moments.n - 1)).sum())


def largest_difference(moments: Moments, factor: str, sizes: Mapping[str, int]) -> Difference:
    """Return the largest difference of the marginal means of a factor, by the estimated means."""
    parts = [
        np.eye(size) if name == factor else np.full((1, size), 1 / size)
        for name, size in sizes.items()
    ]
    weights = reduce(np.kron, parts).reshape(sizes[factor], len(moments.n), -1)
    marginal = np.einsum("lsc,sc->l", weights, moments.mean)
    smallest, largest = int(marginal.argmin()), int(marginal.argmax())
    weight = weights[largest] - weights[smallest]
    variance = float(np.einsum("sc,scd,sd->", weight, moments.covariance, weight))
    value = float(marginal[largest] - marginal[smallest])
    return Difference(value, np.sqrt(max(variance, 0.0)), smallest, largest)


def each_effect(
    moments: Moments, sizes: Mapping[str, int]
) -> Iterator[tuple[tuple[str, ...], float, Wald]]:
    """Yield each term with its share and its test."""
    share = shares(moments, sizes)
    for term in terms(sizes):
        yield term, share[term], wald(moments, contrasts(term, sizes, len(moments.n)))
