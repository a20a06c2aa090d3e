"""The scenarios of a study: its data-generating mechanisms."""

from __future__ import annotations

from dataclasses import dataclass

from recovery.study.keys import Study
from recovery.study.truths import ObservedTruth


@dataclass(frozen=True)
class Scenario:
    """One data-generating mechanism; `observations` is None if an observed design is used."""

    truth: str
    participants: int
    observations: int | None

    @property
    def name(self) -> str:
        """Its name in paths and tables: `moderate-30x20`, or `recovered-36`."""
        each = f"x{self.observations}" if self.observations else ""
        return f"{self.truth}-{self.participants}{each}"

    @property
    def sized(self) -> str:
        """Its size in words."""
        return sized(self.participants, self.observations)


def sized(participants: int, observations: int | None) -> str:
    """Return the size of a dataset in words, for messages."""
    each = f" and {observations} observations of each" if observations else ""
    return f"with {participants} participants{each}"


def scenarios_of(study: Study) -> list[Scenario]:
    """Return truth x participants x observations, in the order of the study file."""
    found = []
    for name, truth in study.truths.items():
        observations = (None,) if isinstance(truth, ObservedTruth) else study.observations
        found += [Scenario(name, p, o) for p in study.participants for o in observations]
    return found
