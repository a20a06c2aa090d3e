"""Check everything about a study before the first job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from math import prod
from pathlib import Path

import numpy as np

from recovery import engines, families
from recovery.common.errors import StudyError, listed, study_error
from recovery.common.user_files import refuse_outside, within_reach
from recovery.common.worker import ChildLostError, in_child
from recovery.engines import executables
from recovery.engines.protocol import Program
from recovery.families.family import MOST_ROWS, Columns, Family, SimulationError, Unit, Values
from recovery.families.observed_data import repeated_rows
from recovery.families.priors import NamedPriors
from recovery.fit import datasets
from recovery.plan import provenance
from recovery.plan.batch_size import number_of_fit_batches
from recovery.plan.design import Design
from recovery.plan.fit_seconds import rows_of_dataset
from recovery.plan.scenarios import scenarios_of, sized
from recovery.run import results_lock
from recovery.study.consistency import missing_algorithms
from recovery.study.keys import Study
from recovery.study.parse import parse
from recovery.study.truths import ObservedTruth

MOST_JOBS = 100_000
FEWEST_DRAWS = 25  # PSIS fits a tail to a fifth of them, which must be 5
TRIED_DRAWS = 100  # from a prior, for a dataset to try programs with


def prepare(config: Mapping, file: str | Path, programs: Path, thoroughly: bool) -> Design:
    """Check a study and return its design.

    Parameters
    ----------
    config : mapping
        The study as Snakemake read it, with the changes of the command line.
    file : path
        The study file.
    programs : Path
        The folder of all Stan programs.
    thoroughly : bool
        Whether to try every program; done once per run.

    Raises
    ------
    StudyError, EngineError
        With a message for the study's author.
    """
    if thoroughly:
        refuse_outside(config, str(file))
    study = parse(config, families.find, str(file))
    family = study.scored_family
    if thoroughly and (outside := list(_programs_outside(study, family, programs))):
        raise study_error(str(file), outside)
    if faults := [*_too_much(study), *(_too_small(study, family) if thoroughly else [])]:
        raise study_error(str(file), faults)
    if faults := list(nothing_to_compare(study, family)):
        raise study_error(str(file), faults)
    if faults := list(_missing_packages(study, family)):
        raise study_error(str(file), faults)
    if thoroughly:
        results_lock.refuse_foreign(study, file)
    read = {
        name: datasets.read_observed(name, observed, family, str(file))
        for name, observed in study.observed.items()
    }
    if faults := list(_too_small_observed(study, family, read) if thoroughly else ()):
        raise study_error(str(file), faults)
    version = engines.find(study.engine).version()
    verifying = engines.find(study.verify.engine) if study.verify else None
    sources = provenance.sources(
        study, family, programs, version, verifying.version() if verifying else ""
    )
    if thoroughly:
        if faults := list(missing_algorithms(study, engines.find(study.engine).ALGORITHMS)):
            raise study_error(str(file), faults)
        for engine in engines_of(study):
            try_programs(study, programs, engine)
    design = Design(study, sources)
    if thoroughly and executables.ENGINE in engines_of(study):
        executables.check_tools({model: sources.programs[model] for model in study.models})
    return design


def engines_of(study: Study) -> set[str]:
    """Return the study's engine, and the one that verifies it."""
    return {study.engine, *([study.verify.engine] if study.verify else [])}


def _programs_outside(study: Study, family: Family, programs: Path) -> Iterator[str]:
    """Yield programs of a researcher's family that lie outside the working directory."""
    for number, model in enumerate(study.models):
        program = family.program(model, programs)
        if families.is_own(study.family) and not within_reach(program):
            yield (
                f"models[{number}]: its program {program} lies outside the working directory and "
                "is not read; copy it there (a link does not do)"
            )


def _missing_packages(study: Study, family: Family) -> Iterator[str]:
    """Yield the estimators whose package is not installed, as those of R may not be."""
    for number, name in enumerate(study.estimators):
        found = family.ESTIMATORS.get(name)
        if found is not None and found.version is not None:
            try:
                found.version()
            except ValueError as lacking:
                yield f"estimators[{number}]: {name} {lacking}"


