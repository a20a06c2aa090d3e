"""Bayes factors of one fit against values of parameters, by the Savage-Dickey density ratio.

The posterior density of a parameter at a value is averaged over lines through draws. With
theta = a' u a linear function of unconstrained parameters u, a line through a draw is
v + curve(theta), where the curve is about the mean of u given theta. The density of theta along the
line is that of the posterior on it, normalised; its mean over lines is the density of theta. The
nearer the curve is to the mean, the more alike are the lines.

References
----------
Dickey & Lientz (1970), doi:10.1214/aoms/1177697203; Gelfand & Smith (1990),
doi:10.1080/01621459.1990.10476213, section 2 (mean of conditional densities).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from recovery.engines.protocol import Draws, LogDensity
from recovery.families.evidence import terms_of
from recovery.families.family import Columns, Family, Fields
from recovery.families.priors import WeightedSum
from recovery.fit import chain_statistics
from recovery.fit.constrained_draws import constrained_draws

LINES = (250, 1000)  # of a fit; the second number where the first gives an error above PRECISE
PRECISE, LARGEST_ERROR = 0.03, 0.1  # standard errors of a log Bayes factor
FARTHEST = 8  # of a value from the posterior mean, in posterior SDs
_REACH, _SPACING = 6.0, 1.5  # of lines and of their nodes, in posterior SDs
_FINE = 801  # points of the quadrature on a line
CHAINS = 20  # of draws given the value
_ITERATIONS = 100  # of the bridge
_STEPS = 41  # between the posterior mean and the value
UNKNOWN = (np.inf, np.inf, False)  # a log density
_NOISE = 2.0  # squared t statistics up to this are taken for noise


@dataclass(frozen=True)
class Curve:
    """About the mean of unconstrained parameters given theta; theta is standardised.

    Parameters
    ----------
    mean, sd : float
        Of theta.
    linear, quadratic : ndarray, shape (n_unconstrained,)
        Coefficients of standardised theta, and of its square.
    weights : ndarray, shape (n_unconstrained,)
        Of unconstrained parameters in theta.
    """

    mean: float
    sd: float
    linear: np.ndarray
    quadratic: np.ndarray
    weights: np.ndarray

    def at(self, z: float) -> np.ndarray:
        """Return the point of the curve at a standardised theta."""
        return z * self.linear + z**2 * self.quadratic

    def tangent(self, z: float) -> np.ndarray:
        """Return the derivative by standardised theta."""
        return self.linear + 2 * z * self.quadratic


@dataclass(frozen=True)
class Posterior:
    """Draws of a fit, and some of them on the unconstrained scale.

    Parameters
    ----------
    draws : Draws
    chosen : ndarray of int, shape (n_points,)
        The draws of each chain that `points` are of.
    points : ndarray, shape (n_chains, n_points, n_unconstrained)
    density : LogDensity
    """

    draws: Draws
    chosen: np.ndarray
    points: np.ndarray
    density: LogDensity

    def column(self, name: str) -> np.ndarray:
        """Return the draws of a column, shape (n_chains, n_draws)."""
        return self.draws.values[:, :, self.draws.names.index(name)]


def rows_of_fit(
    family: Family,
    model: str,
    prior: Fields,
    draws: Draws,
    columns: Columns,
    density: LogDensity,
    asked: Iterable[Sequence[Any]],
    rng: np.random.Generator,
) -> list[dict[str, Any]]:
    """Return the rows of the table `evidence`.

    Parameters
    ----------
    asked : iterable of pairs
        Parameter or estimand without `evidence_fault`, and the value of the null.
    """
    with_lines = cache(partial(of_draws, draws, density))
    rows = []
    for parameter, null in asked:
        weights, constant = terms_of(family, parameter) or ({}, 0.0)
        combination = family.weighted_sum(weights, model, prior, columns)
        log_prior = combination.log_prior_density(null - constant)
        known = _known_density(with_lines, parameter, combination, null, rng)
        rows.append({"parameter": parameter, "null": null, **_bayes_factor(log_prior, *known)})
    return rows


def _known_density(*arguments: Any) -> tuple[float, float, bool]:
    """Return `log_density`; unknown if the draws hardly move, so that nothing follows from them."""
    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            return log_density(*arguments)
    except np.linalg.LinAlgError:
        return UNKNOWN


def _bayes_factor(log_prior: float, log_posterior: float, error: float, exact: bool) -> dict:
    if not np.isfinite(error):
        return {"log_bf": None, "se": None, "bound": None}
    bound = "exact" if exact else "at least"
    return {"log_bf": log_prior - log_posterior, "se": error, "bound": bound}


def of_draws(draws: Draws, density: LogDensity, number: int) -> Posterior:
    """Return draws, and about this number of them on the unconstrained scale."""
    n_chains, n_draws, n_columns = draws.values.shape
    each = min(-(-number // n_chains), n_draws)
    chosen = np.linspace(0, n_draws - 1, each).round().astype(int)
    flat = draws.values[:, chosen].reshape(-1, n_columns)
    points = density.unconstrained(draws.names, flat).reshape(n_chains, each, -1)
    return Posterior(draws, chosen, points, density)


def curve_of(posterior: Posterior, parameter: str, combination: WeightedSum) -> Curve:
    """Return the regression of unconstrained parameters on one of them, or a weighted sum."""
    theta = posterior.column(parameter)
    mean, sd = float(theta.mean()), float(theta.std())
    z = (theta - mean) / sd
    points = posterior.points.reshape(-1, posterior.points.shape[2])
    usable = np.isfinite(points).all(axis=1)
    found = _regression(z[:, posterior.chosen].reshape(-1)[usable], points[usable])
    places = _without_bounds(posterior)
    values = posterior.draws.values[:, :, list(places.values())].reshape(z.size, -1)
    found[:, list(places)] = _regression(z.reshape(-1), values)  # all draws, so less noise
    place_of = {posterior.draws.names[column]: place for place, column in places.items()}
    free = [place_of[f"free[{place + 1}]"] for place in combination.places]
    weights = np.zeros(points.shape[1])
    weights[free] = combination.weights
    linear, quadratic = found
    linear = linear * (sd / (weights @ linear))
    quadratic = quadratic - linear * (weights @ quadratic) / sd
    return Curve(mean, sd, linear, quadratic, weights)


def _without_bounds(posterior: Posterior) -> dict[int, int]:
    """Unconstrained parameters that are a parameter themselves: place -> column of the draws."""
    n_columns = posterior.draws.values.shape[2]
    values = posterior.draws.values[:, posterior.chosen].reshape(-1, n_columns)
    points = posterior.points.reshape(len(values), -1)
    usable = np.isfinite(points).all(axis=1)
    values, points = values[usable], points[usable]
    pairs = np.argwhere(points[0][:, None] == values[0])[::-1]  # the first of equal columns stays
    equal = [(p, c) for p, c in pairs.tolist() if np.array_equal(points[:, p], values[:, c])]
    return dict(equal)


def _regression(z: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Coefficients of z and its square, shape (2, n_columns), shrunk where they may be noise."""
    x = np.column_stack([np.ones(z.size), z, z**2])
    found = np.linalg.lstsq(x, values, rcond=None)[0]
    variance = np.square(values - x @ found).mean(axis=0)
    errors = np.diag(np.linalg.inv(x.T @ x))[:, None] * variance
    tiny = np.finfo(float).tiny
    t_squared = np.square(found) / np.maximum(errors, tiny)
    return (found * np.maximum(1 - _NOISE / np.maximum(t_squared, tiny), 0))[1:]


