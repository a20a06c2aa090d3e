"""Jobs that make several batches of fits: each alone would be too short, or there are very many.

A job starts in about half a second, on a cluster in several. Which batches share a job decides no
file's name and no number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from recovery.common.replicate_ranges import as_ranges
from recovery.plan.batch_size import Batch, fit_batches
from recovery.plan.fit_seconds import fit_seconds
from recovery.plan.scenarios import Scenario
from recovery.study.keys import Study
from recovery.study.methods import NO_PRIOR

SLOW = 0.5  # seconds of a fit from which a batch has a job of its own, unless there are MANY
MOST = 20.0  # seconds of a job that batches of fast fits share
MANY = 200  # batches of a study, from which jobs have as many batches as leave so many jobs
NAMED = 4  # fits in a message


class BatchOfFits(NamedTuple):
    """A batch of the fits of one method under one prior."""

    method: str
    prior: str
    batch: Batch


@dataclass(frozen=True)
class SharedJob:
    """A job, with a rule of its own, that makes several batches."""

    name: str  # of the rule
    scenario: str
    batches: Sequence[BatchOfFits]
    seconds: float  # about what it takes

    def __str__(self) -> str:
        """Return its fits in words, for messages."""
        fits = dict.fromkeys((each.method, each.prior) for each in self.batches)
        named = [m if prior == NO_PRIOR else f"{m} under {prior}" for m, prior in fits]
        more = [f"{len(fits) - NAMED} more"] if len(fits) > NAMED else []
        return ", ".join([*named[:NAMED], *more])

    @property
    def ranges(self) -> str:
        """The replicates of its fits as text."""
        return as_ranges({number for each in self.batches for number in each.batch.replicates})


def shared_jobs(
    study: Study, step: str, scenarios: Sequence[Scenario], fits: Sequence[tuple[str, str]]
) -> list[SharedJob]:
    """Return the shared jobs of a step: fit, estimate or approximate.

    Parameters
    ----------
    fits : list
        Methods and priors that are fitted to every scenario.
    """
    n_batches = sum(
        len(fit_batches(study, scenario, method)) for scenario in scenarios for method, _ in fits
    )
    at_least = 1 << max(0, (n_batches // MANY).bit_length() - 1)  # stays as studies grow a little
    own = [fit for fit in fits if step_of(study, fit[0]) == step]
    several = [
        (scenario.name, batches, seconds)
        for scenario in scenarios
        for batches, seconds in _of_scenario(study, scenario, own, at_least)
        if len(batches) > 1
    ]
    return [
        SharedJob(f"{step}_shared_{number}", *each) for number, each in enumerate(several, start=1)
    ]


def step_of(study: Study, name: str) -> str:
    """Return the step that makes a method's fits."""
    if name in study.models:
        return "fit"
    return "approximate" if name in study.approximations else "estimate"


def _of_scenario(
    study: Study, scenario: Scenario, fits: Sequence[tuple[str, str]], at_least: int
) -> Iterator[tuple[list[BatchOfFits], float]]:
    """Yield the batches of each of a scenario's shared jobs, and about how long it takes."""
    seconds = {method: fit_seconds(study, scenario, method) for method, _ in fits}
    for slow in (True, False):
        batches = [
            BatchOfFits(method, prior, batch)
            for method, prior in fits
            if (seconds[method] > SLOW) == slow
            for batch in fit_batches(study, scenario, method)
        ]
        if not slow:
            batches.sort(key=lambda each: each.batch.first)  # they read the same datasets
        together: list[BatchOfFits] = []
        spent = 0.0
        for each in batches:
            more = seconds[each.method] * len(each.batch.replicates)
            if len(together) >= at_least and (slow or spent + more > MOST):
                yield together, spent
                together, spent = [], 0.0
            together, spent = [*together, each], spent + more
        if together:
            yield together, spent
