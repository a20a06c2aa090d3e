"""Rhat, effective sample sizes and Monte Carlo standard errors, of all columns of draws at once.

ArviZ and the R package posterior compute the same numbers one column at a time. Arrays of draws
have the shape (n_columns, n_chains, n_draws) here. Equations are those of Vehtari, Gelman, Simpson,
Carpenter & Burkner (2021), doi:10.1214/20-BA1221.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
from scipy.special import ndtri

STATISTICS = ("rhat", "ess_bulk", "ess_tail", "mcse_mean")
_COLUMNS = 32
"""Columns computed together: their draws fit the processor's cache."""
_DIRECT_LAGS = 24
"""Autocovariances computed one by one. Slower chains need more, from a Fourier transform."""
_RESOLUTION = np.finfo(float).resolution


def convergence(values: np.ndarray) -> dict[str, np.ndarray]:
    """Return rhat, bulk and tail ESS, and the mean's MCSE of each column.

    Rhat is rank-normalised split-rhat; tail ESS is the smaller ESS of the 5 % and 95 %
    quantiles. All are NaN for a column that is constant over all draws of all chains. A column
    with a non-finite draw has an infinite rhat, an ESS of 0, and a NaN as MCSE.

    Parameters
    ----------
    values : ndarray, shape (n_columns, n_chains, n_draws)

    Returns
    -------
    dict of ndarray, each of shape (n_columns,)
        The keys are STATISTICS.
    """
    result = np.full((len(STATISTICS), len(values)), np.nan)
    finite = np.isfinite(values).all(axis=(1, 2))
    result[:, ~finite] = np.array([[np.inf], [0], [0], [np.nan]])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # chains that do not move
        varying = np.flatnonzero(finite & (values.max(axis=(1, 2)) > values.min(axis=(1, 2))))
        for columns in _blocks(varying, _COLUMNS // 4):
            result[:, columns] = _statistics(values[columns])
    return dict(zip(STATISTICS, result, strict=True))


def _statistics(values: np.ndarray) -> tuple[np.ndarray, ...]:
    split = split_chains(values)
    scores, ordered = _normal_scores(split)
    folded, _ = _normal_scores(np.abs(split - np.median(ordered, axis=1)[:, None, None]))
    flat = values.reshape(len(values), -1)
    low, high = np.quantile(flat, [0.05, 0.95], axis=1)
    tails = [(split <= bound[:, None, None]).astype(float) for bound in (low, high)]
    bulk, mean, lower, upper = ess(np.concatenate([scores, split, *tails])).reshape(4, -1)
    return (
        np.fmax(rhat(scores), rhat(folded)),  # folded chains may all be constant
        bulk,
        np.minimum(lower, upper),
        flat.std(axis=1, ddof=1) / np.sqrt(mean),
    )


def split_chains(values: np.ndarray) -> np.ndarray:
    """Return every chain as two halves; the middle draw of an odd number is left out."""
    half = values.shape[2] // 2
    return np.concatenate([values[:, :, :half], values[:, :, -half:]], axis=1)


def rhat(values: np.ndarray) -> np.ndarray:
    """Return rhat of the chains as they are (eq. 1 to 4).

    Returns
    -------
    ndarray, shape (n_columns,)
    """
    n = values.shape[2]
    within = values.var(axis=2, ddof=1).mean(axis=1)
    between = n * values.mean(axis=2).var(axis=1, ddof=1)
    return np.sqrt((between / within + n - 1) / n)


def ess(values: np.ndarray) -> np.ndarray:
    """Return the effective sample size for the mean of the chains as they are (eq. 9 to 13).

    Returns
    -------
    ndarray, shape (n_columns,)
        The number of draws for a column that is constant.
    """
    result = np.empty(len(values))
    for columns in _blocks(np.arange(len(values)), _COLUMNS):
        result[columns] = _ess(values[columns])
    return result


def _ess(values: np.ndarray) -> np.ndarray:
    size = values[0].size
    time = np.maximum(_autocorrelation_time(values), 1 / np.log10(size))
    constant = values.max(axis=(1, 2)) - values.min(axis=(1, 2)) < _RESOLUTION
    return np.where(constant, size, size / time)


def _autocorrelation_time(values: np.ndarray) -> np.ndarray:
    """Return the sum of autocorrelations over all lags, by Geyer's initial monotone sequence.

    Lags are added in pairs until the sum of a pair is not positive; no pair counts more than the
    one before. Of the last pair the even lag counts if it is positive.
    """
    n_pairs = (values.shape[2] - 1) // 2
    time, last = np.full(len(values), -1.0), np.zeros(len(values))
    smallest = np.full(len(values), np.inf)
    active = np.arange(len(values))
    autocorrelations = _Autocorrelations(values)
    for pair in range(n_pairs):
        even, odd = autocorrelations.pair(2 * pair, active)
        both = even + odd
        last[active] = np.where((even > 0) | ~(both < 0), even, 0)  # NaN stays NaN
        if pair == n_pairs - 1 or not (positive := both > 0).any():
            break
        active = active[positive]
        smallest[active] = np.minimum(smallest[active], both[positive])
        time[active] += 2 * smallest[active]
    return time + last


class _Autocorrelations:
    """Autocorrelations of columns, over all chains (eq. 10)."""

    def __init__(self, values: np.ndarray) -> None:
        _, n_chains, self.n = values.shape
        means = values.mean(axis=2)
        self.centred = values - means[:, :, None]
        self.variance = _lagged_products(self.centred, 0)
        between = means.var(axis=1, ddof=1) if n_chains > 1 else 0.0
        self.total = self.variance + between
        self.constant = 1 - self.variance * self.n / (self.n - 1) / self.total
        self.transformed: np.ndarray | None = None

    def pair(self, lag: int, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the autocorrelations of some columns at a lag and the next."""
        if lag < _DIRECT_LAGS:
            centred = self.centred[columns] if len(columns) < len(self.centred) else self.centred
            first = _lagged_products(centred, lag) if lag else self.variance[columns]
            second = _lagged_products(centred, lag + 1)
        else:
            if self.transformed is None:
                self.transformed = np.empty((len(self.centred), self.n))
                self.transformed[columns] = _all_lagged_products(self.centred[columns])
            first, second = self.transformed[columns, lag : lag + 2].T
        constant, total = self.constant[columns], self.total[columns]
        even = constant + first / total
        return (even if lag else np.where(np.isnan(even), even, 1.0)), constant + second / total


def _lagged_products(centred: np.ndarray, lag: int) -> np.ndarray:
    """Autocovariance of each column at a lag, the mean of its chains."""
    _, n_chains, n = centred.shape
    products = np.einsum("kmi,kmi->k", centred[:, :, : n - lag], centred[:, :, lag:])
    return products / (n_chains * n)


def _all_lagged_products(centred: np.ndarray) -> np.ndarray:
    """The same at all lags, shape (n_columns, n_draws), by a Fourier transform."""
    n = centred.shape[2]
    length = 1 << (2 * n - 1).bit_length()  # no lag wraps around
    spectrum = np.fft.rfft(centred, n=length, axis=2)
    power = (spectrum.real**2 + spectrum.imag**2).mean(axis=1)
    return np.fft.irfft(power, n=length, axis=1)[:, :n] / n


def _normal_scores(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return normal quantiles of the ranks in each column (eq. 14), and each column sorted."""
    flat = values.reshape(len(values), -1)
    order = flat.argsort(axis=1)
    ordered = np.take_along_axis(flat, order, axis=1)
    scores = np.empty_like(flat)
    np.put_along_axis(scores, order, _scores_of_ranks(flat.shape[1])[None], axis=1)
    for column in np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1)):
        scores[column, order[column]] = _score(_ranks_with_ties(ordered[column]), flat.shape[1])
    return scores.reshape(values.shape), ordered


def _ranks_with_ties(ordered: np.ndarray) -> np.ndarray:
    """Return the ranks of sorted values; equal values have the mean of their ranks."""
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    counts = np.diff(first, append=ordered.size)
    return np.repeat(first + (counts + 1) / 2, counts)


@cache
def _scores_of_ranks(size: int) -> np.ndarray:
    return _score(np.arange(1, size + 1), size)


def _score(ranks: np.ndarray, size: int) -> np.ndarray:
    return ndtri((ranks - 3 / 8) / (size + 1 / 4))


def _blocks(columns: np.ndarray, size: int) -> Iterator[np.ndarray]:
    for first in range(0, len(columns), size):
        yield columns[first : first + size]
