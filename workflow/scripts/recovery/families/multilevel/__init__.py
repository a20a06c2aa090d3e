"""Multilevel regressions: the code that their families share."""

from recovery.common.types import Scale
from recovery.families.multilevel.layout import Layout, Options
from recovery.families.multilevel.models import models
from recovery.families.multilevel.outcome import Outcome
from recovery.families.multilevel.regression import Multilevel

__all__ = ["Layout", "Multilevel", "Options", "Outcome", "Scale", "models"]
