"""Own families: the names that their files import, and the code that loads and calls them."""

from recovery.common.types import Frozen, NonNegative, Positive, Proportion, Real
from recovery.families.family import Model, SimulationError

__all__ = ["Frozen", "Model", "NonNegative", "Positive", "Proportion", "Real", "SimulationError"]
