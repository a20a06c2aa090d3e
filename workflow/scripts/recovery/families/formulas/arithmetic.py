"""Arithmetic of columns, as in I(x^2 / 10) and log(z + 1)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from recovery.families.formulas.tokens import Tokens

Step = float | str
"""A number, the name of a column, or an operation, whose key is not a possible name."""
FUNCTIONS = {"log": np.log, "exp": np.exp, "sqrt": np.sqrt}
_NEGATIVE = "-()"
_OF_ONE = {_NEGATIVE: np.negative, **{f"{name}()": apply for name, apply in FUNCTIONS.items()}}
_OF_TWO = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "^": np.power}
_STRENGTH = {"+": 1, "-": 1, "*": 2, "/": 2, _NEGATIVE: 3, "^": 4}
_OPERAND = 5  # the strength of what needs no parentheses
_MUST = "a name, a number, '-', '(' or one of the functions log, exp, sqrt"


@dataclass(frozen=True)
class Expression:
    """An arithmetic expression in postfix order: x^2 is ('x', 2.0, '^')."""

    steps: tuple[Step, ...]

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """The names of its columns, in order."""
        names = (step for step in self.steps if isinstance(step, str))
        return tuple(dict.fromkeys(n for n in names if n not in _OF_ONE and n not in _OF_TWO))

    @cached_property
    def text(self) -> str:
        """The expression with R's spaces, and parentheses only where they matter."""
        stack: list[tuple[str, int]] = []
        for step in self.steps:
            if isinstance(step, float):
                stack.append((repr(step).removesuffix(".0"), _OPERAND))
            elif step in _OF_TWO:
                right = stack.pop()
                stack.append(_text_of_two(step, stack.pop(), right))
            elif step == _NEGATIVE:
                stack.append((f"-{_within(stack.pop(), 3)}", 3))
            elif step in _OF_ONE:
                stack.append((f"{step[:-2]}({stack.pop()[0]})", _OPERAND))
            else:
                stack.append((step, _OPERAND))
        return stack[0][0]

    def values(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the expression's value in every row, which may be infinite or no number.

        Raises
        ------
        ValueError
            If there is no such column.
        """
        stack: list = []
        with np.errstate(all="ignore"):
            for step in self.steps:
                if isinstance(step, float):
                    stack.append(np.float64(step))
                elif step in _OF_TWO:
                    right = stack.pop()
                    stack.append(_OF_TWO[step](stack.pop(), right))
                elif step in _OF_ONE:
                    stack.append(_OF_ONE[step](stack.pop()))
                else:
                    stack.append(column(columns, step))
        return np.asarray(stack[0])


def column(columns: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """Return a column as an array of floats; raise ValueError if there is no such column."""
    if name not in columns:
        raise ValueError(f"got no column {name!r}, must be one of {', '.join(columns)}")
    values = np.asarray(columns[name], dtype=float)
    if values.ndim != 1:
        raise ValueError(f"{name}: got the shape {values.shape}, must have one number per row")
    return values


def read_expression(tokens: Tokens) -> Expression:
    """Read an arithmetic expression; raise ValueError if there is none."""
    steps: list[Step] = []
    _read_sum(tokens, steps)
    return Expression(tuple(steps))


def _text_of_two(operator: str, left: tuple[str, int], right: tuple[str, int]) -> tuple[str, int]:
    """The text of an operation and its strength."""
    strength = _STRENGTH[operator]
    if operator == "^":
        return f"{_within(left, _OPERAND)}^{_within(right, 3)}", strength
    space = "" if operator == "/" else " "
    return (
        f"{_within(left, strength)}{space}{operator}{space}{_within(right, strength + 1)}",
        strength,
    )


def _within(operand: tuple[str, int], strength: int) -> str:
    """The text of an operand, in parentheses if it is weaker."""
    text, own = operand
    return text if own >= strength else f"({text})"


def _read_sum(tokens: Tokens, steps: list[Step]) -> None:
    _read_product(tokens, steps)
    while operator := tokens.read_if("+", "-"):
        _read_product(tokens, steps)
        steps.append(operator)


def _read_product(tokens: Tokens, steps: list[Step]) -> None:
    _read_signed(tokens, steps)
    while operator := tokens.read_if("*", "/"):
        _read_signed(tokens, steps)
        steps.append(operator)


def _read_signed(tokens: Tokens, steps: list[Step]) -> None:
    """Read a power with signs before it: -x^2 is -(x^2), as in R."""
    negatives = 0
    while sign := tokens.read_if("+", "-"):
        negatives += sign == "-"
    _read_operand(tokens, steps)
    if tokens.read_if("^"):
        with tokens.deeper():
            _read_signed(tokens, steps)
        steps.append("^")
    steps += [_NEGATIVE] * negatives


def _read_operand(tokens: Tokens, steps: list[Step]) -> None:
    token = tokens.next
    if token.kind == "number":
        number = float(token.text)
        if math.isinf(number):
            raise tokens.fault("a finite number")
        tokens.read()
        steps.append(number)
    elif token.text == "(":
        _read_parentheses(tokens, steps)
    elif token.kind == "name":
        name = tokens.read().text
        if tokens.next.text != "(":
            steps.append(name)
        elif name in FUNCTIONS:
            _read_parentheses(tokens, steps)
            steps.append(f"{name}()")
        else:
            raise ValueError(
                f"got the function {name!r} in arithmetic, must be one of {', '.join(FUNCTIONS)}"
            )
    else:
        raise tokens.fault(_MUST)


def _read_parentheses(tokens: Tokens, steps: list[Step]) -> None:
    tokens.read_mark("(", "'('")
    with tokens.deeper():
        _read_sum(tokens, steps)
    tokens.read_mark(")", "one of + - * / ^ or ')'")
