"""A researcher's own family, tried before any job: one dataset a truth, one short fit a model.

What is wrong with it would else be found late, in every fit. Raises StudyError in the words
of `families.own`: file, function, what came back, what was expected.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from pydantic import BaseModel

from recovery import datasets, declarations, engines, families, finite, posterior, stan_data
from recovery.design import Design
from recovery.engines.base import EngineError, Program, Settings
from recovery.families.base import Columns, Family, SimulationError, Values
from recovery.families.demands import OF_DRAWS
from recovery.faults import StudyError
from recovery.scenarios import Batch, Scenario

SHORT = Settings(chains=1, warmup=25, draws=25, adapt_delta=0.8, max_treedepth=6)
ONE = Batch(1, 1, 1)
TRIED_DRAWS = 100


def run(design: Design, programs: Mapping[str, Program]) -> list[str]:
    """Try a study's family; return what was tried, a line each.

    Parameters
    ----------
    programs : mapping of str to Program
        Every model's, compiled where the engine wants that.
    """
    study, said = design.study, []
    family = families.find(study.family)
    smallest = {
        truth: min(
            (s for s in design.scenarios.values() if s.truth == truth),
            key=lambda s: s.participants * s.observations,
        )
        for truth in study.truths
    }
    made = {}
    for truth, scenario in smallest.items():
        made[truth] = one_dataset(design.simulation(scenario.name, ONE), study.family)
        said.append(f"{truth}: {len(made[truth][0][family.OUTCOME])} observations simulated")
    columns, values = next(iter(made.values()))
    twice = {name: np.array([value, value]) for name, value in values.items()}
    family.log_likelihood(twice, columns)
    least = min(smallest.values(), key=lambda s: s.participants)
    for name, prior in study.priors.items():
        draws_from(family, prior, least, np.random.default_rng(study.seed))
        data = family.stan_data(columns, prior)
        for model, program in programs.items():
            family.prior_sd(prior, model)
            one_fit(family, model, program, data, list(values), study.engine)
            said.append(f"{model} under {name}: fits its data and has its parameters")
    return said


def draws_from(
    family: Family, prior: BaseModel, scenario: Scenario, rng: np.random.Generator
) -> None:
    """Draw truths from a prior, and data from them, as figures of what priors expect do.

    With a wide prior not every draw gives data that can be had; one of them must.
    """
    place, fault = (scenario.participants, scenario.observations), None
    for _ in range(TRIED_DRAWS):
        try:
            family.simulate(family.draw_truth(prior, rng), *place, rng)
        except SimulationError as error:
            fault = error
        else:
            return
    raise StudyError(f"none of {TRIED_DRAWS} datasets can be drawn from a prior: {fault}")


def one_dataset(specification: Mapping[str, Any], file: str) -> tuple[Columns, Values]:
    """Simulate one replicate, twice: equal states of `rng` must give equal data."""
    found = []
    for seed in (1, 2):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002  (what a generator must not draw from)
        found.append(datasets.simulate_batch(specification))
    (data, truth), again = found
    for one, other in zip((data, truth), again, strict=True):
        if any(not np.array_equal(one[name], other[name]) for name in one):
            raise StudyError(
                f"{file}: simulate: gave other data for the same `rng`; it must draw from `rng` "
                "alone, not from `random`, `numpy.random` or what it kept from an earlier call"
            )
    columns = {name: values for name, values in data.items() if name != "replicate"}
    return columns, dict(zip(truth["parameter"], truth["truth"], strict=True))


def one_fit(
    family: Family,
    model: str,
    program: Program,
    data: Mapping[str, Any],
    values: list[str],
    engine_name: str,
) -> None:
    """Fit a program for a moment, and see that it has what the family's file says it has."""
    engine = engines.find(engine_name)
    loaded = engine.load(program)
    entries = stan_data.held(data, declarations.of_program(program))
    try:
        draws = engine.sample(loaded, entries, 1, SHORT)
    except EngineError:
        raise
    except RuntimeError as error:
        given = ", ".join(entries)
        raise StudyError(
            f"{program.path}: does not run with what stan_data gives ({given}): {error}"
        ) from None
    scored = family.MODELS[model].scored
    has = ", ".join(dict.fromkeys(name.partition("[")[0] for name in draws.names))
    if lacking := [name for name in scored if name not in draws.names]:
        raise StudyError(
            f"{program.path}: lacks {', '.join(lacking)}, which the family's file has under "
            f"PARAMETERS; the program has {has}"
        )
    if taken := [name for name in draws.names if name in OF_DRAWS]:
        raise StudyError(
            f"{program.path}: has {', '.join(taken)}, must have other names: tables of draws have "
            "their own"
        )
    theirs, ours = _participants(family, draws.names), _participants(family, values)
    if unusable := posterior.not_finite(draws, [*scored, *theirs]):
        raise StudyError(f"{program.path}: draws of {finite.some(unusable)} are not finite")
    if set(theirs) != set(ours) and (theirs or family.MODELS[model].pooling != "complete"):
        raise StudyError(
            f"{program.path}: has {_counted(theirs)} of participants, must have the "
            f"{_counted(ours)} that simulate gives for PARTICIPANTS; the program has {has}"
        )


def _participants(family: Family, names: Iterable[str]) -> list[str]:
    """Participants' own among some parameters."""
    groups = family.participants_of(list(names)).values()
    return [name for members in groups for name in members]


def _counted(names: list[str]) -> str:
    return f"{len(names)} parameters ({', '.join(names[:3])}, ...)" if names else "no parameters"
