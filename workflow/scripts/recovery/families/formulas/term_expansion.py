"""Sums of terms: a * b is a + b + a:b, as R's `terms` expands it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from recovery.families.formulas.atoms import Atom, Term, read_atom, read_integer
from recovery.families.formulas.tokens import Tokens

MOST_TERMS = 500
HIGHEST_POWER = 20
Terms = dict[int, None]
"""Terms in order; each has the bit of every atom in it."""


def nothing_else() -> bool:
    """Read no addend: all addends are terms."""
    return False


class SumReader:
    """Reads a sum of terms, and expands it as it reads.

    Parameters
    ----------
    tokens : Tokens
    other_addend : callable
        Reads an addend of the outermost sum that is not a term, and says whether it did.

    References
    ----------
    Chambers & Hastie (1992), Statistical Models in S, chapter 2.
    """

    def __init__(self, tokens: Tokens, other_addend: Callable[[], bool] = nothing_else):
        self._tokens = tokens
        self._other_addend = other_addend
        self._atoms: dict[Atom, int] = {}
        self._intercept = True
        self._adding = True  # not between '-' and the end of its operand
        self._constants = 0  # how often 0 or 1 was read

    def read(self) -> tuple[Term, ...]:
        """Return the terms: the intercept, then in order of interaction, then of appearance."""
        terms = sorted(self._sum(self._other_addend), key=int.bit_count)
        atoms = {bit: atom for atom, bit in self._atoms.items()}
        intercept: tuple[Term, ...] = ((),) if self._intercept else ()
        expanded = (tuple(atoms[bit] for bit in atoms if term & bit) for term in terms)
        return (*intercept, *expanded)

    def _sum(self, other_addend: Callable[[], bool] = nothing_else) -> Terms:
        terms: Terms = {}
        sign = self._tokens.read_if("-", "+")
        if sign == "-":
            self._removed(self._power)  # from an empty sum: only -1 has an effect
            sign = self._tokens.read_if("-", "+")
        else:
            sign = "+"
        while sign:
            if sign == "-":
                removed = self._removed(self._product)
                terms = {term: None for term in terms if term not in removed}
            elif not other_addend():
                terms = _checked(terms | self._product())
            sign = self._tokens.read_if("-", "+")
        return terms

    def _removed(self, read: Callable[[], Terms]) -> Terms:
        """The terms after a minus sign: there, 1 means 0 and 0 means 1."""
        self._adding = not self._adding
        removed = read()
        self._adding = not self._adding
        return removed

    def _product(self) -> Terms:
        """Read a * b and a:b; the colon binds more tightly."""
        before = self._constants
        terms = self._interaction()
        while self._tokens.read_if("*"):
            right = self._interaction()
            terms = _checked(terms | right | _crossed(terms, right))
            self._refuse_constants(before)
        if self._tokens.next.text == "/":
            raise self._tokens.fault("written out here: a / b is a + a:b")
        return terms

    def _interaction(self) -> Terms:
        before = self._constants
        terms = self._power()
        while self._tokens.read_if(":"):
            terms = _crossed(terms, self._power())
            self._refuse_constants(before)
        return terms

    def _power(self) -> Terms:
        before = self._constants
        base = self._operand()
        if not self._tokens.read_if("^"):
            return base
        self._refuse_constants(before)
        terms = base
        for _ in range(read_integer(self._tokens, 2, HIGHEST_POWER) - 1):
            before_crossing, terms = list(terms), _crossed(base, terms)
            if list(terms) == before_crossing:  # all interactions of the base
                break
        return terms

    def _operand(self) -> Terms:
        tokens = self._tokens
        if tokens.read_if("("):
            with tokens.deeper():
                terms = self._sum()
            tokens.read_mark(
                ")", "an operator or ')'; a group term stands by itself in a sum: y ~ x + (1 | g)"
            )
            return terms
        if tokens.next.text in ("0", "1"):
            self._intercept = (tokens.read().text == "1") == self._adding
            self._constants += 1
            return {}
        if tokens.next.text == "offset" and tokens.after_next.text == "(":
            raise tokens.fault("another term here; an offset stands by itself in a sum")
        return {self._atoms.setdefault(read_atom(tokens), 1 << len(self._atoms)): None}

    def _refuse_constants(self, before: int) -> None:
        if self._constants != before:
            raise ValueError("got 0 or 1 next to '*', ':' or '^', must be added or removed: x - 1")


def _crossed(left: Iterable[int], right: Terms) -> Terms:
    """The interaction of every term on the left with every term on the right."""
    terms: Terms = {}
    for one in left:
        terms |= {one | other: None for other in right}
        _checked(terms)
    return terms


def _checked(terms: Terms) -> Terms:
    if len(terms) > MOST_TERMS:
        raise ValueError(f"got more than {MOST_TERMS} terms, must be at most {MOST_TERMS}")
    return terms
