"""Jobs that make several batches of fits: each alone would be too short, or there are very many.

A job starts in about half a second, on a cluster in several. Which batches share a job decides no
file's name and no number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from recovery.common.replicate_ranges import as_ranges
from recovery.plan.batch_size import Batch
from recovery.plan.fit_seconds import fit_seconds
from recovery.plan.scenarios import Scenario
from recovery.study.keys import Study
from recovery.study.methods import NO_PRIOR

SLOW = 0.5  # seconds of a fit from which a batch has a job of its own, unless there are many
MOST = 20.0  # seconds of a job that batches of fast fits share
FEWEST = 200  # jobs of a study of so many batches or more, however many a job makes
NAMED = 4  # fits in a message


class BatchOfFits(NamedTuple):
    """A batch of the fits of one cell."""

    scenario: str
    method: str
    prior: str
    batch: Batch

    @property
    def cell(self) -> tuple[str, str, str]:
        """The scenario, the method and the prior."""
        return self.scenario, self.method, self.prior


@dataclass(frozen=True)
class SharedJob:
    """A job, with a rule of its own, that makes several batches."""

    name: str  # of the rule
    batches: Sequence[BatchOfFits]
    seconds: float  # about what it takes

    def __str__(self) -> str:
        """Return its fits in words, for messages."""
        fits = dict.fromkeys((each.method, each.prior) for each in self.batches)
        named = [m if prior == NO_PRIOR else f"{m} under {prior}" for m, prior in fits]
        return _first(named)

    @property
    def scenarios(self) -> str:
        """Its scenarios in words."""
        return _first([*dict.fromkeys(each.scenario for each in self.batches)])

    @property
    def ranges(self) -> str:
        """The replicates of its fits as text."""
        return as_ranges({number for each in self.batches for number in each.batch.replicates})


def _first(names: Sequence[str]) -> str:
    """The first names of a list, and how many more there are."""
    more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
    return ", ".join([*names[:NAMED], *more])


def shared_jobs(
    study: Study,
    step: str,
    scenarios: Mapping[str, Scenario],
    batches: Sequence[BatchOfFits],
) -> list[SharedJob]:
    """Return the shared jobs of a step: fit, estimate or approximate.

    Parameters
    ----------
    batches : sequence of BatchOfFits
        All of the study, of every step, scenario after scenario.
    """
    # A power of 2, so that it stays as a study grows a little.
    at_least = 1 << max(0, (len(batches) // FEWEST).bit_length() - 1)
    own = [each for each in batches if step_of(study, each.method) == step]
    seconds = {
        (name, method): fit_seconds(study, scenarios[name], method)
        for name, method in dict.fromkeys(each.cell[:2] for each in own)
    }
    slow = [each for each in own if seconds[each.cell[:2]] > SLOW]
    fast = [each for each in own if seconds[each.cell[:2]] <= SLOW]
    order = {name: number for number, name in enumerate(scenarios)}
    fast.sort(key=lambda each: (order[each.scenario], each.batch.first))  # of the same datasets
    packed = [*_packed(slow, seconds, at_least, 0.0), *_packed(fast, seconds, at_least, MOST)]
    several = [(together, spent) for together, spent in packed if len(together) > 1]
    return [
        SharedJob(f"{step}_shared_{number}", *each) for number, each in enumerate(several, start=1)
    ]


def step_of(study: Study, name: str) -> str:
    """Return the step that makes a method's fits."""
    if name in study.models:
        return "fit"
    return "approximate" if name in study.approximations else "estimate"


def _packed(
    batches: Sequence[BatchOfFits],
    seconds: Mapping[tuple[str, str], float],
    at_least: int,
    most: float,
) -> Iterator[tuple[list[BatchOfFits], float]]:
    """Yield the batches of each job, and about how long it takes.

    A job has `at_least` so many batches, and more of them while it takes at `most` so long.
    """
    together: list[BatchOfFits] = []
    spent = 0.0
    for each in batches:
        more = seconds[each.cell[:2]] * len(each.batch.replicates)
        if len(together) >= at_least and spent + more > most:
            yield together, spent
            together, spent = [], 0.0
        together, spent = [*together, each], spent + more
    if together:
        yield together, spent