def _too_much(study: Study) -> Iterator[str]:
    """Yield faults of a study that is too large for any machine, or for Snakemake."""
    most = max(study.participants), max(study.observations, default=None)
    large = (each for each in scenarios_of(study) if each.participants == most[0])
    large = (each for each in large if each.observations in (None, most[1]))
    largest = max(large, key=partial(rows_of_dataset, study))
    if (rows := rows_of_dataset(study, largest)) > MOST_ROWS:
        yield (
            f"observations: datasets {largest.sized} have {rows:,} rows, must have at most "
            f"{MOST_ROWS:,}"
        )
    if (observed := len(study.observed) * len(study.fits)) > MOST_JOBS:
        yield (
            f"observed: {len(study.observed):,} datasets are {observed:,} jobs, must be at most "
            f"{MOST_JOBS:,}"
        )
    scenarios = len(study.truths) * len(study.participants) * max(1, len(study.observations))
    scenarios *= prod(map(len, study.counted_sizes.values()))
    cells = scenarios * len(study.fits)
    fits = cells if cells > MOST_JOBS else _batches_of_fits(study)
    if fits > MOST_JOBS:
        yield (
            f"replicates: {study.replicates:,} of each of {scenarios:,} scenarios are {fits:,} "
            f"jobs or more, must be at most {MOST_JOBS:,}; a larger `batch` makes fewer"
        )


def _too_small(study: Study, family: Family) -> Iterator[str]:
    """Yield the fault of the first scenario that is too small for the design.

    Whether coefficients can be told apart is tried with the smallest datasets.
    """
    scenarios = [
        each
        for each in scenarios_of(study)
        if not isinstance(study.truths[each.truth], ObservedTruth)
    ]
    smallest = min(scenarios, key=partial(rows_of_dataset, study), default=None)
    for scenario in scenarios:
        size = (scenario.participants, dict(scenario.sizes), scenario.observations)
        try:
            if scenario.observations is not None:
                family.check_sizes(*size)
            if scenario == smallest:
                family.check_coefficients(*size)
        except ValueError as error:
            yield f"participants: {scenario.sized}, {error}"
            return


def _too_small_observed(study: Study, family: Family, read: Mapping[str, Columns]) -> Iterator[str]:
    """Yield faults of repeating too few participants, or too many, of observed datasets."""
    for name, truth in study.truths.items():
        if isinstance(truth, ObservedTruth):
            columns = read[truth.from_observed.data]
            if (rows := repeated_rows(max(study.participants), columns)) > MOST_ROWS:
                yield f"truths.{name}: datasets have {rows:,} rows, must have at most {MOST_ROWS:,}"
            try:
                family.check_coefficients(min(study.participants), {}, columns)
            except ValueError as error:
                yield f"participants: {min(study.participants)} of truths.{name}, {error}"


def _batches_of_fits(study: Study) -> int:
    """The number of batches of fits."""
    return sum(
        number_of_fit_batches(study, scenario, name)
        for scenario in scenarios_of(study)
        for name, _ in study.fits
    )


def nothing_to_compare(study: Study, family: Family) -> Iterator[str]:
    """Yield faults that prevent comparing models by their predictions."""
    selection = study.selection
    if selection is None:
        return
    if len({family.MODELS[model].joint for model in study.models}) < 2:
        yield (
            f"selection: got the models {listed(study.models)}, which share one posterior; "
            "must be programs of at least two joint models"
        )
    fewest = min(settings["chains"] * settings["draws"] for settings in study.attempts)
    if fewest < FEWEST_DRAWS:
        yield f"selection: got {fewest} draws of a fit, must be at least {FEWEST_DRAWS}"
    seconds = study.guest_seconds
    faults_of_unit = partial(_without_likelihood, study, family)
    with in_child(faults_of_unit, seconds, "check") as faults_of:
        try:
            for unit in selection.leave_out:
                yield from faults_of(unit)
        except ChildLostError as lost:
            raise StudyError(f"{study.family}: {lost}, with a dataset of the first prior") from None


def _without_likelihood(study: Study, family: Family, unit: Unit) -> list[str]:
    """Faults of a unit that cannot be left out, found with a small dataset."""
    columns, values = _small_dataset(study, family)
    one_draw = {name: np.array([value]) for name, value in values.items()}
    return [
        f"selection.leave_out: got {unit!r}, but the family gives no likelihood of one "
        f"{unit} for the model {model!r}{lacking}"
        for model in study.models
        if (lacking := _under_which(study, family, unit, model, one_draw, columns)) is not None
    ]


def _under_which(
    study: Study, family: Family, unit: Unit, model: str, one_draw: dict, columns: Columns
) -> str | None:
    """The priors under which a model has no likelihood of a unit; None if it always has one."""
    lacking = [
        name
        for name, prior in study.priors.items()
        if family.log_likelihood_of(unit, model, prior, one_draw, columns) is None
    ]
    if not lacking:
        return None
    return "" if len(lacking) == len(study.priors) else f" under {listed(lacking)}"


