"""How well participants' own coefficients are recovered, over the datasets of a cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from recovery.score.measures.fit_outcomes import common_replicates
from recovery.score.measures.single import ABSENT, Z95, Measure, mean, proportion_interval

SCORES = {  # and between what they lie
    "rmse": (0, np.inf),
    "correlation": (-1, 1),
    "shrinkage_slope": (-np.inf, np.inf),
    "coverage": (0, 1),
}
_COLUMNS = ["coefficient", "subset", "measure", "level", "value", "mcse", "lower", "upper"]
_COLUMNS += ["n_fits"]


def participants(
    recovered: Mapping[tuple[str, str], pd.DataFrame],
    converged: Mapping[tuple[str, str], np.ndarray],
) -> pd.DataFrame:
    """Average each cell's rows of the table `participants`, in three subsets of fits.

    A dataset's participants are not independent replicates, so the MCSE is over datasets:
    SD / sqrt(n). A score that a fit lacks (no spread of true values) leaves that fit out.

    Parameters
    ----------
    recovered : mapping of DataFrame
        (model, prior) -> the cell's rows; all cells of one scenario.
    converged : mapping of ndarray
        The same cells' replicates that converged, in order.

    Returns
    -------
    DataFrame
        model, prior, coefficient, subset, measure, level, value, mcse, lower, upper, n_fits.
    """
    parts = []
    for (model, prior), table in recovered.items():
        for coefficient, rows in table.groupby("coefficient", sort=False):
            answering = [
                converged[cell]
                for cell, theirs in recovered.items()
                if cell[1] == prior and coefficient in set(theirs["coefficient"])
            ]
            subsets = {
                "all": rows,
                "converged": rows[rows["replicate"].isin(converged[model, prior])],
                "common": rows[rows["replicate"].isin(common_replicates(answering))],
            }
            for subset, part in subsets.items():
                scored = [(coefficient, subset, *score) for score in _scores(part)]
                found = pd.DataFrame(scored, columns=_COLUMNS)
                parts.append(found.assign(model=model, prior=prior))
    return pd.concat(parts) if parts else pd.DataFrame(columns=["model", "prior", *_COLUMNS])


def _scores(rows: pd.DataFrame) -> Iterator[tuple]:
    """Measure, level, value, mcse, its 95 % interval and number of fits of every score."""
    for score, (least, most) in SCORES.items():
        values = rows[score].dropna().to_numpy()
        found = mean(values) if values.size >= 2 else ABSENT
        level = np.nan
        if score == "coverage":
            found = _with_wilson_interval(found, varies=bool(values.size) and np.ptp(values) > 0)
            level = rows["level"].iloc[0] if len(rows) else np.nan
        lower, upper = np.maximum(found.lower, least), np.minimum(found.upper, most)
        yield score, level, *found[:2], lower, upper, values.size


def _with_wilson_interval(found: Measure, varies: bool) -> Measure:
    """A mean of shares with Wilson's interval, of as many as would have its standard error.

    Where all shares are the same, of as many as there are.

    References
    ----------
    Korn & Graubard (1998), Survey Methodology 24(2), 193-201 (effective sample size).
    """
    n: float = found.n
    if varies:
        half = found.upper - found.value  # by Student's t
        n = found.value * (1 - found.value) * (Z95 / half) ** 2
    lower, upper = proportion_interval(found.value, n, 0.95) if n else (np.nan, np.nan)
    return found._replace(lower=lower, upper=upper)
