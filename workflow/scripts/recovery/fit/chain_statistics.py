"""Rhat, effective sample sizes and Monte Carlo standard errors, of all columns of draws at once.

ArviZ and the R package posterior compute the same numbers one column at a time. Arrays of draws
have the shape (n_columns, n_chains, n_draws) here. Equations are those of Vehtari, Gelman, Simpson,
Carpenter & Burkner (2021), doi:10.1214/20-BA1221.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from scipy.special import betaincinv, ndtri

STATISTICS = ("rhat", "ess_bulk", "ess_tail", "mcse_mean")
_COLUMNS = 32
"""Columns computed together: their draws fit the processor's cache."""
_DIRECT_LAGS = 24
"""Autocovariances computed one by one. Slower chains need more, from a Fourier transform."""
_RESOLUTION = np.finfo(float).resolution
_ONE_SIGMA = (0.1586553, 0.8413447)  # the probabilities of a normal distribution's mean -+ its SD
_WORD = 64  # bits


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
    split, flat = split_chains(values), values.reshape(len(values), -1)
    scores, ordered = _normal_scores(split)
    half = ordered.shape[1] // 2
    median = (ordered[:, half] + ordered[:, -half - 1]) / 2  # its two draws are as far from it
    folded, _ = _normal_scores(np.abs(split - median[:, None, None]))
    bulk, mean = ess(np.concatenate([scores, split])).reshape(2, -1)
    if split.size < values.size:  # a draw of each chain is left out
        ordered = np.sort(flat, axis=1)
    tails = _ess_of_quantiles(split, quantiles_of(ordered, [0.05, 0.95]))
    return (
        np.fmax(rhat(scores), rhat(folded)),  # folded chains may all be constant
        bulk,
        tails.min(axis=0),
        flat.std(axis=1, ddof=1) / np.sqrt(mean),
    )


