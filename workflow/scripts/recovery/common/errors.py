"""Errors that users see, and faults of a study file as `key: got X, must be Y`."""

from __future__ import annotations

import datetime
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)
MOST_LINES = 20  # of a message
MOST_CHARACTERS = 500  # of a line
MOST_NAMES = 30  # of a list
FEW_KEYS = 12  # are listed where one is unknown


class UserError(Exception):
    """An error that the user can correct; the message says what is wrong and what to do."""


class StudyError(UserError):
    """The study file asks for something impossible; the message is for its author."""

    def __init__(self, message: str):
        super().__init__(bounded(message))


class PlacedError(ValueError):
    """A fault at a place within a part of the study, which checks of the whole part find."""

    def __init__(self, place: tuple, message: str):
        super().__init__(f"{path_in_words(place)}: {message}")
        self.place, self.message = place, message


class EngineError(UserError):
    """The engine cannot run a program at all; the message says what to do."""


class MachineError(EngineError):
    """The machine failed, not a fit: the job stops, and the next run does it again."""


class StaleTableError(UserError):
    """A table is not of this study, or is damaged; the message says what to do."""


def bounded(message: str) -> str:
    """Return a message with long lines cut, and with the last of too many lines left out.

    Control characters are shown as their codes: names and texts may come from a stranger.
    """
    lines = message.splitlines()
    kept = lines if len(lines) <= MOST_LINES else lines[: MOST_LINES - 1]
    shortened = [
        line if len(line) <= MOST_CHARACTERS else f"{line[: MOST_CHARACTERS - 3]}..."
        for line in map(_printable, kept)
    ]
    more = [f"... and {len(lines) - len(kept):,} more"] if len(kept) < len(lines) else []
    return "\n".join([*shortened, *more])


def _printable(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)


def checked(kind: type[Model], value: Any, place: tuple, faults: list[str]) -> Model | None:
    """Return the value as `kind`; if it is invalid, return None and add its faults in words."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        faults += validation_faults(error, place, tuple(kind.model_fields))
        return None


def validation_faults(error: ValidationError, place: tuple, keys: Sequence[str] = ()) -> list[str]:
    """Return in words the faults that pydantic found at a place of the study with these keys."""
    return [
        _in_words(fault, place) + _question(fault, keys) for fault in _first_causes(error.errors())
    ]


def _question(fault: Mapping, keys: Sequence[str]) -> str:
    """A question for the key that an unknown one is near to; else all keys, if they are few."""
    if fault["type"] != "extra_forbidden" or len(fault["loc"]) > 1 or len(keys) > MOST_CHARACTERS:
        return ""
    near = difflib.get_close_matches(str(fault["loc"][0])[:MOST_CHARACTERS], keys, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; the keys are {', '.join(keys)}" if 0 < len(keys) <= FEW_KEYS else ""


def _first_causes(errors: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Leave out faults of a list whose entries have faults: pydantic then calls it too short."""
    places = [fault["loc"] for fault in errors]
    containers = {place[:length] for place in places for length in range(len(place))}
    return [fault for fault in errors if fault["loc"] not in containers]


def _in_words(fault: Mapping, place: tuple) -> str:
    """One pydantic error as `key: got X, must be Y`."""
    where = path_in_words((*place, *fault["loc"]))
    if isinstance(cause := fault.get("ctx", {}).get("error"), ValidationError):
        return _in_words(cause.errors()[0], (*place, *fault["loc"]))
    if isinstance(cause, PlacedError):
        return f"{path_in_words((*place, *fault['loc'], *cause.place))}: {cause.message}"
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
    "string_unicode": "must be valid Unicode text",
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
    """What a value must be, in words."""
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "string_type" and "[key]" in fault["loc"]:
        return "must be a name in quotes, of lower-case letters, digits and underscores"
    if (
        kind == "float_type"
        and isinstance(fault["input"], str)
        and (written := number(fault["input"]))
    ):
        how = "with a point, as" if "." in written else "as"
        return f"must be a number, and YAML reads this as text; write it {how} {written}"
    if kind == "string_too_long":
        return f"must have at most {context['max_length']} characters"
    if kind in _ALLOWED:
        return _ALLOWED[kind]
    if kind in ("too_short", "too_long"):
        length = context.get("min_length", context.get("max_length"))
        return f"must have at {'least' if kind == 'too_short' else 'most'} {length} entries"
    for bound, words in _BOUNDS.items():
        if bound in context:
            return f"must be {words} {context[bound]}"
    if kind == "literal_error":
        return f"must be one of {context['expected']}"
    return f"is not allowed: {fault['msg']}"


_NUMBER = re.compile(r"([-+]?)(?=\.?\d)(\d*)(\.?)(\d*)(?:[eE]([-+]?)(\d+))?", re.ASCII)


def number(text: str) -> str | None:
    """Return a decimal number as every YAML reader takes it, `1e-3` as `1.0e-3`; else None."""
    match = _NUMBER.fullmatch(text)
    if not match or len(text) > MOST_CHARACTERS:
        return None
    value = float(text)
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    sign, whole, _, decimals, direction, exponent = match.groups()
    power = f"e{direction or '+'}{exponent}" if exponent else ""
    return f"{sign}{whole or '0'}.{decimals or '0'}{power}"


def path_in_words(place: tuple) -> str:
    """Return a place in the study as its author would write it: `truths.moderate.beta[1]`."""
    text = ""
    for part in place:
        if part == "[key]" or (isinstance(part, str) and part.startswith("function-")):
            continue
        text += f"[{part}]" if isinstance(part, int) else f".{_as_key(part)}"
    return text.lstrip(".") or "the file"


def _as_key(key: str) -> str:
    """A key as it is in the file, in quotes if it has spaces or unprintable characters."""
    return key if len(key) <= 80 and re.fullmatch(r"\S+", key) and key.isprintable() else shown(key)


def shown(value: Any) -> str:
    """Return a value as messages show it, shortened if it is long."""
    if value is None:
        return "nothing"
    if isinstance(value, datetime.date):
        return f"the date {value}"
    try:
        text = repr(value)
    except ValueError:  # Python refuses to print very long integers
        return "a number of thousands of digits"
    return text if len(text) <= 80 else f"{text[:77]}..."


def listed(names: Iterable[str]) -> str:
    """Return names as messages list them; of very many only the first."""
    all_names = list(names)
    left_out = len(all_names) - MOST_NAMES
    more = [f"and {left_out:,} more"] if left_out > 0 else []
    return ", ".join([*map(shown, all_names[:MOST_NAMES]), *more]) or "(none is declared)"


def study_error(file: str, faults: list[str]) -> StudyError:
    """Return one error with a line for each fault, which begins with the study's file."""
    return StudyError("\n".join(f"{file}: {fault}" for fault in faults))
