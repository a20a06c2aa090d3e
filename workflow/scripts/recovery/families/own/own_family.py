"""Own families: a Python file with Stan programs beside it.

docs/reference/families/own.md describes the contents of the file; `requirements` checks them. The
functions of the file take and return vectors and matrices. This module converts these to the named
numbers and columns of the interface. It checks the results of every call, and each error names the
file, the function and what was expected.
"""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from recovery.common.errors import StudyError, shown
from recovery.common.types import Frozen, NonNegative, Positive, Proportion, Real
from recovery.common.user_files import LARGEST_CODE, read_text
from recovery.common.worker import in_words
from recovery.families.estimands import Estimand, estimand_texts, with_estimands
from recovery.families.family import (
    NO_SIZES,
    Columns,
    Family,
    Fields,
    Model,
    SimulationError,
    Values,
)
from recovery.families.own import opened_files, requirements
from recovery.families.own.guest_code import (
    restored_after_loading,
    restored_process,
    same_directory,
    try_in_child,
)
from recovery.families.own.requirements import Shape

__all__ = [
    "Frozen",
    "Model",
    "NonNegative",
    "OwnFamily",
    "Positive",
    "Proportion",
    "Real",
    "SimulationError",
    "load",
]


MOST_LINES = 10  # of a file in a message


def load(path: str, estimands: Mapping[str, str] | None = None) -> OwnFamily:
    """Return the family of a file, with a study's estimands; StudyError if the file is wrong."""
    return with_estimands(_load_source(path, read_text(path, LARGEST_CODE)), estimands or {})


@lru_cache
def _load_source(path: str, source: str) -> OwnFamily:
    opened = try_in_child(partial(_opened_files, path, source), f"{path}: does not load")
    family = _make(path, source)
    family.FILES += tuple(opened)
    return family


def _opened_files(path: str, source: str) -> list[Path]:
    """The other files of the study that are opened when a file is loaded."""
    with opened_files.record() as names:
        _make(path, source)
    return opened_files.study_files(names, Path(path))


def _make(path: str, source: str) -> OwnFamily:
    return OwnFamily(Path(path), _execute(Path(path), source))


def _execute(path: Path, source: str) -> ModuleType:
    """Execute a file and return its module; it is not imported, so no bytecode is written."""
    module = ModuleType(f"family_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # pydantic resolves annotations there
    load_error = partial(_load_error, path)
    with restored_after_loading(module), same_directory(load_error):
        try:
            exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)
        except BaseException as error:
            raise load_error(with_lines(error, path)) from None
    return module


def _load_error(path: Path, reason: str) -> StudyError:
    return StudyError(f"{path}: does not load: {reason}")


def with_lines(error: BaseException, path: Path) -> str:
    """Return the text of an error with the lines of its traceback that are in a file."""
    words = in_words(error)
    if isinstance(error, SyntaxError) and error.lineno is not None:
        return f"{words}\n  line {error.lineno}: {(error.text or '').strip()}"
    lines = [
        f"\n  line {frame.lineno}, in {frame.name}: {frame.line}"
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == str(path)
    ]
    if len(lines) > MOST_LINES:  # infinite recursion, for example
        half = MOST_LINES // 2
        lines = [*lines[:half], f"\n  ... {len(lines) - 2 * half} more", *lines[-half:]]
    return words + "".join(lines)


