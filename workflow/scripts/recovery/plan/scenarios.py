"""The scenarios of a study: its data-generating mechanisms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from recovery.study.keys import Study
from recovery.study.truths import ObservedTruth


@dataclass(frozen=True)
class Scenario:
    """One data-generating mechanism; `observations` is None if an observed design is used."""

    truth: str
    participants: int
    observations: int | None
    sizes: tuple[tuple[str, int], ...] = ()
    """Other grouping factors that the study counts, and their numbers of groups."""

    @property
    def name(self) -> str:
        """Its name in paths and tables: `moderate-30x20`, `small-30x1-item12`, `recovered-36`."""
        each = f"x{self.observations}" if self.observations else ""
        groups = "".join(f"-{factor}{number}" for factor, number in self.sizes)
        return f"{self.truth}-{self.participants}{each}{groups}"

    @property
    def condition(self) -> tuple[str, int | None, tuple[tuple[str, int], ...]]:
        """All but the number of participants."""
        return self.truth, self.observations, self.sizes

    @property
    def other_sizes(self) -> str:
        """The sizes other than participants, to follow the truth in a title."""
        each = [f"{self.observations} observations each"] if self.observations else []
        groups = [f"{factor}: {number}" for factor, number in self.sizes]
        return "".join(f", {part}" for part in (*groups, *each))

    @property
    def sized(self) -> str:
        """Its size in words."""
        return sized(self.participants, self.observations, self.sizes)


def sized(
    participants: int, observations: int | None, sizes: Iterable[tuple[str, int]] = ()
) -> str:
    """Return the size of a dataset in words, for messages."""
    groups = "".join(f" and {number:,} of {factor}" for factor, number in sizes)
    counted = "1 observation" if observations == 1 else f"{observations or 0:,} observations"
    each = f" and {counted} of each" if observations else ""
    return f"with {participants:,} participants{groups}{each}"


def scenarios_of(study: Study) -> list[Scenario]:
    """Return truth x participants x observations x other sizes, in the order of the study file."""
    counted = study.counted_sizes
    crossed = [tuple(zip(counted, numbers, strict=True)) for numbers in product(*counted.values())]
    found = []
    for name, truth in study.truths.items():
        observed = isinstance(truth, ObservedTruth)
        observations = (None,) if observed or not study.observations else study.observations
        sizes = [()] if observed else crossed
        levels = product(study.participants, observations, sizes)
        found += [Scenario(name, *each) for each in levels]
    return found
