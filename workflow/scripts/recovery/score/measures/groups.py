"""Recovery of groups' coefficients, over the datasets of a cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from recovery.score.measures.fit_outcomes import common_replicates
from recovery.score.measures.performance_measures import (
    ABSENT,
    Z95,
    Measure,
    mean,
    proportion_interval,
)

SCORES = {  # score -> its range
    "rmse": (0, np.inf),
    "correlation": (-1, 1),
    "shrinkage_slope": (-np.inf, np.inf),
    "coverage": (0, 1),
}
_COLUMNS = [
    "factor",
    "coefficient",
    "subset",
    "measure",
    "level",
    "value",
    "mcse",
    "lower",
    "upper",
]
_COLUMNS += ["n_fits"]


def groups(
    recovered: Mapping[tuple[str, str], pd.DataFrame],
    converged: Mapping[tuple[str, str], np.ndarray],
) -> pd.DataFrame:
    """Return the means of each cell's rows of the table `groups`, in three subsets of fits.

    The groups of a dataset are not independent replicates, so the MCSE is over datasets:
    SD / sqrt(n). A fit without a score, as its true values do not vary, is left out of its mean.

    Parameters
    ----------
    recovered : mapping of DataFrame
        (model, prior) -> the cell's rows; all cells of one scenario.
    converged : mapping of ndarray
        (model, prior) -> the sorted replicates that converged.

    Returns
    -------
    DataFrame
        model, prior, factor, coefficient, subset, measure, level, value, mcse, lower, upper,
        n_fits.
    """
    parts = []
    for (model, prior), table in recovered.items():
        for (factor, coefficient), rows in table.groupby(["factor", "coefficient"], sort=False):
            converged_of_models = [
                converged[cell]
                for cell, other in recovered.items()
                if cell[1] == prior and coefficient in set(other["coefficient"])
            ]
            subsets = {
                "all": rows,
                "converged": rows[rows["replicate"].isin(converged[model, prior])],
                "common": rows[rows["replicate"].isin(common_replicates(converged_of_models))],
            }
            for subset, part in subsets.items():
                scores = [(factor, coefficient, subset, *each) for each in _scores(part)]
                scored = pd.DataFrame(scores, columns=_COLUMNS)
                parts.append(scored.assign(model=model, prior=prior))
    return pd.concat(parts) if parts else pd.DataFrame(columns=["model", "prior", *_COLUMNS])


def _scores(rows: pd.DataFrame) -> Iterator[tuple]:
    """Measure, level, value, MCSE, 95 % interval and number of fits of every score."""
    for score, (least, most) in SCORES.items():
        values = rows[score].dropna().to_numpy()
        measure = mean(values) if values.size >= 2 else ABSENT
        level = np.nan
        if score == "coverage":
            measure = _with_wilson_interval(
                measure, varies=bool(values.size) and np.ptp(values) > 0
            )
            level = rows["level"].iloc[0] if len(rows) else np.nan
        lower, upper = np.maximum(measure.lower, least), np.minimum(measure.upper, most)
        yield score, level, *measure[:2], lower, upper, values.size


def _with_wilson_interval(coverage: Measure, varies: bool) -> Measure:
    """A mean coverage with the Wilson interval for its effective sample size.

    The effective sample size is the n of a proportion with the same standard error, or the number
    of fits if all have the same coverage.

    References
    ----------
    Korn & Graubard (1998), Survey Methodology 24(2), 193-201 (effective sample size).
    """
    n: float = coverage.n
    if varies:
        half = coverage.upper - coverage.value  # by Student's t
        n = coverage.value * (1 - coverage.value) * (Z95 / half) ** 2
    lower, upper = proportion_interval(coverage.value, n, 0.95) if n else (np.nan, np.nan)
    return coverage._replace(lower=lower, upper=upper)
