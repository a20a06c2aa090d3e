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

from recovery.score.measures.fit_outcomes import common_replicates
from recovery.score.measures.paired import difference, interval, relative_precision
from recovery.score.measures.replicates import Replicates
from recovery.score.measures.significance import p_value
from recovery.score.measures.single import (
    ABSENT,
    ENOUGH_IF_SKEWED,
    ESTIMATE_MEASURES,
    INTERVAL_MEASURES,
    STANDARD_ERROR_MEASURES,
    Measure,
)
from recovery.study.methods import NO_PRIOR

CELL = ["scenario", "model", "prior"]
_VALUE = ["parameter", "subset", "measure", "level", "value", "mcse"]
COVERAGE_BOUNDS = ("coverage_lower_bound", "coverage_upper_bound")
_PERFORMANCE = ["model", "prior", *_VALUE, "lower", "upper", "n_replicates"]
_COMPARISON = ["compared", "first", "second", "given", *_VALUE, "lower", "upper", "p_value"]
_COMPARISON += ["n_pairs"]

Scores = dict[tuple[str, float], Measure]  # (measure, level or NaN)


class Fits(NamedTuple):
    """The fits of one cell: what was estimated, and which of them converged."""

    estimates: Mapping[str, Replicates]  # parameter -> its replicates
    converged: np.ndarray  # their numbers, in order


Cells = Mapping[tuple[str, str], Fits]  # (model, prior) -> fits, all of one scenario


def rows_of_measure(table: pd.DataFrame, measure: str, level: float) -> pd.DataFrame:
    """Return the rows of one measure, those of one interval level where it has levels."""
    chosen = table[table["measure"] == measure]
    return chosen[chosen["level"].isna() | np.isclose(chosen["level"], level)]


def few_if_skewed(performance: pd.DataFrame) -> int | None:
    """Return the fewest replicates that an RMSE rests on, if too few were errors skewed.

    None where there are `ENOUGH_IF_SKEWED`, or no RMSE.
    """
    known = performance[(performance["measure"] == "rmse") & performance["value"].notna()]
    fewest = known["n_replicates"].min()
    return int(fewest) if fewest < ENOUGH_IF_SKEWED else None


def performance(cells: Cells, n_planned: int) -> pd.DataFrame:
    """Score every cell and parameter of a scenario, in three subsets of replicates.

    `all` have estimates; `converged` converged in this cell; `common` converged under every
    model that answers for the parameter, same prior, or for an estimator under every estimator.
    The last two are conditional on data. Measures that need standard errors rest on those
    replicates that have one, and those of intervals that exclude 0 on these; `n_replicates`
    says on how many.

    Parameters
    ----------
    n_planned : int
        Replicates planned, for the bounds on coverage.

    Returns
    -------
    DataFrame
        model, prior, parameter, subset, measure, level, value, mcse, lower, upper,
        n_replicates.
    """
    rows = []
    for (model, prior), fits in cells.items():
        for parameter, whole in fits.estimates.items():
            subsets = {
                "all": whole,
                "converged": whole.subset(fits.converged),
                "common": whole.subset(_common_replicates(cells, prior, parameter)),
            }
            known = scores(whole)
            for subset, part in subsets.items():
                its_scores = known if part is whole else scores(part)
                sizes = {False: len(part), True: len(part.with_standard_error)}
                for (name, level), found in (
                    its_scores | _coverage_bounds(part, n_planned)
                ).items():
                    value = (found.value, found.mcse, found.lower, found.upper)
                    n = found.n or sizes[_needs_standard_errors(name)]
                    rows.append((model, prior, parameter, subset, name, level, *value, n))
    return pd.DataFrame(rows, columns=_PERFORMANCE)


def _common_replicates(cells: Cells, prior: str, parameter: str) -> np.ndarray:
    converged = [
        fits.converged
        for (_, its_prior), fits in cells.items()
        if its_prior == prior and parameter in fits.estimates
    ]
    return common_replicates(converged)


def scores(x: Replicates) -> Scores:
    """Return every measure of one parameter in one cell.

    What overflows is infinite, or no number.
    """
    errors = x.with_standard_error

    def enough(name: str, measure: Callable[..., Measure], *arguments: Any) -> Measure:
        which = errors if _needs_standard_errors(name) else x
        return measure(which, *arguments) if len(which) >= 2 else ABSENT

    with np.errstate(over="ignore", invalid="ignore"):
        found = {
            (name, np.nan): enough(name, measure) for name, measure in ESTIMATE_MEASURES.items()
        }
        for level in x.bounds:
            found |= {
                (name, level): enough(name, of, level) for name, of in INTERVAL_MEASURES.items()
            }
    return found


def _needs_standard_errors(measure: str) -> bool:
    """Whether a measure needs standard errors."""
    return measure in (*STANDARD_ERROR_MEASURES, *INTERVAL_MEASURES, *COVERAGE_BOUNDS)


