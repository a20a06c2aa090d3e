"""Try a researcher's own family before any job: datasets of every size, a short fit per model.

Otherwise its faults would show late, in every fit. A StudyError names file, function, what it
returned and what was expected.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from recovery import engines
from recovery.common.errors import EngineError, StudyError
from recovery.common.worker import Child, ChildLostError, FreshChild, in_words
from recovery.engines import declarations, stan_data
from recovery.engines.protocol import Program, Settings
from recovery.families.family import Family
from recovery.families.own.guest_code import LOAD_SECONDS
from recovery.families.own.requirements import DRAW_KEYS
from recovery.fit import finite_numbers, posterior
from recovery.plan.design import Design
from recovery.run.family_calls import LOAD, Calls, Step, by_size, scenario_of, steps

SHORT = Settings(chains=1, warmup=25, draws=25, adapt_delta=0.8, max_treedepth=6)
APART = 1.1  # seconds between two processes, so that clocks in seconds differ
# 25 hours apart, so that dates always differ; and with different orders of sets of text.
ENVIRONMENTS = (
    {"TZ": "UTC-14", "PYTHONHASHSEED": "1"},
    {"TZ": "UTC+11", "PYTHONHASHSEED": "2"},
)
OTHERWISE = {
    "load": "gave other names, shapes, columns, models or fields; they must be as they are written",
    "simulate": "gave other data for the same `rng`; it must draw from `rng` alone",
    "draw_truth": "gave another truth for the same `rng`; it must draw from `rng` alone",
}
ELSEWHERE = (
    "not from `random`, `numpy.random`, the clock, what is drawn when the file is loaded, the "
    "order of a set or what it kept from an earlier call"
)


def run(design: Design, programs: Mapping[str, Program]) -> list[str]:
    """Try a study's family; return a line for each thing that was tried.

    Parameters
    ----------
    programs : mapping of str to Program
        The program of every model, compiled if the engine needs that.
    """
    study = design.study
    calls = Calls(study.model_dump(mode="json"), asdict(design.sources))
    wanted = steps(design)
    results = _given(design, calls, wanted, ENVIRONMENTS[0])
    time.sleep(APART)
    again = _given(design, calls, 2 * wanted[::-1], ENVIRONMENTS[1])
    for step in wanted:
        if results[step][0] != again[step][0]:
            raise StudyError(f"{study.family}: {step[0]}: {_otherwise(step[0])}")
    said = []
    for truth in study.truths:
        smallest = next(s for s in by_size(design) if s.truth == truth)
        rows = results["simulate", smallest.name, "1"][1]
        said.append(f"{truth}: {rows} observations simulated")
    said += _fits(design, calls, programs)
    _check_all_data(design, calls, programs)
    return said


def _otherwise(function: str) -> str:
    """The message for a function whose results differ between two processes."""
    other = "gave another result for the same arguments; it must depend on them alone"
    return f"{OTHERWISE.get(function, other)}, {ELSEWHERE}"


def _given(
    design: Design, calls: Calls, wanted: Sequence[Step], environment: Mapping[str, str]
) -> dict[Step, tuple]:
    """The results of the calls in a new process, made in this order; the last of equal calls."""
    seconds = design.study.sampler.time_limit
    with FreshChild(calls, seconds, "trial", environment) as child:
        _asked(design, child, LOAD, 3 * LOAD_SECONDS)
        return {step: _asked(design, child, step, seconds) for step in wanted}


def _asked(design: Design, child: Child, step: Step, seconds: float) -> tuple:
    """The result of one call; StudyError with the size of the dataset if it fails."""
    scenario, file = scenario_of(design, step), design.study.family
    where = f"\n  {scenario.sized} ({scenario.name})" if scenario else ""
    try:
        return child.call(step, seconds)
    except StudyError as error:
        named = str(error) if str(error).startswith(f"{file}: ") else f"{file}: {step[0]}: {error}"
        raise StudyError(f"{named}{where}") from None
    except ChildLostError as lost:
        raise StudyError(f"{file}: {step[0]}: {lost}{where}") from None
    except Exception as error:
        raise StudyError(f"{file}: {step[0]}: raised {in_words(error)}{where}") from None


def _fits(design: Design, calls: Calls, programs: Mapping[str, Program]) -> list[str]:
    """Fit every program under every prior to the smallest dataset; return a line a fit."""
    study, said = design.study, []
    smallest = by_size(design)[0].name
    fit = partial(_fit_cell, calls, programs, smallest, study.engine)
    with Child(fit, study.sampler.time_limit, "trial") as child:
        for prior in study.priors:
            for model, program in programs.items():
                try:
                    child.call((prior, model))
                except ChildLostError as lost:
                    raise StudyError(f"{program.path}: a fit of 50 iterations: {lost}") from None
                said.append(f"{model} under {prior}: fits its data and has its parameters")
    return said


def _fit_cell(
    calls: Calls,
    programs: Mapping[str, Program],
    scenario: str,
    engine: str,
    cell: tuple[str, str],
) -> None:
    """Fit one model under one prior to a scenario's first dataset."""
    prior, model = cell
    values = list(calls.first(scenario)[1])
    data = calls.stan_data(scenario, prior)
    one_fit(calls.family, model, programs[model], data, values, engine)


