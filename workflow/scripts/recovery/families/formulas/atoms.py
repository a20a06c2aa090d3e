"""The parts of a model's terms: columns, and functions of columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from recovery.families.formulas.arithmetic import FUNCTIONS as ARITHMETIC_FUNCTIONS
from recovery.families.formulas.arithmetic import Expression, read_expression
from recovery.families.formulas.polynomials import orthogonal_polynomials
from recovery.families.formulas.tokens import Tokens, shown

FUNCTIONS = (*ARITHMETIC_FUNCTIONS, "I", "poly", "offset")
HIGHEST_DEGREE = 20  # of poly


@dataclass(frozen=True)
class Atom:
    """A column, or a function of columns."""

    function: str
    """Empty for a column, else one of FUNCTIONS."""
    argument: Expression
    degree: int = 1
    """The degree of `poly`."""

    @property
    def is_column(self) -> bool:
        """Whether it is a column as it is, which may be a factor."""
        return not self.function

    @property
    def text(self) -> str:
        """Its canonical text: x, log(x), I(x^2), poly(x, 2)."""
        if self.is_column:
            return self.argument.text
        degree = f", {self.degree}" if self.function == "poly" else ""
        return f"{self.function}({self.argument.text}{degree})"

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of its columns, in order."""
        return self.argument.variables

    @property
    def suffixes(self) -> tuple[str, ...]:
        """What follows its text in the names of its coefficients."""
        if self.degree == 1:
            return ("",)
        return tuple(f"[{k}]" for k in range(1, self.degree + 1))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its coefficients."""
        return tuple(f"{self.text}{suffix}" for suffix in self.suffixes)

    @property
    def depends_on_all_rows(self) -> bool:
        """Whether its value in a row depends on the other rows, as that of poly does."""
        return self.function == "poly"

    def values(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return its value or values in every row.

        Parameters
        ----------
        columns : mapping of str to ndarray, shape (n_rows,)
            If they are some rows of a dataset, values that depend on all its rows are columns
            too, by the names of coefficients.

        Returns
        -------
        ndarray, shape (n_rows, degree)

        Raises
        ------
        ValueError
            If a value is not finite, or there is no such column.
        """
        if self.depends_on_all_rows and self.names[0] in columns:
            return np.column_stack([columns[name] for name in self.names])
        values = self.argument.values(columns)
        if self.function in ARITHMETIC_FUNCTIONS:
            with np.errstate(all="ignore"):
                values = ARITHMETIC_FUNCTIONS[self.function](values)
        check_finite(self.text, values)
        if self.function != "poly":
            return values[:, np.newaxis]
        try:
            return orthogonal_polynomials(values, self.degree)
        except ValueError as fault:
            raise ValueError(f"{self.text}: {fault}") from None


Term = tuple[Atom, ...]
"""The atoms of a term; none for the intercept."""


def term_text(term: Term) -> str:
    """Return the text of a term: Intercept, x, condition:group."""
    return ":".join(atom.text for atom in term) or "Intercept"


def check_finite(place: str, values: np.ndarray) -> None:
    """Raise ValueError with this place and a row if a value is infinite or no number."""
    finite = np.isfinite(values)
    if not finite.all():
        first = tuple(np.argwhere(~finite)[0])
        raise ValueError(f"{place}: got {values[first]} in row {first[0] + 1}, must be finite")


def read_atom(tokens: Tokens) -> Atom:
    """Read a name or a function; raise ValueError if it is neither, or is unknown."""
    name = tokens.read_name("a name, 0, 1, '(' or one of the functions " + ", ".join(FUNCTIONS))
    if tokens.next.text != "(":
        return Atom("", Expression((name,)))
    if name not in FUNCTIONS:
        raise ValueError(f"got the function {shown(name)}, must be one of {', '.join(FUNCTIONS)}")
    tokens.read()
    with tokens.deeper():
        argument = read_expression(tokens)
    degree = _read_degree(tokens) if name == "poly" else 1
    tokens.read_mark(")", "one of + - * / ^ or ')'")
    atom = Atom(name, argument, degree)
    if not atom.variables:
        raise ValueError(f"got {shown(atom.text)}, must have the name of a column in it")
    return atom


def _read_degree(tokens: Tokens) -> int:
    """Read the comma and the degree of poly(x, 2)."""
    tokens.read_mark(",", "one of + - * / ^ or ', ' and the degree, as in poly(x, 2)")
    return read_integer(tokens, 1, HIGHEST_DEGREE)


def read_integer(tokens: Tokens, low: int, high: int) -> int:
    """Read an integer from `low` to `high`; raise ValueError if there is none."""
    text = tokens.next.text
    if not (text.isdigit() and low <= int(text) <= high):
        raise tokens.fault(f"an integer from {low} to {high:,}")
    return int(tokens.read().text)
