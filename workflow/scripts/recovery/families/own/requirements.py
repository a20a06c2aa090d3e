"""Checks of the file of an own family and of the results of its functions."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Iterator, Mapping
from numbers import Real
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from recovery.common.errors import StudyError, shown
from recovery.common.types import Frozen, for_snakemake
from recovery.families.family import MOST_ROWS, Model

Shape = tuple[int, ...]
PARTICIPANT = "participant"
FUNCTIONS = {
    "draw_truth": "draw_truth(prior, rng)",
    "simulate": "simulate(truth, participants, observations, rng)",
    "stan_data": "stan_data(observations, prior)",
}
NEEDED = ("Truth", "Prior", "MODELS", "PARAMETERS", "COLUMNS", "OUTCOME", *FUNCTIONS)
OPTIONAL = (
    *("PARTICIPANTS", "POSITIVE", "LABELS", "MEANS", "ESTIMANDS"),
    *("log_likelihood", "prior_sd"),
)
LARGEST_INTEGER = np.iinfo(np.int64).max  # of a column
DRAW_KEYS = ("replicate", "chain", "draw")  # columns of kept draws besides the parameters
RESERVED = ("prior", "model", "from_observed")  # keys of other kinds of truths in a study file


def check(path: Path, module: ModuleType) -> None:
    """Raise StudyError with a line for every fault of a family's file."""
    missing = [name for name in NEEDED if not hasattr(module, name)]
    faults = [f"{name}: missing, must be {_requirement(name)}" for name in missing]
    faults += _misspelt(module, missing)
    checks = (
        *(_type_faults, _text_faults, _parameter_faults, _estimand_faults),
        *(_column_faults, _model_faults),
    )
    if not faults:
        for check_part in checks:
            faults += check_part(module)
    if faults:
        raise StudyError("\n".join(f"{path}: {fault}" for fault in faults))


def _requirement(name: str) -> str:
    if name in FUNCTIONS:
        return f"a function {FUNCTIONS[name]}"
    if name in ("Truth", "Prior"):
        return f"a class {name}(Frozen), from recovery.families.own"
    return {
        "MODELS": 'a mapping: {"hierarchical": Model("hierarchical.stan")}',
        "PARAMETERS": 'a mapping of names to shapes: {"mu": (2,), "sigma": ()}',
        "COLUMNS": 'a mapping: {"participant": "integer", "y": "real"}',
        "OUTCOME": "the name of the column of outcomes",
    }[name]


def _misspelt(module: ModuleType, missing: list[str]) -> Iterator[str]:
    """Faults of names that are similar to an optional or missing name and would be ignored."""
    for name in vars(module):
        if name in NEEDED or name in OPTIONAL or name.startswith("_"):
            continue
        near = difflib.get_close_matches(name, [*OPTIONAL, *missing], n=1, cutoff=0.85)
        if near:
            yield f"{name}: unknown; should it be {near[0]}?"


def _type_faults(module: ModuleType) -> Iterator[str]:
    for name in ("Truth", "Prior"):
        kind = getattr(module, name)
        if not (isinstance(kind, type) and issubclass(kind, Frozen)):
            yield f"{name}: got {shown(kind)}, must be {_requirement(name)}"
        elif not kind.__pydantic_complete__:
            yield f"{name}: has an unknown type; is it imported?"
    for name in RESERVED:
        if name in getattr(module.Truth, "model_fields", {}):
            yield f"Truth.{name}: is a reserved key of truths in a study, must have another name"
    for name in (*FUNCTIONS, "log_likelihood", "prior_sd"):
        if hasattr(module, name) and not callable(getattr(module, name)):
            yield f"{name}: got {shown(getattr(module, name))}, must be a function"


def _text_faults(module: ModuleType) -> Iterator[str]:
    """Faults of POSITIVE, LABELS, MEANS and OUTCOME."""
    positive = getattr(module, "POSITIVE", ())
    if not _are_names(positive):
        yield f"POSITIVE: got {shown(positive)}, must be a tuple of names: ('tau', 'sigma')"
    for place in ("LABELS", "MEANS"):
        texts = getattr(module, place, {})
        if not (isinstance(texts, Mapping) and _are_names((*texts, *texts.values()))):
            yield f"{place}: got {shown(texts)}, must be a mapping of names to text"
    if not isinstance(module.OUTCOME, str):
        yield f"OUTCOME: got {shown(module.OUTCOME)}, must be {_requirement('OUTCOME')}"


