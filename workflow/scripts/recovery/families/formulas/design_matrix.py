"""Design matrices, with the columns, their order and their values as in R's model.matrix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from math import prod

import numpy as np

from recovery.families.formulas.arithmetic import column
from recovery.families.formulas.atoms import Atom, Term, check_finite, term_text
from recovery.families.formulas.codings import Coding
from recovery.families.formulas.formula import Formula

MOST_COEFFICIENTS = 10_000


@dataclass(frozen=True, eq=False)
class _Part:
    """An atom as it is coded in a term."""

    atom: Atom
    coded: np.ndarray | None
    """The numbers of every level, shape (n_levels, n_columns); None if it is not a factor."""
    names: tuple[str, ...]

    @property
    def predictors(self) -> list[tuple]:
        """What each of its columns is made of."""
        if self.coded is None:
            return [(self.atom, k) for k in range(len(self.names))]
        return [(self.atom, *numbers) for numbers in self.coded.T.tolist()]

    def values(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return its columns, shape (n_rows, n_columns)."""
        if self.coded is None:
            return self.atom.values(columns)
        numbers = column(columns, self.atom.text)
        n_levels = len(self.coded)
        wrong = ~((numbers >= 1) & (numbers <= n_levels) & (numbers == np.floor(numbers)))
        if wrong.any():
            raise ValueError(
                f"{self.atom.text}: got {numbers[wrong][0]:g} in row {np.argmax(wrong) + 1}, "
                f"must be the number of a level, from 1 to {n_levels}"
            )
        return self.coded[numbers.astype(int) - 1]


