"""Calls of a researcher's own functions, one after another in a separate process.

Each call returns a fingerprint of its result, so that two processes can be compared: with
another order of calls, time, time zone and order of sets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from pydantic import BaseModel

from recovery.common.errors import StudyError
from recovery.families.family import Columns, SimulationError, Values
from recovery.families.own import opened_files
from recovery.families.own.own_family import OwnFamily
from recovery.fit import datasets
from recovery.plan.batch_size import Batch
from recovery.plan.design import Design, restore
from recovery.plan.scenarios import Scenario
from recovery.plan.seeds import dataset_seed

TRIED = 100  # replicates, or draws from a prior; one of them must give data
AGAIN = 2  # another replicate, simulated for the smallest scenario of a truth
Step = tuple[str, ...]  # a function, and its scenario, prior or model
LOAD = ("load",)


def by_size(design: Design) -> list[Scenario]:
    """Return a study's scenarios, ordered by the number of rows."""
    return sorted(design.scenarios.values(), key=lambda s: s.participants * (s.observations or 1))


def steps(design: Design) -> list[Step]:
    """Return the calls to make of a study's family, smallest datasets first."""
    study = design.study
    calls: list[Step] = [LOAD]
    smallest = {scenario.truth: scenario for scenario in reversed(by_size(design))}
    for scenario in by_size(design):
        calls.append(("simulate", scenario.name, "1"))
        if smallest[scenario.truth] == scenario:
            calls.append(("simulate", scenario.name, str(AGAIN)))
            calls.append(("log_likelihood", scenario.name))
        calls += [("stan_data", scenario.name, prior) for prior in study.priors]
    for prior in study.priors:
        calls.append(("draw_truth", by_size(design)[0].name, prior))
        calls += [("prior_sd", prior, model) for model in study.models]
    return calls


def scenario_of(design: Design, step: Step) -> Scenario | None:
    """Return the scenario of a call; None if it has none."""
    return None if step == LOAD else design.scenarios.get(step[1])


def prior_of(step: Step) -> str | None:
    """Return the name of the prior of a call; None if it has none."""
    places = {"stan_data": 2, "draw_truth": 2, "prior_sd": 1}
    return step[places[step[0]]] if step[0] in places else None


class Calls:
    """Makes the calls of `steps`; runs in the separate process.

    Parameters
    ----------
    study : mapping
        The content of the study file.
    sources : mapping
        The fields of `Sources`.
    """

    def __init__(self, study: Mapping[str, Any], sources: Mapping[str, Any]):
        self.raw, self.sources = study, sources
        self.kept: tuple[str, tuple[Columns, Values]] | None = None  # the last first dataset

    @cached_property
    def design(self) -> Design:
        """The study's design."""
        return restore(self.raw, self.sources)

    @cached_property
    def family(self) -> OwnFamily:
        """The study's family, loaded in this process."""
        family = self.design.family
        if not isinstance(family, OwnFamily):
            raise TypeError(f"{self.design.study.family} is a shipped family")
        return family

    def __call__(self, step: Step) -> tuple[str, Any]:
        """Return the fingerprint of a function's result and, for `simulate`, the number of rows."""
        function, *what = step
        with opened_files.record() as names:
            given = getattr(self, function)(*what)
        opened = opened_files.study_files(names, self.family.FILES[0])
        if late := set(opened) - set(self.family.FILES):
            raise StudyError(
                f"opens {min(late)}, must do so when the file is loaded: only a file that is "
                "opened then counts as a part of the study"
            )
        rows = len(given[0][self.family.OUTCOME]) if function == "simulate" else None
        return fingerprint(given), rows

    def load(self) -> list[Any]:
        """Return what the family's file defines beside its functions, in its order."""
        family = self.family
        named = (family.PARAMETERS, family.COEFFICIENTS, family.COLUMNS, family.MODELS)
        kinds = (family.Truth.model_fields, family.Prior.model_fields)
        fields = [(name, _shown(each.default)) for kind in kinds for name, each in kind.items()]
        return [*(repr(list(each.items())) for each in named), family.OUTCOME, fields]

    def simulate(self, scenario: str, first: str = "1") -> tuple[Columns, Values]:
        """Return the dataset of the first replicate, from `first` on, that can be simulated."""
        specification, fault = self.design.simulation(scenario, Batch(1, 1, 1)), None
        last = int(first) + TRIED - 1
        for replicate in range(int(first), last + 1):
            seed = dataset_seed(specification, replicate)
            try:
                return datasets.simulate_dataset(specification, self.family, None, None, seed)
            except SimulationError as error:
                fault = error
        raise StudyError(f"replicates {first} to {last} cannot be simulated: {fault}")

    def first(self, scenario: str) -> tuple[Columns, Values]:
        """Return a scenario's first dataset, simulated once."""
        if self.kept is None or self.kept[0] != scenario:
            self.kept = scenario, self.simulate(scenario)
        return self.kept[1]

    def draw_truth(self, scenario: str, prior: str) -> tuple[BaseModel, Columns, Values]:
        """Return a truth from a prior and data from it, as for prior predictive figures.

        With a wide prior, data cannot be simulated from every draw; one draw must give data.
        """
        size, fault = self.design.scenarios[scenario], None
        each = size.observations or 1
        rng = np.random.default_rng(self.design.study.seed)
        for _ in range(TRIED):
            try:
                truth = self.family.draw_truth(self.design.study.priors[prior], rng)
                return truth, *self.family.simulate(truth, size.participants, each, rng)
            except SimulationError as error:
                fault = error
        raise StudyError(f"none of {TRIED} datasets can be drawn from a prior: {fault}")

    def stan_data(self, scenario: str, prior: str) -> dict[str, Any]:
        """Return the data for programs from a scenario's first dataset."""
        model = next(iter(self.family.MODELS))  # those of an own family have the same data
        return self.family.stan_data(
            self.first(scenario)[0], self.design.study.priors[prior], model
        )

    def log_likelihood(self, scenario: str) -> np.ndarray | None:
        """Return the log density of that dataset for two draws, both equal to its truth."""
        columns, values = self.first(scenario)
        twice = {name: np.array([value, value]) for name, value in values.items()}
        return self.family.log_likelihood(twice, columns)

    def prior_sd(self, prior: str, model: str) -> Values:
        """Return a prior's standard deviations."""
        return self.family.prior_sd(self.design.study.priors[prior], model)


def _shown(default: Any) -> str:
    """A field's default if it is plain; the repr of other objects may have an address."""
    return repr(default) if isinstance(default, int | float | str | tuple) else ""


def fingerprint(value: Any) -> str:
    """Return the hash of a function's result: equal for equal numbers in any container."""
    digest = hashlib.sha256()
    for piece in _pieces(value):
        digest.update(piece)
    return digest.hexdigest()


def _pieces(value: Any) -> Iterator[bytes]:
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if isinstance(value, Mapping):
        for key in sorted(value, key=repr):
            yield repr(key).encode()
            yield from _pieces(value[key])
    elif isinstance(value, list | tuple):
        yield f"{len(value)}:".encode()
        for each in value:
            yield from _pieces(each)
    else:
        array = np.asarray(value)
        yield f"{array.dtype}{array.shape}".encode()
        if array.dtype != object:
            yield array.tobytes()
        elif array.ndim:
            yield from _pieces(array.tolist())
        else:
            yield repr(value).encode()
