"""Faults of a study's keys, collected and raised as one pydantic ValidationError."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import InitErrorDetails

from recovery.common.errors import listed, shown

Place = tuple[str | int, ...]


class Faults:
    """Faults found so far; each has its place in the study file, which begins with a key."""

    def __init__(self) -> None:
        self._details: list[InitErrorDetails] = []

    def __bool__(self) -> bool:
        return bool(self._details)

    def add(self, place: Place, message: str) -> None:
        """Add a fault in the user's words."""
        self._details.append(
            {"type": "value_error", "loc": place, "input": None, "ctx": {"error": message}}
        )

    def checked(self, kind: Any, value: Any, place: Place, keys: Iterable[str] = ()) -> Any:
        """Return the value as `kind`; if it is invalid, return None and add its faults.

        `keys` are those that a mapping may have; a message about an unknown key names the nearest.
        """
        try:
            return TypeAdapter(kind).validate_python(value)
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                where = (*place, *fault["loc"])
                if fault["type"] == "extra_forbidden" and keys:
                    self.add(where, f"unknown key, must be {one_of(where[-1], keys)}")
                else:
                    known = {key: fault[key] for key in ("type", "input", "ctx") if key in fault}
                    self._details.append(InitErrorDetails(loc=where, **known))  # type: ignore[typeddict-item]
        return None

    def raise_if_any(self) -> None:
        """Raise a ValidationError with all faults, if there are any."""
        if self._details:
            raise ValidationError.from_exception_data("design", self._details)


def one_of(name: Any, known: Iterable[str]) -> str:
    """Return the known names as messages list them, and a question for the nearest to `name`."""
    names = list(known)
    near = difflib.get_close_matches(str(name), names, n=1)
    question = f"; did you mean {near[0]}?" if near else ""
    return f"one of {listed(names)}{question}"


def unknown(name: Any, known: Iterable[str]) -> str:
    """Return the message about a name that does not exist."""
    return f"got {shown(name)}, must be {one_of(name, known)}"
