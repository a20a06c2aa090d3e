"""Performance of cells, and paired differences between them.

A measure has a value from two replicates on. A mean has an MCSE from two replicates on too, any
other measure from three.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from recovery.score.measures import other_scales
from recovery.score.measures.fit_outcomes import common_replicates
from recovery.score.measures.other_scales import OTHER_SCALE_MEASURES
from recovery.score.measures.paired_differences import difference, interval, relative_precision
from recovery.score.measures.performance_measures import (
    ABSENT,
    ENOUGH_IF_SKEWED,
    ESTIMATE_MEASURES,
    INTERVAL_MEASURES,
    STANDARD_ERROR_MEASURES,
    Measure,
    holds_truth,
)
from recovery.score.measures.replicates import Replicates
from recovery.score.measures.significance import p_value
from recovery.study.methods import NO_PRIOR

CELL = ["scenario", "model", "prior"]
_MEASURE, _VALUE = ["parameter", "subset", "measure", "level"], ["value", "mcse"]
COVERAGE_BOUNDS = ("coverage_lower_bound", "coverage_upper_bound")
_PERFORMANCE = ["model", "prior", *_MEASURE, "point", "interval", *_VALUE, "lower", "upper"]
_PERFORMANCE += ["n_replicates"]
_COMPARISON = ["compared", "first", "second", "given", *_MEASURE, *_VALUE, "lower", "upper"]
_COMPARISON += ["p_value"]
_COMPARISON += ["n_pairs"]

Scores = dict[tuple[str, float], Measure]  # (measure, level or NaN)


class Fits(NamedTuple):
    """The fits of one cell."""

    estimates: Mapping[str, Replicates]  # parameter -> its replicates
    converged: np.ndarray  # sorted numbers of the replicates that converged


Cells = Mapping[tuple[str, str], Fits]  # (model, prior) -> fits, all of one scenario


MEAN, MEDIAN = "mean", "median"
CENTRAL, HIGHEST_DENSITY = "central", "highest_density"
POINT_MEASURES = (
    *("bias", "relative_bias", "empirical_se", "relative_error_of_model_se", "mse", "rmse"),
    *("z_score", "bias_eliminated_coverage", "type_m_error", *OTHER_SCALE_MEASURES),
)
"""Measures of a point estimate: of the posterior mean, or of the median."""


def rows_of_measure(
    table: pd.DataFrame,
    measure: str,
    level: float,
    point: str = MEAN,
    interval: str = CENTRAL,
) -> pd.DataFrame:
    """Return the rows of one measure, at one interval level if the measure has levels.

    `point` and `interval` are those of the estimates, for measures that have several.
    """
    rows = table[table["measure"] == measure]
    rows = rows[rows["level"].isna() | np.isclose(rows["level"], level)]
    for name, wanted in (("point", point), ("interval", interval)):
        if name in rows:
            rows = rows[rows[name].isna() | (rows[name] == wanted)]
    return rows


def few_if_skewed(performance: pd.DataFrame) -> int | None:
    """Return the fewest replicates of an RMSE, if these are too few for skewed errors.

    None if every RMSE has at least `ENOUGH_IF_SKEWED` replicates, or if there is no RMSE.
    """
    known = performance[(performance["measure"] == "rmse") & performance["value"].notna()]
    fewest = known["n_replicates"].min()
    return int(fewest) if fewest < ENOUGH_IF_SKEWED else None


def performance(cells: Cells, n_planned: int) -> pd.DataFrame:
    """Return the measures of every cell and parameter of a scenario, in three subsets.

    The subset `all` has the replicates with an estimate; `converged` those that converged in this
    cell; `common` those that converged under every model that estimates the parameter with the
    same prior, or for an estimator under every estimator. The last two are conditional on data.
    Measures that need standard errors use the replicates that have one; type S and type M errors
    use the replicates whose interval excludes 0. `n_replicates` is the number used.

    Parameters
    ----------
    n_planned : int
        Number of planned replicates, for the bounds on coverage.

    Returns
    -------
    DataFrame
        model, prior, parameter, subset, measure, level, point, interval, value, mcse, lower,
        upper, n_replicates.
    """
    rows = []
    for (model, prior), fits in cells.items():
        for parameter, every in fits.estimates.items():
            subsets = {
                "all": every,
                "converged": every.subset(fits.converged),
                "common": every.subset(_common_replicates(cells, prior, parameter)),
            }
            rows_of_all = list(_rows(every, n_planned))
            for subset, part in subsets.items():
                found = rows_of_all if part is every else _rows(part, n_planned)
                rows += [(model, prior, parameter, subset, *row) for row in found]
    return pd.DataFrame(rows, columns=_PERFORMANCE)


def _rows(x: Replicates, n_planned: int) -> Iterator[tuple]:
    """Every measure of one parameter in one cell, from `measure` to `n_replicates`.

    Those of the mean and of central intervals, then those of the median, then those of
    highest-density intervals.
    """
    yield from _of_kind(x, scores(x) | _coverage_bounds(x, n_planned), MEAN, CENTRAL)
    if (of_median := x.with_median) is not None:
        yield from _of_kind(of_median, _scores_of_point(of_median), MEDIAN, CENTRAL)
    if (densest := x.with_highest_density) is not None:
        found = scores(densest, {}) | _coverage_bounds(densest, n_planned)
        yield from _of_kind(densest, found, MEAN, HIGHEST_DENSITY)


def _of_kind(x: Replicates, found: Scores, point: str, interval: str) -> Iterator[tuple]:
    """The rows of scores, and those of other scales if all measures of the point are among them."""
    sizes = {False: len(x), True: len(x.with_standard_error)}
    if ("bias", np.nan) in found:
        found = found | {(name, np.nan): each for name, each in other_scales.scores(x).items()}
    for (name, level), score in found.items():
        of_point = point if name in POINT_MEASURES else None
        of_interval = None if np.isnan(level) else interval
        numbers = (score.value, score.mcse, score.lower, score.upper)
        n = score.n or sizes[_needs_standard_errors(name)]
        yield name, level, of_point, of_interval, *numbers, n


def _scores_of_point(x: Replicates) -> Scores:
    """The scores that depend on the point estimate."""
    of_estimates, of_intervals = (
        {name: measure for name, measure in every.items() if name in POINT_MEASURES}
        for every in (ESTIMATE_MEASURES, INTERVAL_MEASURES)
    )
    return scores(x, of_estimates, of_intervals)


def _common_replicates(cells: Cells, prior: str, parameter: str) -> np.ndarray:
    converged = [
        fits.converged
        for (_, its_prior), fits in cells.items()
        if its_prior == prior and parameter in fits.estimates
    ]
    return common_replicates(converged)


def scores(
    x: Replicates,
    of_estimates: Mapping[str, Callable[..., Measure]] = ESTIMATE_MEASURES,
    of_intervals: Mapping[str, Callable[..., Measure]] = INTERVAL_MEASURES,
) -> Scores:
    """Return measures, by default all, of one parameter in one cell.

    A measure that overflows is infinite or NaN.
    """
    with_standard_error = x.with_standard_error

    def score(name: str, measure: Callable[..., Measure], *arguments: Any) -> Measure:
        replicates = with_standard_error if _needs_standard_errors(name) else x
        return measure(replicates, *arguments) if len(replicates) >= 2 else ABSENT

    with np.errstate(over="ignore", invalid="ignore"):
        scores_of_x = {
            (name, np.nan): score(name, measure) for name, measure in of_estimates.items()
        }
        for level in x.bounds:
            scores_of_x |= {
                (name, level): score(name, measure, level) for name, measure in of_intervals.items()
            }
    return scores_of_x


def _needs_standard_errors(measure: str) -> bool:
    """Whether a measure needs standard errors."""
    return measure in (*STANDARD_ERROR_MEASURES, *INTERVAL_MEASURES, *COVERAGE_BOUNDS)


def _coverage_bounds(x: Replicates, n_planned: int) -> Scores:
    """Coverage of all planned replicates if those without an interval miss the truth, or hit it.

    Absent if no replicate has an interval.
    """
    if len(x) and not len(x.with_standard_error):
        return {(name, level): ABSENT for level in x.bounds for name in COVERAGE_BOUNDS}
    bounds = {}
    for level in x.bounds:
        hits = int(holds_truth(x, level).sum())
        most_hits = hits + n_planned - len(x.with_standard_error)
        for name, count in zip(COVERAGE_BOUNDS, (hits, most_hits), strict=True):
            bounds[name, level] = ABSENT._replace(value=count / n_planned)
    return bounds


def comparison(cells: Cells) -> pd.DataFrame:
    """Return the paired differences of two models under one prior, and of two priors of a model.

    An estimator has no prior: it is compared with every model under each prior, and with every
    other estimator. A difference uses the replicates of both cells, for measures that need
    standard errors those with a standard error in both; in the subset `common` both converged.

    Returns
    -------
    DataFrame
        compared (`model` or `prior`), first, second, given (the prior or model of both; for
        an estimator and a model, the prior of the model), parameter, subset, measure, level,
        value (first minus second), mcse of the paired difference, lower and upper (its 95 %
        interval), p_value (of no difference, not adjusted for multiple testing; null if no test
        keeps its error rate), n_pairs.
    """
    rows = []
    for parameter in dict.fromkeys(name for fits in cells.values() for name in fits.estimates):
        estimating = {cell: fits for cell, fits in cells.items() if parameter in fits.estimates}
        known = {cell: scores(fits.estimates[parameter]) for cell, fits in estimating.items()}
        for names, one, other in pairs(estimating):
            first, second = (estimating[cell].estimates[parameter] for cell in (one, other))
            both = common_replicates([first.replicate, second.replicate])
            converged = common_replicates(
                [both, estimating[one].converged, estimating[other].converged]
            )
            of_all = _differences((first, second), both, (known[one], known[other]))
            for subset, replicates in (("all", both), ("common", converged)):
                differences = (
                    of_all
                    if replicates.size == both.size
                    else _differences((first, second), replicates, (known[one], known[other]))
                )
                rows += [
                    (*names, parameter, subset, *key, *difference)
                    for key, difference in differences.items()
                ]
    return pd.DataFrame(rows, columns=_COMPARISON)


def pairs(cells: Iterable[tuple[str, str]]) -> Iterator[tuple]:
    """Yield pairs of cells with the same prior or the same model, or with an estimator.

    Each has (compared, first, second, given) of `comparison`, and its two cells.
    """
    for one, other in combinations(cells, 2):
        if one[1] == other[1]:
            yield ("model", one[0], other[0], one[1]), one, other
        elif one[0] == other[0]:
            yield ("prior", one[1], other[1], one[0]), one, other
        elif NO_PRIOR in (one[1], other[1]):
            given = other[1] if one[1] == NO_PRIOR else one[1]
            yield ("model", one[0], other[0], given), one, other


def _differences(
    pair: tuple[Replicates, Replicates], replicates: np.ndarray, known: tuple[Scores, Scores]
) -> dict[tuple[str, float], tuple[float, ...]]:
    """Differences of every measure: value, MCSE, interval, p-value and number of pairs.

    `replicates` are the replicates of the pairs. `known` are the scores of all replicates of each
    cell, so that scores are computed for proper subsets only.
    """
    first, second = (x.subset(replicates) for x in pair)
    errors = common_replicates(
        [first.with_standard_error.replicate, second.with_standard_error.replicate]
    )
    scores_of_first, scores_of_second = (
        _scores_of_subset(*part) for part in zip(pair, known, (replicates, replicates), strict=True)
    )
    if errors.size < replicates.size:
        both = (
            _scores_of_subset(*part) for part in zip(pair, known, (errors, errors), strict=True)
        )
        scores_of_first, scores_of_second = (
            whole | {key: score for key, score in part.items() if _needs_standard_errors(key[0])}
            for whole, part in zip((scores_of_first, scores_of_second), both, strict=True)
        )
    differences, precision = {}, (np.nan, np.nan)
    with np.errstate(over="ignore", invalid="ignore"):
        for key, score in scores_of_first.items():
            n = (errors if _needs_standard_errors(key[0]) else replicates).size
            differences[key] = _difference(key[0], score, scores_of_second[key], n)
        mse = differences["mse", np.nan]
        differences["rmse", np.nan] = (*differences["rmse", np.nan][:-2], *mse[-2:])
        if replicates.size >= 2:
            precision = relative_precision(first, second)
        bounds = interval("relative_precision", *precision, (ABSENT, ABSENT), replicates.size)
    differences["relative_precision", np.nan] = (*precision, *bounds, np.nan, replicates.size)
    return differences


def _difference(name: str, first: Measure, second: Measure, n: int) -> tuple[float, ...]:
    """The difference of a measure of n pairs, or of fewer if either measure has fewer values."""
    n = min(n, first.n or n, second.n or n)
    value, mcse = difference(first, second)
    bounds = interval(name, value, mcse, (first, second), n)
    return value, mcse, *bounds, p_value(name, first, second), n


def _scores_of_subset(x: Replicates, known: Scores, replicates: np.ndarray) -> Scores:
    part = x.subset(replicates)
    return known if part is x else scores(part)
