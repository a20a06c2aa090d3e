"""Estimands: what a study names and scores besides parameters."""

from recovery.families.estimands.adding import estimand_texts, with_estimands
from recovery.families.estimands.combination import Combination, Mean
from recovery.families.estimands.estimand import Estimand
from recovery.families.estimands.linear import linear
from recovery.families.estimands.reader import Vocabulary, read

__all__ = [
    "Combination",
    "Estimand",
    "Mean",
    "Vocabulary",
    "estimand_texts",
    "linear",
    "read",
    "with_estimands",
]