class DesignMatrix:
    """Builds the design matrix of terms from columns.

    Parameters
    ----------
    terms : sequence of Term
        In the order of a formula.
    codings : mapping of str to Coding
        The coding of every factor; other columns are numbers.

    Attributes
    ----------
    terms : tuple of Term
    names : tuple of str
        The name of every coefficient: Intercept, x, condition[hard]:x, poly(x, 2)[1].
    terms_of_columns : tuple of Term
        The term of every coefficient.
    predictors : tuple of tuple
        What the column of every coefficient is made of. A name can stand for two predictors: of
        a level's contrast, and of its indicator.

    Raises
    ------
    ValueError
        If a factor is in arithmetic, log or poly, if two coefficients have one name, or if there
        are more than 10,000 coefficients.
    """

    def __init__(self, terms: Sequence[Term], codings: Mapping[str, Coding]):
        self.terms = tuple(terms)
        for term in self.terms:
            for atom in term:
                _refuse_factors(atom, codings)
        parts: dict[tuple[Atom, bool], _Part] = {}
        self._parts: list[tuple[_Part, ...]] = []
        for term, contrasts in zip(self.terms, _contrasts(self.terms, codings), strict=True):
            for atom in term:
                key = (atom, atom in contrasts)
                parts.setdefault(key, _part(*key, codings))
            self._parts.append(tuple(parts[atom, atom in contrasts] for atom in term))
        _refuse_many(self._parts)
        names = [list(_names(each)) for each in self._parts]
        self.names = tuple(name for each in names for name in each)
        self.terms_of_columns = tuple(
            term for term, each in zip(self.terms, names, strict=True) for _ in each
        )
        self.predictors = tuple(
            each
            for parts in self._parts
            for each in product(*(part.predictors for part in reversed(parts)))
        )
        for name, times in Counter(self.names).items():
            if times > 1:
                raise ValueError(f"got two coefficients {name!r}, must have different names")

    def __call__(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the design matrix of these columns.

        Parameters
        ----------
        columns : mapping of str to ndarray, shape (n_rows,)
            Of a factor, the numbers of levels, from 1.

        Returns
        -------
        ndarray, shape (n_rows, n_coefficients)

        Raises
        ------
        ValueError
            If a column is missing, or a value is not finite or not the number of a level.
        """
        if not columns:
            raise ValueError("got no columns, must have at least one")
        n_rows = len(next(iter(columns.values())))
        matrix = np.empty((n_rows, len(self.names)))
        values: dict[_Part, np.ndarray] = {}
        start = 0
        for term, parts in zip(self.terms, self._parts, strict=True):
            for part in parts:
                if part not in values:
                    values[part] = _with_rows(n_rows, part, columns)
            block = reduce(_row_products, (values[part] for part in parts), np.ones((n_rows, 1)))
            check_finite(term_text(term), block)
            matrix[:, start : start + block.shape[1]] = block
            start += block.shape[1]
        return matrix


def offset(
    formula: Formula, columns: Mapping[str, np.ndarray], factors: Collection[str] = ()
) -> np.ndarray | float:
    """Return the sum of a formula's offsets in every row, or 0 if it has none.

    Parameters
    ----------
    formula : Formula
    columns : mapping of str to ndarray, shape (n_rows,)
    factors : collection of str
        The columns that are factors.

    Returns
    -------
    ndarray, shape (n_rows,), or float

    Raises
    ------
    ValueError
        If an offset has a factor in it, or a value that is not finite.
    """
    if not formula.offsets:
        return 0.0
    for atom in formula.offsets:
        _refuse_factors(atom, factors)
    with np.errstate(over="ignore"):
        total = np.sum([atom.values(columns)[:, 0] for atom in formula.offsets], axis=0)
    check_finite("offset", total)
    return total


def _refuse_factors(atom: Atom, factors: Collection[str]) -> None:
    """Raise ValueError if a function has a factor in it."""
    for name in atom.variables:
        if name in factors and not atom.is_column:
            raise ValueError(f"{atom.text}: got the factor {name!r}, must be a column of numbers")


def _refuse_many(parts: Sequence[tuple[_Part, ...]]) -> None:
    """Raise ValueError if the terms have too many coefficients."""
    number = sum(prod(len(part.names) for part in each) for each in parts)
    if number > MOST_COEFFICIENTS:
        raise ValueError(f"got {number:,} coefficients, must be at most {MOST_COEFFICIENTS:,}")


def _with_rows(n_rows: int, part: _Part, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """The columns of a part; raise ValueError if they do not have this number of rows."""
    values = part.values(columns)
    if len(values) != n_rows:
        raise ValueError(f"{part.atom.text}: got {len(values)} rows, must be {n_rows}")
    return values


def _contrasts(terms: Sequence[Term], factors: Collection[str]) -> list[set[Atom]]:
    """The atoms of every term that contrasts code; full indicators code its other factors.

    As in R, contrasts code a factor of an interaction if the term's other atoms are together in
    an earlier term. They code every main effect; but without an intercept, full indicators code
    the first factor of the first term with a factor.
    """
    coded: list[set[Atom]] = []
    earlier: list[set[Atom]] = [set()]
    for atoms in map(set, terms):
        others = {atom: atoms - {atom} for atom in atoms}
        coded.append({a for a in atoms if any(others[a] <= each for each in earlier)})
        earlier.append(atoms)
    if () not in terms:
        for term, contrasts in zip(terms, coded, strict=True):
            first = [atom for atom in term if atom.is_column and atom.text in factors][:1]
            if first:
                contrasts.difference_update(first)
                break
    return coded


def _part(atom: Atom, contrasts: bool, codings: Mapping[str, Coding]) -> _Part:
    """How an atom is coded."""
    used = codings.get(atom.text) if atom.is_column else None
    if used is None:
        return _Part(atom, None, atom.names)
    if contrasts:
        return _Part(atom, used.matrix, tuple(f"{atom.text}{name}" for name in used.names))
    names = tuple(f"{atom.text}[{level}]" for level in used.levels)
    return _Part(atom, np.eye(len(used.levels)), names)


def _names(parts: Sequence[_Part]) -> Iterator[str]:
    """The names of a term's coefficients; the levels of its first factor vary fastest."""
    for names in product(*(part.names for part in reversed(parts))):
        yield ":".join(reversed(names)) or "Intercept"


def _row_products(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """All products of a column of each; the columns of `left` vary fastest."""
    with np.errstate(over="ignore"):
        products = right[:, :, np.newaxis] * left[:, np.newaxis, :]
    return products.reshape(len(products), -1)
