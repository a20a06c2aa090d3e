"""Which factors of the design matter: performance of fits regressed on the design."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from recovery.plan.design import Design
from recovery.plan.design_factors import is_crossed, scenario_factors
from recovery.score.factorial_effects import (
    Moments,
    degrees,
    each_effect,
    largest_difference,
    terms,
)
from recovery.score.measures import Cells, Replicates
from recovery.score.measures.fit_outcomes import common_replicates
from recovery.score.measures.performance_measures import holds_truth
from recovery.score.measures.uniformity import holm
from recovery.study.methods import NO_PRIOR, has_intervals

CLEAR = 0.05  # chance of any false "clear" among all effects of a study
Values = Callable[[Replicates, float], np.ndarray]  # level of intervals -> one value a replicate
MEASURES: dict[str, Values] = {
    "bias": lambda x, level: x.error,
    "mse": lambda x, level: x.error * x.error,
    "coverage": lambda x, level: holds_truth(x, level).astype(float),
    "interval_width": lambda x, level: x.bounds[level][1] - x.bounds[level][0],
}
OF_INTERVALS = ("coverage", "interval_width")
COLUMNS = [
    *("parameter", "measure", "level", "term", "df", "df_error", "share"),
    *("largest_difference", "mcse", "from_level", "to_level"),
    *("statistic", "p_value", "p_corrected", "n_datasets", "n_left_out"),
]


class ScenarioMeans(NamedTuple):
    """Means of one parameter and measure in the cells of a scenario.

    Parameters
    ----------
    models, priors : tuple of str
        Their levels; the cells are all combinations, and the prior varies fastest.
    mean : ndarray, shape (n_cells,)
    covariance : ndarray, shape (n_cells, n_cells)
        Of the means; NaN for fewer than two datasets.
    n : int
        Number of datasets with an estimate in all cells; for coverage and width, an interval.
    """

    models: tuple[str, ...]
    priors: tuple[str, ...]
    mean: np.ndarray
    covariance: np.ndarray
    n: int


Means = dict[tuple[str, str], ScenarioMeans]  # (parameter, measure) -> means of a scenario


def scenario_means(cells: Cells, level: float) -> Means:
    """Return the means of every parameter and measure in a scenario's cells that have a prior.

    Estimators without a prior are left out; a parameter has the models that estimate it.

    Parameters
    ----------
    cells : mapping
        Those of one scenario.
    level : float
        That of the intervals for coverage and width.
    """
    with_prior = {cell: fits for cell, fits in cells.items() if cell[1] != NO_PRIOR}
    names = dict.fromkeys(name for fits in with_prior.values() for name in fits.estimates)
    means = {}
    for parameter, (measure, values) in product(names, MEASURES.items()):
        estimates = {
            cell: fits.estimates[parameter]
            for cell, fits in with_prior.items()
            if parameter in fits.estimates
            and (measure not in OF_INTERVALS or has_intervals(cell[0]))
        }
        if measure in OF_INTERVALS:
            estimates = {cell: each.with_standard_error for cell, each in estimates.items()}
        if estimates:
            means[parameter, measure] = _means(estimates, values, level)
    return means


def _means(
    estimates: Mapping[tuple[str, str], Replicates], values: Values, level: float
) -> ScenarioMeans:
    """Means over the datasets that all cells have, and their covariance."""
    models, priors = (tuple(dict.fromkeys(part)) for part in zip(*estimates, strict=True))
    both = common_replicates([each.replicate for each in estimates.values()])
    with np.errstate(over="ignore", invalid="ignore"):
        rows = np.array(
            [values(estimates[cell].subset(both), level) for cell in product(models, priors)]
        )
        centred = rows - rows.mean(axis=1, keepdims=True) if both.size else rows
        covariance = centred @ centred.T / max(both.size - 1, 1) / max(both.size, 1)
        mean = rows.mean(axis=1) if both.size else np.full(len(rows), np.nan)
    return ScenarioMeans(models, priors, mean, covariance, both.size)


def table(design: Design, means: Mapping[str, Means]) -> pd.DataFrame:
    """Return the effects of the factors on every measure: main effects and pairs of factors.

    Empty if the scenarios are not fully crossed, or if no factor has several levels. Priors that
    share their fits, and truths that share their datasets, are one level.

    Parameters
    ----------
    means : mapping
        Scenario -> what `scenario_means` returns, of cells that do not share their fits.

    Returns
    -------
    DataFrame
        The columns of the summary table `design_effects`.
    """
    rows = list(_rows(design, means)) if is_crossed(design.study) else []
    effects = pd.DataFrame(rows, columns=[name for name in COLUMNS if name != "p_corrected"])
    tested = effects["p_value"].notna()
    corrected = np.full(len(effects), np.nan)
    if tested.any():
        corrected[tested] = holm(effects.loc[tested, "p_value"].to_numpy())
    return effects.assign(p_corrected=corrected)[COLUMNS]


def _rows(design: Design, means: Mapping[str, Means]) -> Iterator[tuple]:
    factors = scenario_factors(design)
    scenarios = [name for name, each in design.scenarios.items() if each.truth in factors["truth"]]
    planned = len(scenarios) * design.study.replicates
    for parameter, measure in means[scenarios[0]]:
        of_scenarios = [means[name][parameter, measure] for name in scenarios]
        first = of_scenarios[0]
        levels = factors | {"model": first.models, "prior": first.priors}
        moments = Moments(
            np.array([each.mean for each in of_scenarios]),
            np.array([each.covariance for each in of_scenarios]),
            np.array([each.n for each in of_scenarios]),
        )
        level = design.study.plotted_level if measure in OF_INTERVALS else np.nan
        n = int(moments.n.sum())
        for effect in _effects(moments, levels):
            yield (parameter, measure, level, *effect, n, planned - n)


def _effects(moments: Moments, levels: Mapping[str, tuple[Any, ...]]) -> Iterator[tuple]:
    """Yield the columns of each term from `term` to `p_value`."""
    sizes = {name: len(each) for name, each in levels.items()}
    known = moments.n.min() >= 2 and np.isfinite(moments.covariance).all()
    if not known:
        for term in terms(sizes):
            nothing = (np.nan, np.nan, np.nan, None, None, np.nan, np.nan)
            yield (" x ".join(term), degrees(term, sizes), np.nan, *nothing)
        return
    for term, share, test in each_effect(moments, sizes):
        df = degrees(term, sizes) if np.isnan(test.df) else test.df
        difference = _difference(moments, term, sizes, levels)
        result = test.statistic, test.p_value
        yield (" x ".join(term), df, test.df_error, share, *difference, *result)


def _difference(
    moments: Moments,
    term: tuple[str, ...],
    sizes: Mapping[str, int],
    levels: Mapping[str, tuple[Any, ...]],
) -> tuple[float, float, str | None, str | None]:
    """The largest difference of a main effect: value, MCSE and its two levels."""
    if len(term) > 1:
        return np.nan, np.nan, None, None
    difference = largest_difference(moments, term[0], sizes)
    names = [str(level) for level in levels[term[0]]]
    ends = names[difference.smallest], names[difference.largest]
    return difference.value, difference.mcse, *ends