def log_density(
    with_lines: Callable[[int], Posterior],
    parameter: str,
    combination: WeightedSum,
    value: float,
    rng: np.random.Generator,
) -> tuple[float, float, bool]:
    """Return the log posterior density of a parameter at a value.

    Parameters
    ----------
    with_lines : callable
        Number of lines -> Posterior.
    combination : WeightedSum
        The parameter in terms of those of the program.

    Returns
    -------
    log_density, error : float
        With its Monte Carlo standard error. Infinite if it is unknown.
    exact : bool
        Whether it is the density at the value. If its error would be above LARGEST_ERROR, it is the
        density at the farthest point towards the posterior mean for which it is not: the density
        at the value is smaller if the posterior has one mode.
    """
    for number in LINES:
        posterior = with_lines(number)
        curve = curve_of(posterior, parameter, combination)
        z = (posterior.column(parameter)[:, posterior.chosen] - curve.mean) / curve.sd
        target = (value - curve.mean) / curve.sd
        steps = np.linspace(0, np.clip(target, -FARTHEST, FARTHEST), _STEPS)
        densities = _densities(posterior.density, curve, posterior.points, z, steps)
        means, errors = _means(densities)
        if errors[-1] <= PRECISE:
            break
    if errors[-1] > PRECISE and abs(target) <= FARTHEST:
        mean, error = bridged(posterior, curve, z, target, densities[-1], rng)
        if error <= LARGEST_ERROR:
            return float(np.log(mean / curve.sd)), error, True
    wrong = np.flatnonzero(~(errors <= LARGEST_ERROR))
    last = wrong[0] - 1 if wrong.size else _STEPS - 1
    if last < 0:
        return UNKNOWN
    exact = not wrong.size and abs(target) <= FARTHEST
    return float(np.log(means[last] / curve.sd)), float(errors[last]), exact


