"""Performance measures of cells, with Monte Carlo standard errors. Pure: tables in, tables out."""

from recovery.score.measures.cells import (
    CELL,
    Cells,
    Fits,
    comparison,
    few_if_skewed,
    pairs,
    performance,
    rows_of_measure,
    scores,
)
from recovery.score.measures.fit_outcomes import converged_replicates, convergence, final_attempts
from recovery.score.measures.groups import groups
from recovery.score.measures.performance_measures import (
    ABSENT,
    ENOUGH_IF_SKEWED,
    LARGE_MCMC_ERROR,
    Z95,
    Measure,
    mean,
    proportion,
)
from recovery.score.measures.replicates import Replicates, from_table

__all__ = [
    "ABSENT",
    "CELL",
    "ENOUGH_IF_SKEWED",
    "LARGE_MCMC_ERROR",
    "Z95",
    "Cells",
    "Fits",
    "Measure",
    "Replicates",
    "comparison",
    "converged_replicates",
    "convergence",
    "few_if_skewed",
    "final_attempts",
    "from_table",
    "groups",
    "mean",
    "pairs",
    "performance",
    "proportion",
    "rows_of_measure",
    "scores",
]
