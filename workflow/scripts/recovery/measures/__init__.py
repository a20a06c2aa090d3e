"""Performance of cells, and differences between them. Pure: tables in, tables out.

A measure of fewer than two replicates has neither value nor MCSE.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from recovery.estimators import NO_PRIOR
from recovery.measures.outcomes import (
    common,
    converged_replicates,
    convergence,
    final_attempts,
)
from recovery.measures.paired import difference, relative_precision
from recovery.measures.participants import participants
from recovery.measures.replicates import Replicates, from_table
from recovery.measures.single import (
    ABSENT,
    FROM_ERRORS,
    LARGE_MCMC_ERROR,
    OF_ESTIMATES,
    OF_INTERVALS,
    Z95,
    Measure,
    mean,
    proportion,
)

__all__ = [
    "ABSENT",
    "CELL",
    "LARGE_MCMC_ERROR",
    "Z95",
    "Fits",
    "Measure",
    "Replicates",
    "comparison",
    "converged_replicates",
    "convergence",
    "final_attempts",
    "from_table",
    "mean",
    "of_level",
    "participants",
    "performance",
    "proportion",
    "scores",
]

CELL = ["scenario", "model", "prior"]
_VALUE = ["parameter", "subset", "measure", "level", "value", "mcse"]
_ENDS = ("lower", "upper")
_PERFORMANCE = ["model", "prior", *_VALUE, "lower", "upper", "n_replicates"]
_COMPARISON = ["compared", "first", "second", "given", *_VALUE, "n_pairs"]

Scores = dict[tuple[str, float], Measure]  # (measure, level or NaN)


class Fits(NamedTuple):
    """The fits of one cell: what was estimated, and which of them converged."""

    estimates: Mapping[str, Replicates]  # parameter -> its replicates
    converged: np.ndarray  # their numbers, in order


Cells = Mapping[tuple[str, str], Fits]  # (model, prior) -> fits, all of one scenario


def of_level(table: pd.DataFrame, measure: str, level: float) -> pd.DataFrame:
    """Return the rows of one measure, those of one interval level where it has levels."""
    chosen = table[table["measure"] == measure]
    return chosen[chosen["level"].isna() | np.isclose(chosen["level"], level)]


def performance(cells: Cells, n_planned: int) -> pd.DataFrame:
    """Score every cell and parameter of a scenario, in three subsets of replicates.

    `all` have estimates; `converged` converged in this cell; `common` converged under every
    model that answers for the parameter, same prior, or for an estimator under every estimator.
    The last two are conditional on data. Measures that need standard errors rest on those
    replicates that have one.

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
                "converged": whole.of(fits.converged),
                "common": whole.of(_common(cells, prior, parameter)),
            }
            known = scores(whole)
            for subset, part in subsets.items():
                its_scores = known if part is whole else scores(part)
                sizes = {False: len(part), True: len(part.with_error)}
                for (name, level), found in (its_scores | _bounds(part, n_planned)).items():
                    value = (found.value, found.mcse, found.lower, found.upper)
                    n = sizes[_from_errors(name)]
                    rows.append((model, prior, parameter, subset, name, level, *value, n))
    return pd.DataFrame(rows, columns=_PERFORMANCE)


def _common(cells: Cells, prior: str, parameter: str) -> np.ndarray:
    converged = [
        fits.converged
        for (_, its_prior), fits in cells.items()
        if its_prior == prior and parameter in fits.estimates
    ]
    return common(converged)


def scores(x: Replicates) -> Scores:
    """Return every measure of one parameter in one cell."""
    errors = x.with_error

    def enough(name: str, measure: Callable[..., Measure], *arguments) -> Measure:
        which = errors if _from_errors(name) else x
        return measure(which, *arguments) if len(which) >= 2 else ABSENT

    found = {(name, np.nan): enough(name, measure) for name, measure in OF_ESTIMATES.items()}
    for level in x.bounds:
        found |= {(name, level): enough(name, of, level) for name, of in OF_INTERVALS.items()}
    return found


def _from_errors(measure: str) -> bool:
    """Whether a measure needs standard errors."""
    return measure in FROM_ERRORS or measure in OF_INTERVALS


def _bounds(x: Replicates, n_planned: int) -> Scores:
    """Smallest and largest coverage that the replicates which are not in the subset allow.

    Absent where none has an interval.
    """
    if len(x) and not len(x.with_error):
        return {(f"coverage_{end}_bound", level): ABSENT for level in x.bounds for end in _ENDS}
    found = {}
    for level, (low, high) in x.bounds.items():
        hits = int(((low <= x.truth) & (x.truth <= high)).sum())
        most = hits + n_planned - len(x.with_error)
        for end, count in zip(_ENDS, (hits, most), strict=True):
            found[f"coverage_{end}_bound", level] = ABSENT._replace(value=count / n_planned)
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
        (first less second), mcse of the paired difference, n_pairs.
    """
    rows = []
    for parameter in dict.fromkeys(name for fits in cells.values() for name in fits.estimates):
        here = {cell: fits for cell, fits in cells.items() if parameter in fits.estimates}
        known = {cell: scores(fits.estimates[parameter]) for cell, fits in here.items()}
        for names, one, other in _pairs(here):
            first, second = (here[cell].estimates[parameter] for cell in (one, other))
            both = common([first.replicate, second.replicate])
            converged = common([both, here[one].converged, here[other].converged])
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


def _pairs(cells: Sequence[tuple[str, str]]) -> Iterator[tuple]:
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
) -> dict[tuple[str, float], tuple[float, float, int]]:
    """Differences of every measure, their MCSE and how many pairs they rest on.

    `which` are the replicates of a pair that count; `known` are the scores of all replicates of
    each; only those of fewer are computed.
    """
    first, second = (x.of(which) for x in pair)
    errors = common([first.with_error.replicate, second.with_error.replicate])
    mine, others = (_scores_of(*each) for each in zip(pair, known, (which, which), strict=True))
    if errors.size < which.size:
        both = (_scores_of(*each) for each in zip(pair, known, (errors, errors), strict=True))
        mine, others = (
            whole | {key: found for key, found in part.items() if _from_errors(key[0])}
            for whole, part in zip((mine, others), both, strict=True)
        )
    found = {
        key: (*difference(score, others[key]), (errors if _from_errors(key[0]) else which).size)
        for key, score in mine.items()
    }
    gain = relative_precision(first, second) if which.size >= 2 else (np.nan, np.nan)
    return found | {("relative_precision", np.nan): (*gain, which.size)}


def _scores_of(whole: Replicates, known: Scores, which: np.ndarray) -> Scores:
    part = whole.of(which)
    return known if part is whole else scores(part)
