"""The scenarios of a study, and the batches of its replicates."""

from __future__ import annotations

from dataclasses import dataclass

from recovery.study.model import Study
from recovery.study.truths import ObservedTruth

OBSERVATIONS_A_BATCH = 150_000
LARGEST_BATCH = 250
SMALLEST_BATCH = 5


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


@dataclass(frozen=True)
class Batch:
    """A range of replicates that one job simulates or fits."""

    first: int  # nominal bounds, which name it
    last: int
    end: int  # the last replicate that the study has in it

    @property
    def name(self) -> str:
        """Its name in paths: `00026-00050`."""
        return f"{self.first:05d}-{self.last:05d}"

    @property
    def replicates(self) -> range:
        """The replicates of the study in this batch."""
        return range(self.first, self.end + 1)


OBSERVED_BATCH = Batch(1, 1, 1)


def scenarios_of(study: Study) -> list[Scenario]:
    """Return truth x participants x observations, in the order of the study file."""
    found = []
    for name, truth in study.truths.items():
        observations = (None,) if isinstance(truth, ObservedTruth) else study.observations
        found += [Scenario(name, p, o) for p in study.participants for o in observations]
    return found


def batch_size(study: Study, scenario: Scenario) -> int:
    """Return the replicates of a batch: the study's `batch`, or a fixed formula of the design."""
    if study.batch:
        return study.batch
    rows = scenario.participants * (scenario.observations or 10)
    return max(SMALLEST_BATCH, min(LARGEST_BATCH, OBSERVATIONS_A_BATCH // rows))
