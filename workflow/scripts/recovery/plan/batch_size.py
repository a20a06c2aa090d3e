"""The batches of a study's replicates, and how many replicates one has: a batch is a job."""

from __future__ import annotations

from dataclasses import dataclass

from recovery.plan.scenarios import Scenario
from recovery.study.keys import Study

OBSERVATIONS_A_BATCH = 150_000
LARGEST_BATCH = 250
SMALLEST_BATCH = 5


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


def batch_size(study: Study, scenario: Scenario) -> int:
    """Return the replicates of a batch: the study's `batch`, or a fixed formula of the design."""
    if study.batch:
        return study.batch
    rows = scenario.participants * (scenario.observations or 10)
    return max(SMALLEST_BATCH, min(LARGEST_BATCH, OBSERVATIONS_A_BATCH // rows))
