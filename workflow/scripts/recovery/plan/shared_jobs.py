"""Jobs that several cells share: their fits are too few and too fast for jobs of their own.

A job starts in about half a second. Which cells share a job decides no file's name and no number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from recovery.plan.batch_size import fit_batches
from recovery.plan.fit_seconds import fit_seconds
from recovery.plan.scenarios import Scenario
from recovery.study.keys import Study
from recovery.study.methods import NO_PRIOR

ENOUGH = 10.0  # seconds of a job of its own
MOST = 20.0  # seconds of a shared job
NAMED = 4  # fits in a message
SLOW = 0.5  # seconds of a fit that shares no job
Fits = tuple[str, str]  # method, prior


@dataclass(frozen=True)
class SharedJobs:
    """Jobs of one rule: each fits the same methods and priors to one batch of a scenario."""

    name: str  # of the rule
    fits: tuple[Fits, ...]
    scenarios: tuple[str, ...]

    def __str__(self) -> str:
        """Return its fits in words, for messages."""
        named = [
            method if prior == NO_PRIOR else f"{method} under {prior}"
            for method, prior in self.fits[:NAMED]
        ]
        more = len(self.fits) - len(named)
        return ", ".join([*named, *([f"{more} more"] if more else [])])


def shared_jobs(
    study: Study, step: str, scenarios: list[Scenario], fits: list[Fits]
) -> list[SharedJobs]:
    """Return the shared jobs of a step.

    Parameters
    ----------
    fits : list
        Methods and priors of the step, which are fitted to every scenario.
    """
    sharing: dict[tuple[Fits, ...], list[str]] = {}
    for scenario in scenarios:
        for together in _of_scenario(study, scenario, fits):
            sharing.setdefault(together, []).append(scenario.name)
    return [
        SharedJobs(f"{step}_shared_{number}", together, tuple(names))
        for number, (together, names) in enumerate(sharing.items(), start=1)
    ]


def step_of(study: Study, name: str) -> str:
    """Return the step that makes a method's fits."""
    if name in study.models:
        return "fit"
    return "approximate" if name in study.approximations else "estimate"


def _of_scenario(study: Study, scenario: Scenario, fits: list[Fits]) -> Iterator[tuple[Fits, ...]]:
    """Yield the cells of each of a scenario's shared jobs: of equal batches, MOST at most."""
    waiting: dict[str, tuple[list[Fits], float]] = {}
    for method, prior in fits:
        first = fit_batches(study, scenario, method)[0]
        each = fit_seconds(study, scenario, method)
        seconds = each * len(first.replicates)
        if each > SLOW or seconds > ENOUGH:
            continue
        together, spent = waiting.pop(first.name, ([], 0.0))
        if spent + seconds > MOST:
            yield tuple(together)
            together, spent = [], 0.0
        waiting[first.name] = [*together, (method, prior)], spent + seconds
    yield from (tuple(together) for together, _ in waiting.values() if len(together) > 1)
