"""The batches of a study's replicates: how many replicates one file of each table holds.

The size of a batch depends on the size of datasets and on what a fit costs by a fixed estimate
(`fit_seconds`), never on the number of replicates or on other cells: then more of these leave the
names of files as they are. Each size divides the next, so that a batch of fits reads one file of
data.
"""

from __future__ import annotations

from dataclasses import dataclass

from recovery.common.replicate_ranges import as_ranges
from recovery.plan.fit_seconds import fit_seconds, rows_of_dataset
from recovery.plan.scenarios import Scenario
from recovery.study.keys import Study

SIZES = (5, 50, 250)
LARGEST_SECONDS = {5: float("inf"), 50: 0.5, 250: 0.15}  # size -> of one fit
LARGEST_ROWS = {5: float("inf"), 50: 10_000, 250: 2_000}  # size -> of one dataset
MANY = 1000  # replicates in batches of 5 are jobs enough for any cluster; later batches have 50


@dataclass(frozen=True)
class Batch:
    """A range of replicates, whose datasets or fits one file of each table holds."""

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

    @property
    def ranges(self) -> str:
        """These replicates as text: `26-30`."""
        return as_ranges(self.replicates)


OBSERVED_BATCH = Batch(1, 1, 1)


def data_batches(study: Study, scenario: Scenario) -> list[Batch]:
    """Return the batches of a scenario's datasets, in order."""
    size = data_batch_size(study, scenario)
    return _batches(study.replicates, size, size)


def fit_batches(study: Study, scenario: Scenario, method: str) -> list[Batch]:
    """Return the batches of a method's fits to a scenario's datasets, in order."""
    largest = data_batch_size(study, scenario)
    size = study.batch or min(_of(LARGEST_SECONDS, fit_seconds(study, scenario, method)), largest)
    return _batches(study.replicates, size, study.batch or min(largest, max(size, SIZES[1])))


def number_of_fit_batches(study: Study, scenario: Scenario, method: str) -> int:
    """Return how many `fit_batches` there are, without making them."""
    few = study.model_copy(update={"replicates": min(study.replicates, MANY + 1)})
    batches = fit_batches(few, scenario, method)
    last = batches[-1]
    rest = max(0, study.replicates - last.last)
    return len(batches) + -(-rest // (last.last - last.first + 1))


def data_batch_size(study: Study, scenario: Scenario) -> int:
    """Return the replicates of a batch of datasets: the study's `batch`, or by their size."""
    return study.batch or _of(LARGEST_ROWS, rows_of_dataset(study, scenario))


def _of(limits: dict[int, float], value: float) -> int:
    """The largest size whose limit a value does not exceed."""
    return max(size for size in SIZES if value <= limits[size])


def _batches(end: int, size: int, later_size: int) -> list[Batch]:
    batches, first = [], 1
    while first <= end:
        last = first - 1 + (size if first <= MANY else later_size)
        batches.append(Batch(first, last, min(last, end)))
        first = last + 1
    return batches
