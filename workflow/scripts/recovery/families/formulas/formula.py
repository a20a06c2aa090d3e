"""A regression formula: the outcome, the terms of the population, and those of groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from recovery.families.formulas.atoms import Atom, Term


@dataclass(frozen=True)
class GroupTerm:
    """Terms whose coefficients vary between the levels of a grouping factor: (1 + x | g)."""

    terms: tuple[Term, ...]
    factor: tuple[str, ...]
    """The factors whose combinations are the groups: one, or several for school:class."""
    correlated: bool
    """Whether the coefficients correlate; after || they do not."""

    @property
    def name(self) -> str:
        """The name of the grouping factor: participant, school:class."""
        return ":".join(self.factor)


@dataclass(frozen=True)
class Formula:
    """A regression formula, expanded to terms as in R."""

    text: str
    """The formula with spaces as R writes them."""
    response: str
    trials: str | int | None
    """The column or the number of trials: y | trials(n) ~ x."""
    population: tuple[Term, ...]
    groups: tuple[GroupTerm, ...]
    """In order; (1 | g/h) is (1 | g) and (1 | g:h)."""
    offsets: tuple[Atom, ...]
    at_zero: bool = False
    """Whether the intercept is written `0 + Intercept`, so its prior is at zero of predictors."""

    @property
    def variables(self) -> tuple[str, ...]:
        """The columns in terms of the population, then of groups, then in offsets."""
        return tuple(dict.fromkeys(name for atom in self._atoms() for name in atom.variables))

    @property
    def factors(self) -> tuple[str, ...]:
        """The names of the grouping factors: school, then class for school:class."""
        return tuple(dict.fromkeys(name for group in self.groups for name in group.factor))

    @property
    def atoms(self) -> tuple[Atom, ...]:
        """The atoms of all terms and offsets, each once."""
        return tuple(dict.fromkeys(self._atoms()))

    def _atoms(self) -> Iterator[Atom]:
        for terms in (self.population, *(group.terms for group in self.groups)):
            for term in terms:
                yield from term
        yield from self.offsets