def _coverage_bounds(x: Replicates, n_planned: int) -> Scores:
    """Smallest and largest coverage that the replicates which are not in the subset allow.

    Absent where none has an interval.
    """
    if len(x) and not len(x.with_standard_error):
        return {(name, level): ABSENT for level in x.bounds for name in COVERAGE_BOUNDS}
    found = {}
    for level, (low, high) in x.bounds.items():
        hits = int(((low <= x.truth) & (x.truth <= high)).sum())
        most = hits + n_planned - len(x.with_standard_error)
        for name, count in zip(COVERAGE_BOUNDS, (hits, most), strict=True):
            found[name, level] = ABSENT._replace(value=count / n_planned)
    return found


def comparison(cells: Cells) -> pd.DataFrame:
    """Compare every two models under a prior, and every two priors of a model, in pairs.

    An estimator has no prior: it is compared with every model under each prior, and with every
    other estimator. Only replicates that both cells have count (for measures that need standard
    errors, those for which both have one); in the subset `common` both converged.

    Returns
    -------
    DataFrame
        compared (`model` or `prior`), first, second, given (the prior or model that they
        share; with an estimator, the other's prior), parameter, subset, measure, level, value
        (first less second), mcse of the paired difference, lower and upper (its 95 % interval),
        p_value (of no difference, not corrected for how many there are; null where none is
        known that keeps its rate), n_pairs.
    """
    rows = []
    for parameter in dict.fromkeys(name for fits in cells.values() for name in fits.estimates):
        here = {cell: fits for cell, fits in cells.items() if parameter in fits.estimates}
        known = {cell: scores(fits.estimates[parameter]) for cell, fits in here.items()}
        for names, one, other in _pairs(here):
            first, second = (here[cell].estimates[parameter] for cell in (one, other))
            both = common_replicates([first.replicate, second.replicate])
            converged = common_replicates([both, here[one].converged, here[other].converged])
            everything = _differences((first, second), both, (known[one], known[other]))
            for subset, which in (("all", both), ("common", converged)):
                found = (
                    everything
                    if which.size == both.size
                    else _differences((first, second), which, (known[one], known[other]))
                )
                rows += [
                    (*names, parameter, subset, *key, *difference)
                    for key, difference in found.items()
                ]
    return pd.DataFrame(rows, columns=_COMPARISON)


def _pairs(cells: Iterable[tuple[str, str]]) -> Iterator[tuple]:
    """Every two cells that differ in their model or in their prior alone, or have none."""
    for one, other in combinations(cells, 2):
        if one[1] == other[1]:
            yield ("model", one[0], other[0], one[1]), one, other
        elif one[0] == other[0]:
            yield ("prior", one[1], other[1], one[0]), one, other
        elif NO_PRIOR in (one[1], other[1]):
            given = other[1] if one[1] == NO_PRIOR else one[1]
            yield ("model", one[0], other[0], given), one, other


def _differences(
    pair: tuple[Replicates, Replicates], which: np.ndarray, known: tuple[Scores, Scores]
) -> dict[tuple[str, float], tuple[float, ...]]:
    """Differences of every measure: value, MCSE, interval, p-value and number of pairs.

    `which` are the replicates of a pair that count; `known` are the scores of all replicates of
    each; only those of fewer are computed.
    """
    first, second = (x.subset(which) for x in pair)
    errors = common_replicates(
        [first.with_standard_error.replicate, second.with_standard_error.replicate]
    )
    mine, others = (
        _scores_of_subset(*each) for each in zip(pair, known, (which, which), strict=True)
    )
    if errors.size < which.size:
        both = (
            _scores_of_subset(*each) for each in zip(pair, known, (errors, errors), strict=True)
        )
        mine, others = (
            whole | {key: found for key, found in part.items() if _needs_standard_errors(key[0])}
            for whole, part in zip((mine, others), both, strict=True)
        )
    found, gain = {}, (np.nan, np.nan)
    with np.errstate(over="ignore", invalid="ignore"):
        for key, score in mine.items():
            n = (errors if _needs_standard_errors(key[0]) else which).size
            found[key] = _difference(key[0], score, others[key], n)
        squared = found["mse", np.nan]
        found["rmse", np.nan] = (*found["rmse", np.nan][:-2], *squared[-2:])
        if which.size >= 2:
            gain = relative_precision(first, second)
        bounds = interval("relative_precision", *gain, (ABSENT, ABSENT), which.size)
    found["relative_precision", np.nan] = (*gain, *bounds, np.nan, which.size)
    return found


def _difference(name: str, first: Measure, second: Measure, n: int) -> tuple[float, ...]:
    """Of n pairs, or of as many as the measure of either rests on where these are fewer."""
    n = min(n, first.n or n, second.n or n)
    found = difference(first, second)
    bounds = interval(name, *found, (first, second), n)
    return *found, *bounds, p_value(name, first, second), n


def _scores_of_subset(whole: Replicates, known: Scores, which: np.ndarray) -> Scores:
    part = whole.subset(which)
    return known if part is whole else scores(part)
