"""Multilevel regressions: the code that their families share."""

from recovery.families.multilevel.options import Options
from recovery.families.multilevel.outcome import Outcome
from recovery.families.multilevel.regression import Multilevel

__all__ = ["Multilevel", "Options", "Outcome"]