def _are_names(names: Any) -> bool:
    return isinstance(names, tuple | list) and all(isinstance(name, str) for name in names)


def _parameter_faults(module: ModuleType) -> Iterator[str]:
    parameters, people = module.PARAMETERS, getattr(module, "PARTICIPANTS", {})
    for place, shapes in (("PARAMETERS", parameters), ("PARTICIPANTS", people)):
        if not isinstance(shapes, Mapping):
            yield f"{place}: got {shown(shapes)}, must be a mapping of names to shapes"
            return
        for name, shape in shapes.items():
            pattern = r"[A-Za-z]\w*" + (r"(\[[\d,]+\])?" if place == "PARAMETERS" else "")
            if not (isinstance(name, str) and re.fullmatch(pattern, name)):
                yield f"{place}: got the name {shown(name)}, must be a valid Stan variable name"
            elif name in DRAW_KEYS:
                yield f"{place}.{name}: is reserved for tables of draws, must have another name"
            elif not _is_shape(shape) or ("[" in name and shape != ()):
                yield f"{place}.{name}: got {shown(shape)}, must be a shape: (), (2,) or (2, 3)"
    if not parameters:
        yield "PARAMETERS: is empty, must have at least one parameter"
    for name in parameters:
        vector, _, index = name.partition("[")
        if index and parameters.get(vector):
            yield f"PARAMETERS.{name}: is already an element of {vector!r}, must be declared once"
    for name in set(parameters) & set(people):
        yield f"PARTICIPANTS.{name}: is also in PARAMETERS, must be in only one of them"


def arguments_of(function: Any) -> tuple[str, ...]:
    """Return the names of a function's arguments; none if it is not a function."""
    try:
        return tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return ()


def _estimand_faults(module: ModuleType) -> Iterator[str]:
    estimands = getattr(module, "ESTIMANDS", {})
    if not isinstance(estimands, Mapping):
        yield f"ESTIMANDS: got {shown(estimands)}, must be a mapping of names to functions"
        return
    known = [*module.PARAMETERS, *getattr(module, "PARTICIPANTS", {}), *DRAW_KEYS]
    for name, function in estimands.items():
        arguments = arguments_of(function)
        if not (isinstance(name, str) and re.fullmatch(r"[A-Za-z]\w*", name)):
            yield f"ESTIMANDS: got the name {shown(name)}, must be letters, digits and underscores"
        elif name in known:
            yield f"ESTIMANDS.{name}: is the name of something else, must be another"
        elif not arguments:
            yield f"ESTIMANDS.{name}: got {shown(function)}, must be a function of parameters"
        elif wrong := [each for each in arguments if each not in module.PARAMETERS]:
            allowed = ", ".join(module.PARAMETERS)
            yield f"ESTIMANDS.{name}: has the argument {wrong[0]!r}, must be one of {allowed}"


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, tuple) and all(type(n) is int and n >= 1 for n in shape)


def _column_faults(module: ModuleType) -> Iterator[str]:
    columns = module.COLUMNS
    if not isinstance(columns, Mapping):
        yield f"COLUMNS: got {shown(columns)}, must be {_requirement('COLUMNS')}"
        return
    for name, kind in columns.items():
        if not (isinstance(name, str) and re.fullmatch(r"[a-z][a-z0-9_]*", name)):
            yield f"COLUMNS: got the name {shown(name)}, must be lower-case letters and digits"
        if kind not in ("integer", "real"):
            yield f"COLUMNS.{name}: got {shown(kind)}, must be 'integer' or 'real'"
    if columns.get(PARTICIPANT) != "integer":
        yield f"COLUMNS: must have {PARTICIPANT!r}: 'integer', numbered from 1"
    if "replicate" in columns:
        yield "COLUMNS.replicate: is a reserved column of the tables, must have another name"
    if isinstance(module.OUTCOME, str) and module.OUTCOME not in columns:
        yield f"OUTCOME: got {shown(module.OUTCOME)}, must be one of {', '.join(columns)}"