def bridged(
    posterior: Posterior,
    curve: Curve,
    z: np.ndarray,
    target: float,
    densities: np.ndarray,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """Return the density at a standardised value by bridge sampling, and its relative error.

    The lines through posterior draws are joined by lines through draws given the value. These are
    where the density at the value comes from, and posterior draws may not be.

    Parameters
    ----------
    z, densities : ndarray, shape (n_chains, n_lines)
        Of the lines through posterior draws.

    References
    ----------
    Meng & Wong (1996), Simulating ratios of normalizing constants via a simple identity;
    Fruehwirth-Schnatter (2004), doi:10.1111/j.1368-423X.2004.00125.x (errors).
    """
    points = posterior.points.reshape(z.size, -1)
    from_curve = points - np.array([curve.at(each) for each in z.ravel()])
    share = np.where(np.isfinite(points).all(axis=1), densities.ravel(), 0.0)
    if not share.sum() > 0:
        return np.nan, np.inf
    scale = np.maximum(np.nanstd(from_curve, axis=0), np.finfo(float).eps)
    chosen = rng.choice(z.size, CHAINS, p=share / share.sum())
    starts = from_curve[chosen] + curve.at(target)
    given = constrained_draws(posterior.density, starts, curve.weights, scale, rng)
    at_value = np.full(given.shape[:2], target)
    other = _densities(posterior.density, curve, given, at_value, np.array([target]))[0]
    mean = float(np.exp(np.log(np.maximum(other, np.finfo(float).tiny)).mean()))
    for _ in range(_ITERATIONS):
        own = densities / (densities.size + other.size * densities / mean)
        others = 1 / (densities.size + other.size * other / mean)
        mean = float(own.mean() / others.mean())
    errors = [_means(each[None])[1][0] for each in (own, others)]
    return mean, float(np.hypot(*errors))


def _means(densities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means over lines, and relative standard errors, of densities (n_steps, n_chains, n_lines)."""
    means, sds = densities.mean(axis=(1, 2)), densities.std(axis=(1, 2), ddof=1)
    relative = densities / np.maximum(means, np.finfo(float).tiny)[:, None, None]
    size = np.minimum(chain_statistics.ess(relative), relative[0].size)
    with np.errstate(divide="ignore", invalid="ignore"):
        return means, sds / means / np.sqrt(size)


def _densities(
    density: LogDensity, curve: Curve, points: np.ndarray, z: np.ndarray, steps: np.ndarray
) -> np.ndarray:
    """Densities of standardised theta at `steps` along lines: (n_steps, n_chains, n_lines)."""
    low, high = min(-_REACH, steps.min() - 1), max(_REACH, steps.max() + 1)
    nodes = np.linspace(low, high, int(np.ceil((high - low) / _SPACING)) + 1)
    nodes = np.union1d(nodes, steps[-1])  # where a prior may have a peak
    at, tangents = [curve.at(x) for x in nodes], [curve.tangent(x) for x in nodes]
    values, slopes = np.empty((2, z.size, nodes.size))
    lines = zip(points.reshape(z.size, -1), z.reshape(-1), strict=True)
    for line, (point, here) in enumerate(lines):
        base = point - curve.at(here)
        for node in range(nodes.size):
            values[line, node], gradient = density.value_and_gradient(base + at[node])
            slopes[line, node] = gradient @ tangents[node]
    fine = np.linspace(low, high, _FINE)
    on_line = _interpolated(nodes, values, slopes, fine)
    top = on_line.max(axis=1, keepdims=True)
    known = np.isfinite(top)
    top = np.where(known, top, 0.0)
    areas = np.trapezoid(np.exp(on_line - top), fine, axis=1)[:, None]
    wanted = np.exp(_interpolated(nodes, values, slopes, steps) - top) / np.where(known, areas, 1.0)
    mean = wanted.sum(axis=0) / max(known.sum(), 1)
    return np.where(known, wanted, mean).T.reshape(steps.size, *z.shape)


def _interpolated(
    nodes: np.ndarray, values: np.ndarray, slopes: np.ndarray, x: np.ndarray
) -> np.ndarray:
    """Cubic Hermite interpolation along lines, shape (n_lines, n_x).

    It is exact for a normal density. Between nodes of which one is -infinity it is -infinity.
    """
    left = np.clip(np.searchsorted(nodes, x, side="right") - 1, 0, nodes.size - 2)
    width = np.diff(nodes)[left]
    t = (x - nodes[left]) / width
    rise = 3 * t**2 - 2 * t**3
    with np.errstate(invalid="ignore"):
        found = values[:, left] * (1 - rise) + values[:, left + 1] * rise
    found += width * t * (1 - t) * ((1 - t) * slopes[:, left] - t * slopes[:, left + 1])
    return np.where(np.isnan(found), -np.inf, found)