def try_programs(study: Study, programs: Path, name: str) -> None:
    """Check every program of the study with an engine and a small dataset."""
    attempt, parameters = _Attempt(study, programs, name), {}
    with in_child(attempt, study.guest_seconds, "check") as tried:
        for model in (None, *study.models):
            try:
                parameters[model] = tried(model)
            except ChildLostError as lost:
                made_by = f"{study.family}: simulate or stan_data"
                place = attempt.program(model).path if model else made_by
                raise StudyError(f"{place}: {lost}, with a dataset of the first prior") from None
    if isinstance(study.sampler.inits, Mapping):
        names = {model: parameters[model] for model in study.models}
        faults = list(_wrong_inits(study.sampler.inits, names, name, attempt.engine.SOME_INITS))
        faults = faults or list(_wrong_lengths(study, attempt.family))
        if faults:
            raise StudyError("\n".join(faults))


def _wrong_inits(
    inits: Mapping, names: Mapping[str, list[str]], engine: str, some: bool
) -> Iterator[str]:
    """Yield initial values of unknown parameters, and missing ones that the engine needs."""
    known = dict.fromkeys(parameter for program in names.values() for parameter in program)
    for name in inits:
        if name not in known:
            yield f"sampler.inits: got {name!r}, must be one of {listed(known)}"
    for model, program in names.items():
        lacking = [parameter for parameter in program if parameter not in inits]
        if lacking and not some:
            yield (
                f"sampler.inits: lacks {listed(lacking)} of the program {model}: the engine "
                f"{engine} needs values of all parameters; `engine: cmdstan` accepts some"
            )


def _wrong_lengths(study: Study, family: Family) -> Iterator[str]:
    """Yield numbers of initial values that are not those of the parameters with named priors."""
    if not issubclass(family.Prior, NamedPriors) or "free" not in study.sampler.inits:
        return
    given, (columns, _) = np.size(study.sampler.inits["free"]), _small_dataset(study, family)
    for model in study.models:
        for name, prior in study.priors.items():
            needed = family.stan_data(columns, prior, model)["n_free"]
            if given != needed:
                yield (
                    f"sampler.inits.free: has {given} values, the program {model} needs {needed} "
                    f"under {name}"
                )


class _Attempt:
    """Checks the programs of a study with the data of one small dataset."""

    def __init__(self, study: Study, programs: Path, engine: str):
        self.study, self.programs, self.engine = study, programs, engines.find(engine)
        self.family = study.scored_family
        self.columns: Columns = {}

    def __call__(self, model: str | None) -> list[str]:
        """Check a model's program; with None, simulate the dataset.

        Return the program's parameters if the study gives initial values, else an empty list.
        """
        if model is not None:
            program, prior = self.program(model), next(iter(self.study.priors.values()))
            data = self.family.stan_data(self.columns, prior, model)
            self.engine.check(program, data)
            wanted = isinstance(self.study.sampler.inits, Mapping)
            return self.engine.parameters(program, data) if wanted else []
        self.columns, _ = _small_dataset(self.study, self.family)
        return []

    def program(self, model: str) -> Program:
        """Return a model's program."""
        return Program(str(self.family.program(model, self.programs)), str(self.programs))


def _small_dataset(study: Study, family: Family) -> tuple[Columns, Values]:
    """Simulate the smallest dataset of a study from its first prior.

    With a wide prior, data cannot be simulated from every draw.
    """
    rng, prior = np.random.default_rng(study.seed), next(iter(study.priors.values()))
    if isinstance(prior, NamedPriors):
        prior = prior.drawable
    some = min(2, family.MOST_OBSERVATIONS or 2)
    size = min(study.participants), min(study.observations, default=some)
    sizes = {name: min(counts) for name, counts in study.counted_sizes.items()}
    for _ in range(TRIED_DRAWS):
        try:
            return family.simulate_joint(family.JOINT, prior, {}, *size, rng, sizes)
        except SimulationError as error:
            fault = error
        except StudyError as error:
            raise StudyError(f"{error}\n  {sized(*size, sizes.items())}") from None
    raise StudyError(
        f"none of {TRIED_DRAWS} datasets of the first prior can be drawn "
        f"{sized(*size, sizes.items())}: {fault}"
    )