def _model_faults(module: ModuleType) -> Iterator[str]:
    if not isinstance(module.MODELS, Mapping) or not module.MODELS:
        yield f"MODELS: got {shown(module.MODELS)}, must be {_requirement('MODELS')}"
        return
    for name, model in module.MODELS.items():
        if not (isinstance(name, str) and re.fullmatch(r"[a-z0-9_]+", name)):
            yield f"MODELS: got the name {shown(name)}, must be lower-case letters and digits"
        if not isinstance(model, Model):
            yield f"MODELS.{name}: got {shown(model)}, must be a Model"
        elif fault := _model_fault(model):
            yield f"MODELS.{name}.{fault}"
        elif model.pooling not in ("complete", "none", "partial"):
            yield f"MODELS.{name}: pooling is {model.pooling!r}, must be complete, none or partial"


def _model_fault(model: Model) -> str | None:
    for place in ("program", "label", "joint", "note"):
        if not isinstance(getattr(model, place), str):
            return f"{place}: got {shown(getattr(model, place))}, must be text"
    if not isinstance(model.integrated, bool):
        return f"integrated: got {shown(model.integrated)}, must be True or False"
    if not _are_names(model.scored):
        return f"scored: got {shown(model.scored)}, must be a tuple of names"
    try:
        for_snakemake(model.program)
    except ValueError as fault:
        return f"program: {fault}"
    return None


def not_finite_fault(columns: Mapping[str, Any]) -> str | None:
    """Return the fault of the first column with a number that is not finite, or None."""
    for name, values in columns.items():
        if not np.isfinite(values).all():
            return f"column {name!r} holds a value that is not finite"
    return None


def prior_sd_fault(returned: Any, parameters: Mapping[str, str]) -> str | None:
    """Return the first fault in the result of `prior_sd`, or None."""
    if not isinstance(returned, Mapping):
        return f"returned {shown(returned)}, must return a dict of standard deviations"
    for name, value in returned.items():
        if name not in parameters:
            return f"has {shown(name)}, must only have {', '.join(parameters)}"
        if not isinstance(value, Real) or not 0 < float(value) < np.inf:
            return f"{name}: got {shown(value)}, must be a number above 0"
    return None


def simulation_fault(
    returned: Any, columns: Mapping[str, str], outcome: str, participants: int
) -> str | None:
    """Return the first fault in the result of `simulate`, or None."""
    if not (isinstance(returned, tuple) and len(returned) == 2):
        return f"returned {shown(returned)}, must return two dicts: observations, values"
    for part in returned:
        if not isinstance(part, Mapping):
            return (
                f"returned {shown(part)} in its tuple, must return two dicts: observations, values"
            )
    data = returned[0]
    if set(data) != set(columns):
        names = sorted(map(str, data))
        return f"observations has {names}, must have the columns {sorted(columns)}"
    try:
        arrays = {name: np.asarray(values) for name, values in data.items()}
    except ValueError:  # rows of different lengths
        return "a column is not an array, must have one row per observation"
    for name, values in data.items():
        if np.ma.is_masked(values):
            return f"column {name!r} has masked values, must have a number in every row"
    shape = arrays[outcome].shape
    if arrays[outcome].size > MOST_ROWS:
        return f"returned {arrays[outcome].size:,} observations, must be at most {MOST_ROWS:,}"
    for name, values in arrays.items():
        if values.ndim != 1 or values.shape != shape:
            return (
                f"column {name!r} has shape {values.shape}, must have one row for each observation"
            )
        allowed = "iub" if columns[name] == "integer" else "iuf"
        if values.dtype.kind not in allowed:
            return f"column {name!r} holds {values.dtype}, must be {columns[name]} as in COLUMNS"
        if values.dtype.kind == "u" and values.max(initial=0) > LARGEST_INTEGER:
            return f"column {name!r} holds {values.max()}, must be at most {LARGEST_INTEGER}"
    people = np.unique(arrays[PARTICIPANT])
    if not np.array_equal(people, np.arange(1, participants + 1)):
        return f"column {PARTICIPANT!r} has {people.tolist()[:10]}, must have 1 to {participants}"
    return None
