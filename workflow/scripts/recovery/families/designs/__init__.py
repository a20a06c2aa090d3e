"""Experimental designs: the keys `design` and `sizes` of a study, and the rows of its datasets."""

from recovery.families.designs.grouping_factors import GroupSize, Nested, group_counts
from recovery.families.designs.read_design import read_design
from recovery.families.designs.rows import number_of_rows, simulate_rows
from recovery.families.designs.size_checks import check_sizes
from recovery.families.designs.typed_design import Design, Variables
from recovery.families.designs.variables import Covariate, Factor

__all__ = [
    "Covariate",
    "Design",
    "Factor",
    "GroupSize",
    "Nested",
    "Variables",
    "check_sizes",
    "group_counts",
    "number_of_rows",
    "read_design",
    "simulate_rows",
]