class OwnFamily(Family):
    """The family of a researcher's file.

    Parameters
    ----------
    path : Path
        The file.
    module : module
        Its contents.
    """

    JOINT = "own"

    def __init__(self, path: Path, module: ModuleType):
        self.path, self.module = path, module
        requirements.check(path, module)
        self.Truth, self.Prior = module.Truth, module.Prior
        self.COLUMNS, self.OUTCOME = module.COLUMNS, module.OUTCOME
        self.FILES = (path, Path(__file__))
        self.shapes: Mapping[str, Shape] = module.PARAMETERS
        self.participant_shapes: Mapping[str, Shape] = getattr(module, "PARTICIPANTS", {})
        self.means: Mapping[str, str] = getattr(module, "MEANS", {})
        labels = getattr(module, "LABELS", {})
        self.PARAMETERS = {
            element: labels.get(element, element)
            for name, shape in self.shapes.items()
            for element in elements(name, shape)
        }
        self.COEFFICIENTS = {
            coefficient: labels.get(coefficient, coefficient)
            for name, shape in self.participant_shapes.items()
            for coefficient in _coefficients(name, shape)
        }
        self.ESTIMANDS = {
            name: self._estimand(name, function)
            for name, function in getattr(module, "ESTIMANDS", {}).items()
        }
        self.PARAMETERS |= {name: labels.get(name, name) for name in self.ESTIMANDS}
        self.POSITIVE = self._elements_of("POSITIVE", getattr(module, "POSITIVE", ()))
        self.MODELS = {name: self._model(name, model) for name, model in module.MODELS.items()}
        names: Iterable[str]
        for place, names, allowed in (
            ("LABELS", labels, [*self.PARAMETERS, *self.COEFFICIENTS]),
            ("MEANS", self.means, self.COEFFICIENTS),
            ("MEANS", self.means.values(), self.PARAMETERS),
        ):
            for name in names:
                if name not in allowed:
                    raise self._error(place, f"got {name!r}, must be one of {', '.join(allowed)}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the path and the study's estimands: another process loads the file."""
        return load, (str(self.path), estimand_texts(self))

    def _elements_of(self, place: str, names: Iterable[str]) -> tuple[str, ...]:
        """The names of elements; the name of a vector means all its elements."""
        expanded: list[str] = []
        for name in names:
            if name in self.shapes:
                expanded += elements(name, self.shapes[name])
            elif name in self.PARAMETERS:
                expanded.append(name)
            else:
                allowed = ", ".join(self.PARAMETERS)
                raise self._error(place, f"got {name!r}, must be one of {allowed}")
        return tuple(expanded)

    def _estimand(self, name: str, function: Callable) -> Estimand:
        """An estimand of the file: a function whose arguments are parameters."""
        arguments = requirements.arguments_of(function)
        names = [each for given in arguments for each in elements(given, self.shapes[given])]

        def compute(values: Mapping[str, np.ndarray]) -> np.ndarray:
            draws = self._whole_draws(values)
            place = f"ESTIMANDS.{name}"
            found = self._call_function(function, place, *(draws[each] for each in arguments))
            if np.shape(found) != np.shape(values[names[0]]):
                what = f"returned {shown(found)}, must be an array with one number for each draw"
                raise self._error(place, what)
            return found

        return Estimand(name, "", tuple(names), compute)

    def _model(self, name: str, model: Model) -> Model:
        """A model with the defaults of its label, scored parameters and joint model."""
        return replace(
            model,
            label=model.label or name.replace("_", " ").capitalize(),
            scored=self._elements_of(f"MODELS.{name}.scored", model.scored or self.PARAMETERS),
            joint=model.joint or (name if model.pooling != "partial" else self.JOINT),
        )

    def program(self, model: str, folder: Path) -> Path:
        """Return the file of a model's Stan program, beside the family's file."""
        return self.path.parent / self.MODELS[model].program

    def try_in_child(self, action: Callable[[], object]) -> None:
        """Call a function in a child process; it checks values with the file's Truth and Prior."""
        try_in_child(action, f"{self.path}: Truth or Prior")

    def draw_truth(self, prior: Fields, rng: np.random.Generator) -> Fields:
        """Draw a Truth from a prior."""
        truth = self._call_with_rng("draw_truth", rng, prior)
        if not isinstance(truth, self.Truth):
            raise self._error("draw_truth", f"returned {shown(truth)}, must return a Truth")
        return truth

    def simulate(
        self,
        truth: Fields,
        participants: int,
        observations: int | Columns,
        rng: np.random.Generator,
        sizes: Mapping[str, int] = NO_SIZES,
    ) -> tuple[Columns, Values]:
        """Simulate one dataset; return it with all true values."""
        returned = self._call_with_rng("simulate", rng, truth, participants, observations)
        fault = requirements.simulation_fault(returned, self.COLUMNS, self.OUTCOME, participants)
        if fault:
            raise self._error("simulate", fault)
        columns, true_values = returned
        kinds = {"integer": int, "real": float}
        with np.errstate(over="ignore"):  # numbers that are too large become infinite
            table: Columns = {
                n: np.asarray(columns[n]).astype(kinds[k]) for n, k in self.COLUMNS.items()
            }
        if fault := requirements.not_finite_fault(table):
            raise SimulationError(f"{self.path}: simulate: {fault}")
        unknown = set(true_values) - set(self.shapes) - set(self.participant_shapes)
        if unknown:
            names = sorted(map(str, unknown))
            what = f"values has {names}, must only have names from PARAMETERS and PARTICIPANTS"
            raise self._error("simulate", what)
        values: Values = {}
        for name, shape in self.shapes.items():
            values |= self._numbers(name, shape, self._true_value(name, truth, true_values))
        for name, shape in self.participant_shapes.items():
            if name not in true_values:
                raise self._error("simulate", f"values lacks {name!r}, which is in PARTICIPANTS")
            values |= self._numbers(name, (participants, *shape), true_values[name])
        return table, values

    def _true_value(self, name: str, truth: Fields, true_values: Mapping[str, Any]) -> Any:
        """The true value of a parameter from the result of `simulate`, or else from the Truth."""
        if name in true_values:
            return true_values[name]
        if name not in type(truth).model_fields:
            what = f"values lacks {name!r}, which is in PARAMETERS and is not a field of Truth"
            raise self._error("simulate", what)
        return getattr(truth, name)

    def _numbers(self, name: str, shape: Shape, value: Any) -> Values:
        """The elements of a vector or matrix: Stan's name -> number."""
        try:
            masked: Any = np.ma.asarray(value).astype(float, casting="same_kind")
            array = masked.filled(np.nan)
        except (TypeError, ValueError):
            raise self._error("simulate", f"{name}: got {shown(value)}, must be numbers") from None
        if array.shape != tuple(shape):
            what = f"{name}: got shape {array.shape}, must have {tuple(shape)}"
            raise self._error("simulate", what)
        if not np.isfinite(array).all():
            raise SimulationError(f"{self.path}: simulate: {name}: is not finite")
        return dict(zip(elements(name, shape), array.ravel().tolist(), strict=True))

    def stan_data(self, columns: Columns, prior: Fields, model: str) -> dict[str, Any]:
        """Return the data of the Stan programs, the same for all models."""
        data = self._call("stan_data", _copy(columns), prior)
        if not isinstance(data, Mapping) or not all(isinstance(key, str) for key in data):
            raise self._error(
                "stan_data", f"returned {shown(data)}, must return a dict with text keys"
            )
        return dict(data)

    def group_coefficients(self, names: list[str]) -> dict[str, list[str]]:
        """Group participants' parameters among `names`: `alpha`, `theta[,k]` -> names in order."""
        groups: dict[str, list[str]] = {name: [] for name in self.COEFFICIENTS}
        for name in names:
            if match := re.fullmatch(r"(\w+)\[\d+((?:,\d+)*)\]", name):
                group = match[1] + (f"[{match[2]}]" if match[2] else "")
                if group in groups:
                    groups[group].append(name)
        return {group: members for group, members in groups.items() if members}

    def log_likelihood(
        self, values: Mapping[str, np.ndarray], columns: Columns
    ) -> np.ndarray | None:
        """Return the log density of every observation; None if the file has no such function."""
        if not hasattr(self.module, "log_likelihood"):
            return None
        returned = self._call("log_likelihood", self._whole_draws(values), _copy(columns))
        shape = (len(columns[self.OUTCOME]), next(iter(values.values())).size)
        if getattr(returned, "shape", None) != shape:
            what = f"returned {shown(returned)}, must be an array of {shape}: observations x draws"
            raise self._error("log_likelihood", what)
        return returned

    def _whole_draws(self, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Draws of vectors and matrices: name -> array of shape (n_draws, *shape)."""
        draws = {}
        for name, shape in self.shapes.items():
            if all(each in values for each in elements(name, shape)):
                draws[name] = _stack(values, elements(name, shape), shape)
        groups = self.group_coefficients(list(values))
        for name, shape in self.participant_shapes.items():
            if _coefficients(name, shape)[0] in groups:
                people = len(groups[_coefficients(name, shape)[0]])
                draws[name] = _stack(values, elements(name, (people, *shape)), (people, *shape))
        return draws

    def prior_sd(self, prior: Fields, model: str) -> Values:
        """Return prior standard deviations; empty if the file has no such function."""
        if not hasattr(self.module, "prior_sd"):
            return {}
        known = self._call("prior_sd", prior)
        if fault := requirements.prior_sd_fault(known, self.PARAMETERS):
            raise self._error("prior_sd", fault)
        return {name: float(known[name]) for name in self.MODELS[model].scored if name in known}

    def population_of(self, coefficient: str) -> str | None:
        """Return the population parameter that is the mean of a participants' parameter."""
        return self.means.get(coefficient)

    def _call_with_rng(self, function: str, rng: np.random.Generator, *arguments: Any) -> Any:
        """Return the result of a function of the file, which must draw from `rng`."""
        before = _state(rng)
        returned = self._call(function, *arguments, rng)
        if _state(rng) == before:
            raise self._error(
                function, "draws nothing from `rng`, must draw all random numbers from it"
            )
        return returned

    def _call(self, function: str, *arguments: Any) -> Any:
        """Return the result of a function of the file; StudyError with its lines if it raises.

        SystemExit becomes a StudyError too. A SimulationError keeps its message, but not a class
        that the file may derive from it.
        """
        return self._call_function(getattr(self.module, function), function, *arguments)

    def _call_function(self, callee: Callable, name: str, *arguments: Any) -> Any:
        with restored_process(), same_directory(partial(self._error, name)):
            try:
                return callee(*arguments)
            except SimulationError as error:
                raise SimulationError(in_words(error).partition(": ")[2]) from None
            except BaseException as error:
                raise self._error(name, f"raised {with_lines(error, self.path)}") from None

    def _error(self, function: str, what: str) -> StudyError:
        return StudyError(f"{self.path}: {function}: {what}")


def _state(rng: np.random.Generator) -> tuple:
    """The state of a generator, which changes with every draw and every spawned generator."""
    seeds: Any = rng.bit_generator.seed_seq
    return rng.bit_generator.state, seeds.n_children_spawned


def _copy(columns: Columns) -> Columns:
    """Copies of columns, so that a researcher's code cannot change those of the next call."""
    return {name: np.array(values) for name, values in columns.items()}


def elements(name: str, shape: Shape) -> list[str]:
    """Return the names of a parameter's elements: `mu[1]`, `mu[2]`; `mu` of a scalar."""
    if not shape:
        return [name]
    return [f"{name}[{','.join(str(i + 1) for i in index)}]" for index in np.ndindex(*shape)]


def _coefficients(name: str, shape: Shape) -> list[str]:
    """The names of a participants' parameter, without the participant: `alpha`, `theta[,1]`."""
    if not shape:
        return [name]
    return [f"{name}[,{','.join(str(i + 1) for i in index)}]" for index in np.ndindex(*shape)]


def _stack(values: Mapping[str, np.ndarray], names: list[str], shape: Shape) -> np.ndarray:
    return np.array([values[name] for name in names]).T.reshape(-1, *shape)
