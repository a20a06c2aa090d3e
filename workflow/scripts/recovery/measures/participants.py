"""How well participants' own coefficients are recovered, over the datasets of a cell."""

from __future__ import annotations

import numpy as np
import pandas as pd

from recovery.measures.single import ABSENT, mean

SCORES = ("rmse", "correlation", "shrinkage_slope", "coverage")
_COLUMNS = ["coefficient", "measure", "level", "value", "mcse", "n_fits"]


def participants(table: pd.DataFrame) -> pd.DataFrame:
    """Average a cell's rows of the table `participants`.

    A dataset's participants are not independent replicates, so the MCSE is over datasets:
    SD / sqrt(n). A score that a fit lacks (no spread of true values) leaves that fit out.

    Returns
    -------
    DataFrame
        coefficient, measure, level, value, mcse, n_fits.
    """
    rows = []
    for coefficient, mine in table.groupby("coefficient", sort=False):
        for score in SCORES:
            values = mine[score].dropna().to_numpy()
            found = mean(values) if values.size >= 2 else ABSENT
            level = mine["level"].iloc[0] if score == "coverage" else np.nan
            rows.append((coefficient, score, level, found.value, found.mcse, values.size))
    return pd.DataFrame(rows, columns=_COLUMNS)