def sd_errors(values: np.ndarray) -> np.ndarray:
    """Return the MCSE of each column's standard deviation.

    It is that of the mean of squared deviations, by the delta method, as in the R package
    posterior. (ArviZ takes the effective sample size of the draws instead, which is another one
    where chains are antithetic.)

    Returns
    -------
    ndarray, shape (n_columns,)
        NaN for a column that is constant or has a non-finite draw.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        squares = np.square(values - values.mean(axis=(1, 2))[:, None, None])
        variance = squares.mean(axis=(1, 2))
        of_variance = (np.square(squares).mean(axis=(1, 2)) - variance**2) / ess(
            split_chains(squares)
        )
        errors = np.sqrt(of_variance / variance / 4)
    return np.where(values.max(axis=(1, 2)) > values.min(axis=(1, 2)), errors, np.nan)


def quantile_errors(values: np.ndarray, probabilities: Sequence[float]) -> np.ndarray:
    """Return the MCSE of each column's quantiles.

    It is half the distance between the draws at the bounds of a 68 % interval of the quantile's
    rank, from the effective sample size of the draws below the quantile (section 4.4).

    Returns
    -------
    ndarray, shape (n_probabilities, n_columns)
        NaN for a column that is constant or has a non-finite draw.
    """
    result = np.full((len(probabilities), len(values)), np.nan)
    finite = np.isfinite(values).all(axis=(1, 2))
    varying = np.flatnonzero(finite & (values.max(axis=(1, 2)) > values.min(axis=(1, 2))))
    for columns in _blocks(varying, _COLUMNS):
        ordered = np.sort(values[columns].reshape(len(columns), -1), axis=1)
        quantiles = quantiles_of(ordered, probabilities)
        sizes = _ess_of_quantiles(split_chains(values[columns]), quantiles)
        p, n = np.asarray(probabilities)[:, None], ordered.shape[1]
        low, high = (
            betaincinv(sizes * p + 1, sizes * (1 - p) + 1, bound) * n - 1 for bound in _ONE_SIGMA
        )
        first = np.floor(np.maximum(low, 0)).astype(int)
        last = np.ceil(np.minimum(high, n - 1)).astype(int)
        rows = np.arange(len(columns))
        result[:, columns] = (ordered[rows, last] - ordered[rows, first]) / 2
    return result


def _ess_of_quantiles(split: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Effective sample sizes of the share of draws at or below each quantile.

    Parameters
    ----------
    split : ndarray, shape (n_columns, n_chains, n_draws)
    quantiles : ndarray, shape (n_probabilities, n_columns)

    Returns
    -------
    ndarray, shape (n_probabilities, n_columns)
    """
    below = split[None] <= quantiles[:, :, None, None]
    flat = below.reshape(-1, *split.shape[1:])
    constant = (flat == flat[:, :1, :1]).all(axis=(1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        return _sizes(_BinaryAutocorrelations(flat), constant).reshape(quantiles.shape)


def quantiles_of(ordered: np.ndarray, probabilities: Sequence[float]) -> np.ndarray:
    """Return quantiles of sorted columns: NumPy's to the last bit, which would sort them again.

    Parameters
    ----------
    ordered : ndarray, shape (n_columns, n_values)

    Returns
    -------
    ndarray, shape (n_probabilities, n_columns)
    """
    place = np.asarray(probabilities) * (ordered.shape[1] - 1)
    first = np.floor(place).astype(int)
    below = ordered.T[first]
    above = ordered.T[np.minimum(first + 1, ordered.shape[1] - 1)]
    share = (place - first)[:, None]
    step = above - below
    return np.where(share < 0.5, below + step * share, above - step * (1 - share))


def highest_density(ordered: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the bounds of the shortest interval with a share of sorted columns' values.

    Of several shortest ones, the lowest, as ArviZ has it.

    Parameters
    ----------
    ordered : ndarray, shape (n_columns, n_values)
    level : float
        The interval has floor(level n_values) + 1 values.

    Returns
    -------
    lower, upper : ndarray, shape (n_columns,)
    """
    inside = int(level * ordered.shape[1])
    with np.errstate(invalid="ignore", over="ignore"):
        widths = ordered[:, inside:] - ordered[:, : ordered.shape[1] - inside]
    first = widths.argmin(axis=1)
    rows = np.arange(len(ordered))
    return ordered[rows, first], ordered[rows, first + inside]


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
    constant = values.max(axis=(1, 2)) - values.min(axis=(1, 2)) < _RESOLUTION
    return _sizes(_RealAutocorrelations(values), constant)


def _sizes(autocorrelations: _Autocorrelations, constant: np.ndarray) -> np.ndarray:
    """Effective sample sizes, given which columns are constant."""
    size = autocorrelations.n_chains * autocorrelations.n
    time = np.maximum(_autocorrelation_time(autocorrelations), 1 / np.log10(size))
    return np.where(constant, size, size / time)


def _autocorrelation_time(autocorrelations: _Autocorrelations) -> np.ndarray:
    """Return the sum of autocorrelations over all lags, by Geyer's initial monotone sequence.

    Lags are added in pairs until the sum of a pair is not positive; no pair counts more than the
    one before. Of the last pair the even lag counts if it is positive.
    """
    n_pairs, n_columns = (autocorrelations.n - 1) // 2, len(autocorrelations.total)
    time, last = np.full(n_columns, -1.0), np.zeros(n_columns)
    smallest = np.full(n_columns, np.inf)
    active = np.arange(n_columns)
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
    """Autocorrelations of columns, over all chains (eq. 10).

    Parameters
    ----------
    n : int
        The number of draws of a chain.
    means, variances : ndarray, shape (n_columns, n_chains)
        Of every chain; variances are divided by n.
    """

    def __init__(self, n: int, means: np.ndarray, variances: np.ndarray):
        self.n, self.n_chains = n, means.shape[1]
        self.variance = variances.mean(axis=1)
        between = means.var(axis=1, ddof=1) if self.n_chains > 1 else 0.0
        self.total = self.variance + between
        with np.errstate(invalid="ignore"):  # 0 / 0 for a column that is constant
            self.constant = 1 - self.variance * n / (n - 1) / self.total

    def pair(self, lag: int, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the autocorrelations of some columns at an even lag and the next."""
        constant, total = self.constant[columns], self.total[columns]
        first = self.autocovariance(lag, columns) if lag else self.variance[columns]
        with np.errstate(invalid="ignore"):
            even = constant + first / total
            odd = constant + self.autocovariance(lag + 1, columns) / total
        return (even if lag else np.where(np.isnan(even), even, 1.0)), odd

    def autocovariance(self, lag: int, columns: np.ndarray) -> np.ndarray:
        """Return the autocovariance of some columns at a lag, the mean of their chains."""
        raise NotImplementedError


class _RealAutocorrelations(_Autocorrelations):
    """Those of real numbers: a few lags one by one, more by a Fourier transform."""

    def __init__(self, values: np.ndarray):
        means = values.mean(axis=2)
        self.centred = values - means[:, :, None]
        n = values.shape[2]
        super().__init__(n, means, np.einsum("kmi,kmi->km", self.centred, self.centred) / n)
        self.transformed: np.ndarray | None = None

    def autocovariance(self, lag: int, columns: np.ndarray) -> np.ndarray:
        """Return the autocovariance of some columns at a lag, the mean of their chains."""
        if lag < _DIRECT_LAGS:
            centred = self.centred[columns] if len(columns) < len(self.centred) else self.centred
            products = np.einsum("kmi,kmi->k", centred[:, :, : self.n - lag], centred[:, :, lag:])
            return products / (self.n_chains * self.n)
        if self.transformed is None:
            self.transformed = np.empty((len(self.centred), self.n))
            self.transformed[columns] = _all_lagged_products(self.centred[columns])
        return self.transformed[columns, lag]


class _BinaryAutocorrelations(_Autocorrelations):
    """Those of zeros and ones, of which a machine word holds 64: products are counted in words."""

    def __init__(self, ones: np.ndarray):
        n = ones.shape[2]
        packed = np.packbits(ones, axis=2, bitorder="little")
        padding = -packed.shape[2] % 8 + 8  # a word of zeros at the end
        packed = np.pad(packed, ((0, 0), (0, 0), (0, padding)))
        self.words = packed.view("<u8").astype(np.uint64)
        self.before = np.zeros(self.words.shape, dtype=np.int64)  # ones in the words before
        np.cumsum(np.bitwise_count(self.words)[:, :, :-1], axis=2, out=self.before[:, :, 1:])
        self.ones = self.before[:, :, -1]
        self.means = self.ones / n
        super().__init__(n, self.means, self.means * (1 - self.means))

    def autocovariance(self, lag: int, columns: np.ndarray) -> np.ndarray:
        """Return the autocovariance of some columns at a lag, the mean of their chains."""
        words, means = self.words[columns], self.means[columns]
        skipped, bits = divmod(lag, _WORD)
        later = words[:, :, skipped:] >> np.uint64(bits)
        if bits:
            later[:, :, :-1] |= words[:, :, skipped + 1 :] << np.uint64(_WORD - bits)
        both = np.bitwise_count(words[:, :, : later.shape[2]] & later).sum(axis=2, dtype=np.int64)
        first = self._ones_of_first(self.n - lag, columns)
        last = self.ones[columns] - self._ones_of_first(lag, columns)
        products = both - means * (first + last) + (self.n - lag) * means**2
        return products.mean(axis=1) / self.n

    def _ones_of_first(self, number: int, columns: np.ndarray) -> np.ndarray:
        """The ones among the first draws of each chain."""
        word, bits = divmod(number, _WORD)
        mask = np.uint64((1 << bits) - 1)
        return self.before[columns, :, word] + np.bitwise_count(self.words[columns, :, word] & mask)


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
    ordered_scores = _scores_of_ranks(flat.shape[1])[_twice_ranks(ordered)]
    np.put_along_axis(scores, order, ordered_scores, axis=1)
    return scores.reshape(values.shape), ordered


def _twice_ranks(ordered: np.ndarray) -> np.ndarray:
    """Return the ranks of sorted values times 2; equal values have the mean of their ranks."""
    n_columns, size = ordered.shape
    starts = np.ones((n_columns, size + 1), dtype=bool)  # where other values begin, or the end
    np.not_equal(ordered[:, 1:], ordered[:, :-1], out=starts[:, 1:-1])
    places = np.flatnonzero(starts) - np.repeat(np.arange(n_columns), starts.sum(axis=1))
    first, counts = places[:-1], np.diff(places)
    twice = 2 * (first % size) + 1 + counts
    return np.repeat(twice, counts).reshape(ordered.shape)


@cache
def _scores_of_ranks(size: int) -> np.ndarray:
    """Scores of ranks in steps of one half, from rank 0, which no value has."""
    with np.errstate(invalid="ignore"):
        return ndtri((np.arange(2 * size + 1) / 2 - 3 / 8) / (size + 1 / 4))


def _blocks(columns: np.ndarray, size: int) -> Iterator[np.ndarray]:
    for first in range(0, len(columns), size):
        yield columns[first : first + size]
