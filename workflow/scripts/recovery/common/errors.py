"""Faults of a study file in its author's words: the key, what it got, what is allowed."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from pydantic import BaseModel, ValidationError

MOST_LINES = 20  # of a message
MOST_CHARACTERS = 500  # of one of its lines
MOST_NAMES = 30  # of a list in it


class UserError(Exception):
    """The user can mend this: the message says what is wrong and the way out."""


class StudyError(UserError):
    """The study file asks for something that cannot be; the message is for its author."""

    def __init__(self, message: str):
        super().__init__(bounded(message))


class EngineError(UserError):
    """The engine cannot serve a program at all; the message says the way out."""


class MachineError(EngineError):
    """The machine failed, not a fit: its job stops, and is done again by the next run."""


class StaleTableError(UserError):
    """A table is not what this study asks for, or not whole; the message has the cure."""


def bounded(message: str) -> str:
    """Return a message with its lines cut where they are long, and its end where they are many.

    What a terminal would obey stands as its code: names and texts may come from a stranger.
    """
    lines = message.splitlines()
    kept = lines if len(lines) <= MOST_LINES else lines[: MOST_LINES - 1]
    cut = [
        line if len(line) <= MOST_CHARACTERS else f"{line[: MOST_CHARACTERS - 3]}..."
        for line in map(_printable, kept)
    ]
    more = [f"... and {len(lines) - len(kept):,} more"] if len(kept) < len(lines) else []
    return "\n".join([*cut, *more])


def _printable(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in line)


def checked(kind: type[BaseModel], value: Any, place: tuple, faults: list) -> BaseModel | None:
    """The value as `kind`, or None and its faults in words."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        faults += validation_faults(error, place)
        return None


def validation_faults(error: ValidationError, place: tuple) -> list[str]:
    """What pydantic found at a place of the study, in words."""
    return [_in_words(fault, place) for fault in _first_causes(error.errors())]


def _first_causes(errors: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Leave out that a list is too short, which pydantic says where its entries are wrong."""
    places = [fault["loc"] for fault in errors]
    holding_another = {place[:length] for place in places for length in range(len(place))}
    return [fault for fault in errors if fault["loc"] not in holding_another]


def _in_words(fault: Mapping, place: tuple) -> str:
    """One pydantic error as `key: got X, must be Y`."""
    where = path_in_words((*place, *fault["loc"]))
    if isinstance(cause := fault.get("ctx", {}).get("error"), ValidationError):
        return _in_words(cause.errors()[0], (*place, *fault["loc"]))
    if fault["type"] == "missing":
        return f"{where}: missing, must be given"
    if fault["type"] == "invalid_key":
        where = path_in_words((*place, *fault["loc"][:-1]))
        return f"{where}: got the key {shown(fault['input'])}, keys must be text"
    if fault["type"] == "extra_forbidden":
        return f"{where}: unknown key, must not be there"
    if fault["type"] == "value_error":
        return f"{where}: {fault['ctx']['error']}"
    return f"{where}: got {shown(fault['input'])}, {_allowed(fault)}"


_ALLOWED = {
    "int_type": "must be an integer",
    "int_from_float": "must be an integer",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "string_unicode": "must be text without halves of characters",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": (
        "must be a name of lower-case letters, digits and underscores (it becomes part of a path)"
    ),
    "dict_type": "must be a mapping of names to values",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
    "tuple_type": "must be a list",
}
_BOUNDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


def _allowed(fault: Mapping) -> str:
    """What the place allows, in words."""
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "string_type" and "[key]" in fault["loc"]:
        return "must be a name in quotes, of lower-case letters, digits and underscores"
    if kind == "float_type" and isinstance(fault["input"], str) and (put := number(fault["input"])):
        how = "with a point, as" if "." in put else "as"
        return f"must be a number, and YAML reads this as text; write it {how} {put}"
    if kind == "string_too_long":
        return f"must have at most {context['max_length']} characters"
    if kind in _ALLOWED:
        return _ALLOWED[kind]
    if kind in ("too_short", "too_long"):
        wanted = context.get("min_length", context.get("max_length"))
        return f"must have at {'least' if kind == 'too_short' else 'most'} {wanted} entries"
    for bound, words in _BOUNDS.items():
        if bound in context:
            return f"must be {words} {context[bound]}"
    if kind == "literal_error":
        return f"must be one of {context['expected']}"
    return f"must be otherwise: {fault['msg']}"


_NUMBER = re.compile(r"([-+]?)(?=\.?\d)(\d*)(\.?)(\d*)(?:[eE]([-+]?)(\d+))?", re.ASCII)


def number(text: str) -> str | None:
    """A decimal number as every YAML reads it as one, `1e-3` as `1.0e-3`; None if it is none."""
    found = _NUMBER.fullmatch(text)
    if not found or len(text) > MOST_CHARACTERS:
        return None
    value = float(text)
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    sign, whole, _, decimals, direction, exponent = found.groups()
    power = f"e{direction or '+'}{exponent}" if exponent else ""
    return f"{sign}{whole or '0'}.{decimals or '0'}{power}"


def path_in_words(place: tuple) -> str:
    """A place in the study as its author would point to it: `truths.moderate.beta[1]`."""
    text = ""
    for part in place:
        if part == "[key]" or (isinstance(part, str) and part.startswith("function-")):
            continue
        text += f"[{part}]" if isinstance(part, int) else f".{_as_key(part)}"
    return text.lstrip(".") or "the file"


def _as_key(key: str) -> str:
    """A key as it stands in the file, or in quotes where it would not be seen as one."""
    return key if len(key) <= 80 and re.fullmatch(r"\S+", key) and key.isprintable() else shown(key)


def shown(value: Any) -> str:
    """Return a value as messages show it, cut where it is long."""
    if value is None:
        return "nothing"
    if isinstance(value, datetime.date):
        return f"the date {value}"
    try:
        text = repr(value)
    except ValueError:  # Python writes no integer that is too long
        return "a number of thousands of digits"
    return text if len(text) <= 80 else f"{text[:77]}..."


def listed(names: Iterable[str]) -> str:
    """Return names as messages list them, the first of many."""
    every = list(names)
    more = [f"and {len(every) - MOST_NAMES:,} more"] if len(every) > MOST_NAMES else []
    return ", ".join([*map(shown, islice(every, MOST_NAMES)), *more]) or "(none is declared)"


def study_error(file: str, faults: list[str]) -> StudyError:
    """Return one error of many faults, a line each, each with the study's file."""
    return StudyError("\n".join(f"{file}: {fault}" for fault in faults))
