"""A family of your own: the names that its file imports; it is loaded, checked and called here."""

from recovery.common.types import Frozen, NonNegative, Positive, Proportion, Real
from recovery.families.family import Model, SimulationError

__all__ = ["Frozen", "Model", "NonNegative", "Positive", "Proportion", "Real", "SimulationError"]
