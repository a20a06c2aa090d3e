"""Ranks of truths among posterior draws, as the tables of estimates hold them."""

from __future__ import annotations

import pandas as pd

from recovery import families, tables
from recovery.design import Cell, Design


def read(design: Design, cell: Cell) -> pd.DataFrame:
    """Return the ranks of a cell, those of participants' own coefficients left out.

    Returns
    -------
    DataFrame
        replicate, parameter, rank, max_rank: a row a replicate and quantity.
    """
    columns = ["replicate", "parameter", "rank", "max_rank"]
    found = tables.read_frame(design.cell_files("estimates", cell), columns)
    family = families.find(design.study.family)
    effects = family.participants_of(list(found["parameter"].unique())).values()
    return found[~found["parameter"].isin([name for names in effects for name in names])]
