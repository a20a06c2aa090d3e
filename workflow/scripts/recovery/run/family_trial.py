"""Trial of a researcher's own family before any job: datasets of every size, a short fit per model.

Without the trial, faults of the family would show late, in every fit. A StudyError names the file,
the function, its result and the expected result.
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
from recovery.fit.estimand_draws import with_estimands
from recovery.plan.design import Design
from recovery.run.family_calls import LOAD, Calls, Step, by_size, prior_of, scenario_of, steps

SHORT = Settings(chains=1, warmup=25, draws=25, adapt_delta=0.8, max_treedepth=6)
PAUSE = 1.1  # seconds between two processes, so that clocks in seconds differ
# 25 hours apart, so that dates always differ, and with different orders of sets of text.
ENVIRONMENTS = (
    {"TZ": "UTC-14", "PYTHONHASHSEED": "1"},
    {"TZ": "UTC+11", "PYTHONHASHSEED": "2"},
)
DIFFERENCES = {
    "load": "gave other names, shapes, columns, models or fields; they must be constants",
    "simulate": "gave other data for the same `rng`; it must draw from `rng` alone",
    "draw_truth": "gave another truth for the same `rng`; it must draw from `rng` alone",
}
OTHER_SOURCES = (
    "not from `random`, `numpy.random`, the clock, numbers drawn when the file is loaded, the "
    "order of a set or an earlier call"
)


def run(design: Design, programs: Mapping[str, Program]) -> list[str]:
    """Try a study's family; return a line for each simulated truth and each fit.

    Parameters
    ----------
    programs : mapping of str to Program
        The program of every model, compiled if the engine requires it.
    """
    study = design.study
    calls = Calls(study.model_dump(mode="json"), asdict(design.sources))
    sequence = steps(design)
    results = _results(design, calls, sequence, ENVIRONMENTS[0])
    time.sleep(PAUSE)
    repeated = _results(design, calls, 2 * sequence[::-1], ENVIRONMENTS[1])
    for step in sequence:
        if results[step][0] != repeated[step][0]:
            raise StudyError(f"{study.family}: {step[0]}: {_difference(step[0])}")
    lines = []
    for truth in study.truths:
        smallest = next(s for s in by_size(design) if s.truth == truth)
        rows = results["simulate", smallest.name, "1"][1]
        lines.append(f"{truth}: {rows} observations simulated")
    lines += _fits(design, calls, programs)
    _check_all_data(design, calls, programs)
    return lines


def _difference(function: str) -> str:
    """The message for a function whose results differ between two processes."""
    other = "gave another result for the same arguments; it must come from them alone"
    return f"{DIFFERENCES.get(function, other)}, {OTHER_SOURCES}"


def _results(
    design: Design, calls: Calls, sequence: Sequence[Step], environment: Mapping[str, str]
) -> dict[Step, tuple]:
    """The results of a sequence of calls in a new process; of repeated calls, the last result."""
    seconds = design.study.sampler.time_limit
    with FreshChild(calls, seconds, "trial", environment) as child:
        _result(design, child, LOAD, 3 * LOAD_SECONDS)
        return {step: _result(design, child, step, seconds) for step in sequence}


def _result(design: Design, child: Child, step: Step, seconds: float) -> tuple:
    """The result of one call; raises StudyError with its dataset's size and prior if it fails."""
    scenario, file = scenario_of(design, step), design.study.family
    where = f"\n  {scenario.sized} ({scenario.name})" if scenario else ""
    if prior := prior_of(step):
        where += f"\n  with the prior {prior}"
    try:
        return child.call(step, seconds)
    except StudyError as error:
        message = str(error)
        if not message.startswith(f"{file}: "):
            message = f"{file}: {step[0]}: {message}"
        raise StudyError(f"{message}{where}") from None
    except ChildLostError as lost:
        raise StudyError(f"{file}: {step[0]}: {lost}{where}") from None
    except Exception as error:
        raise StudyError(f"{file}: {step[0]}: raised {in_words(error)}{where}") from None


def _fits(design: Design, calls: Calls, programs: Mapping[str, Program]) -> list[str]:
    """Fit every program under every prior to the smallest dataset; return one line per fit."""
    study, lines = design.study, []
    smallest = by_size(design)[0].name
    fit = partial(_fit_cell, calls, programs, smallest, study.engine)
    with Child(fit, study.sampler.time_limit, "trial") as child:
        for prior in study.priors:
            for model, program in programs.items():
                try:
                    child.call((prior, model))
                except ChildLostError as lost:
                    raise StudyError(f"{program.path}: a fit of 50 iterations: {lost}") from None
                lines.append(f"{model} under {prior}: a short fit ran and gave all parameters")
    return lines


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
    """Check data of every size against all programs; the smallest dataset may hide a fault."""
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
    """Fit a program briefly, and check that it has the parameters that the family's file lists."""
    engine = engines.find(engine_name)
    loaded = engine.load(program)
    entries = stan_data.checked_data(data, declarations.of_program(program))
    try:
        draws = engine.sample(loaded, entries, 1, SHORT)
    except EngineError:
        raise
    except Exception as error:
        names = ", ".join(entries)
        message = error if isinstance(error, RuntimeError) else in_words(error)
        raise StudyError(
            f"{program.path}: does not run with the data from stan_data ({names}): {message}"
        ) from None
    scored = family.MODELS[model].scored
    parameters = [name for name in scored if name not in family.ESTIMANDS]
    bases = ", ".join(dict.fromkeys(name.partition("[")[0] for name in draws.names))
    if lacking := [name for name in parameters if name not in draws.names]:
        raise StudyError(
            f"{program.path}: lacks {', '.join(lacking)}, which the family's file lists under "
            f"PARAMETERS; the program has {bases}"
        )
    if reserved := [name for name in draws.names if name in DRAW_KEYS]:
        raise StudyError(
            f"{program.path}: has parameters named {', '.join(reserved)}, must have other names: "
            "these are columns of tables of draws"
        )
    draws = with_estimands(draws, family.ESTIMANDS, scored)
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
            f"{_counted(in_data)} that simulate returns for PARTICIPANTS; the program has {bases}"
        )


def _participants(family: Family, names: Iterable[str]) -> list[str]:
    """The participants' coefficients among some parameters."""
    groups = family.group_coefficients(list(names)).values()
    return [name for members in groups for name in members]


def _counted(names: list[str]) -> str:
    return f"{len(names)} parameters ({', '.join(names[:3])}, ...)" if names else "no parameters"
