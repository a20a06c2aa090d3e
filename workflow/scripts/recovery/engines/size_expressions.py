"""Evaluate the sizes that a Stan program declares: integer expressions of its data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Values = Mapping[str, np.ndarray]
Size = Callable[[Values], Any]
"""From data by name to the value of an expression; KeyError if a name is missing."""

_NUMBER = re.compile(r"\d[\d_]*(\.\d*)?([eE][-+]?\d+)?|\.\d+([eE][-+]?\d+)?")
_NAME = re.compile(r"[A-Za-z]\w*")
_PREFIX, _CONDITIONAL, _INDEX = 80, 5, 100


def _quotient(a: Any, b: Any) -> Any:
    """Divide as Stan does: the quotient of integers is rounded towards zero."""
    if isinstance(a, float) or isinstance(b, float):
        return a / b
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


_OPERATORS: dict[str, tuple[int, Callable]] = {
    "||": (10, lambda a, b: int(bool(a) or bool(b))),
    "&&": (20, lambda a, b: int(bool(a) and bool(b))),
    "==": (30, lambda a, b: int(a == b)),
    "!=": (30, lambda a, b: int(a != b)),
    "<": (40, lambda a, b: int(a < b)),
    "<=": (40, lambda a, b: int(a <= b)),
    ">": (40, lambda a, b: int(a > b)),
    ">=": (40, lambda a, b: int(a >= b)),
    "+": (50, lambda a, b: a + b),
    "-": (50, lambda a, b: a - b),
    "*": (60, lambda a, b: a * b),
    "/": (60, _quotient),
    "%": (60, lambda a, b: a - b * _quotient(a, b)),
    "%/%": (70, _quotient),
}
_SIGNS: dict[str, Callable] = {"+": lambda a: a, "-": lambda a: -a, "!": lambda a: int(not a)}
_FUNCTIONS: dict[str, Callable] = {
    "size": lambda a: _size(np.asarray(a)),
    "num_elements": lambda a: int(np.size(a)),
    "rows": lambda a: np.shape(a)[0],
    "cols": lambda a: np.shape(a)[1],
    "min": lambda *a: _number(np.min(a)),
    "max": lambda *a: _number(np.max(a)),
    "sum": lambda a: _number(np.sum(a)),
    "abs": abs,
}


def _size(array: np.ndarray) -> int:
    """Stan's `size`: the length of an array."""
    if array.ndim > 1 and array.dtype.kind != "i":
        raise ValueError("an array of vectors, or a matrix?")
    return len(array) if array.ndim else 1


def _number(value: Any) -> Any:
    """A NumPy number as a Python number; arrays unchanged."""
    return value.item() if isinstance(value, np.generic) or np.ndim(value) == 0 else value


def parsed(tokens: Sequence[str]) -> Size | None:
    """Return the value of an expression as a function of data.

    Parameters
    ----------
    tokens : sequence of str
        The expression, without comments.

    Returns
    -------
    callable or None
        None for an expression with parts that are not supported: functions that the program
        defines, or ranges of indices.
    """
    rest = list(tokens)
    try:
        size = _expression(rest, 0)
    except (LookupError, ValueError, RecursionError):
        return None
    return size if not rest else None


def _expression(rest: list[str], binding: int) -> Size:
    """Take an expression from the front of the tokens, by the precedence of its operators."""
    left = _operand(rest)
    while rest:
        if rest[0] == "[" and binding < _INDEX:
            left = _indexed(left, _list(rest, "]"))
        elif rest[0] == "?" and binding < _CONDITIONAL:
            left = _conditional(left, rest)
        elif rest[0] in _OPERATORS and _OPERATORS[rest[0]][0] > binding:
            level, function = _OPERATORS[rest.pop(0)]
            left = _combined(function, left, _expression(rest, level))
        else:
            break
    return left


def _operand(rest: list[str]) -> Size:
    if rest[0] == "(":
        (inside,) = _list(rest, ")")
        return inside
    token = rest.pop(0)
    if token in "+-!":
        change, operand = _SIGNS[token], _expression(rest, _PREFIX)
        return lambda values: change(operand(values))
    if _NUMBER.fullmatch(token):
        digits = token.replace("_", "")
        number = int(digits) if digits.isdigit() else float(digits)
        return lambda values: number
    if not _NAME.fullmatch(token):
        raise ValueError(token)
    if rest and rest[0] == "(":
        return _call(_FUNCTIONS[token], _list(rest, ")"))
    return lambda values: _number(values[token])


def _list(rest: list[str], end: str) -> list[Size]:
    """Take the expressions in brackets, which commas separate."""
    rest.pop(0)
    entries = [_expression(rest, 0)]
    while rest[0] == ",":
        rest.pop(0)
        entries.append(_expression(rest, 0))
    if rest.pop(0) != end:
        raise ValueError(end)
    return entries


def _conditional(condition: Size, rest: list[str]) -> Size:
    rest.pop(0)
    chosen = _expression(rest, 0)
    if rest.pop(0) != ":":
        raise ValueError(":")
    other = _expression(rest, 0)
    return lambda values: chosen(values) if condition(values) else other(values)


def _combined(function: Callable, left: Size, right: Size) -> Size:
    return lambda values: function(left(values), right(values))


def _call(function: Callable, arguments: list[Size]) -> Size:
    return lambda values: function(*(argument(values) for argument in arguments))


def _indexed(array: Size, places: list[Size]) -> Size:
    def element(values: Values) -> Any:
        index = tuple(place(values) for place in places)
        if min(index) < 1:
            raise IndexError(index)
        return _number(array(values)[tuple(number - 1 for number in index)])

    return element


def value_of(size: Size | None, values: Values) -> int | None:
    """Return a size, given the data declared before it; None if it cannot be evaluated."""
    if size is None:
        return None
    try:
        value = size(values)
    except (LookupError, TypeError, ValueError, ArithmeticError, RecursionError):
        return None
    return value if isinstance(value, int) else None