def _check_all_data(design: Design, calls: Calls, programs: Mapping[str, Program]) -> None:
    """Check data of every size against all programs; the smallest alone may hide a fault."""
    check = partial(_check_data, calls, programs, list(design.study.priors))
    with Child(check, design.study.sampler.time_limit, "trial") as child:
        for scenario in by_size(design):
            try:
                child.call(scenario.name)
            except (StudyError, ChildLostError) as error:
                raise StudyError(f"{error}\n  {scenario.sized} ({scenario.name})") from None


def _check_data(
    calls: Calls, programs: Mapping[str, Program], priors: Sequence[str], scenario: str
) -> None:
    """Check a scenario's first dataset against the programs."""
    for prior in priors:
        data = calls.stan_data(scenario, prior)
        for program in programs.values():
            stan_data.checked_data(data, declarations.of_program(program))


def one_fit(
    family: Family,
    model: str,
    program: Program,
    data: Mapping[str, Any],
    values: list[str],
    engine_name: str,
) -> None:
    """Fit a program briefly, and check that it has the parameters that the family's file names."""
    engine = engines.find(engine_name)
    loaded = engine.load(program)
    entries = stan_data.checked_data(data, declarations.of_program(program))
    try:
        draws = engine.sample(loaded, entries, 1, SHORT)
    except EngineError:
        raise
    except Exception as error:
        given = ", ".join(entries)
        words = error if isinstance(error, RuntimeError) else in_words(error)
        raise StudyError(
            f"{program.path}: does not run with what stan_data gives ({given}): {words}"
        ) from None
    scored = family.MODELS[model].scored
    has = ", ".join(dict.fromkeys(name.partition("[")[0] for name in draws.names))
    if lacking := [name for name in scored if name not in draws.names]:
        raise StudyError(
            f"{program.path}: lacks {', '.join(lacking)}, which the family's file has under "
            f"PARAMETERS; the program has {has}"
        )
    if taken := [name for name in draws.names if name in DRAW_KEYS]:
        raise StudyError(
            f"{program.path}: has {', '.join(taken)}, must have other names: these are "
            "columns of tables of draws"
        )
    in_program, in_data = _participants(family, draws.names), _participants(family, values)
    if unusable := posterior.non_finite(draws, [*scored, *in_program]):
        raise StudyError(
            f"{program.path}: draws of {finite_numbers.listed_briefly(unusable)} are not finite"
        )
    if set(in_program) != set(in_data) and (
        in_program or family.MODELS[model].pooling != "complete"
    ):
        raise StudyError(
            f"{program.path}: has {_counted(in_program)} of participants, must have the "
            f"{_counted(in_data)} that simulate gives for PARTICIPANTS; the program has {has}"
        )


def _participants(family: Family, names: Iterable[str]) -> list[str]:
    """The participants' coefficients among some parameters."""
    groups = family.group_coefficients(list(names)).values()
    return [name for members in groups for name in members]


def _counted(names: list[str]) -> str:
    return f"{len(names)} parameters ({', '.join(names[:3])}, ...)" if names else "no parameters"
