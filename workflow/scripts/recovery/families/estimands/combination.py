"""What an estimand's text says: a linear combination of parameters and of means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Mean:
    """A marginal mean: `mean(condition = hard, age = 40)`.

    Parameters
    ----------
    at : tuple of pairs
        Variable and its level (text) or value (number).
    """

    at: tuple[tuple[str, str | float], ...] = ()


@dataclass(frozen=True)
class Combination:
    """A linear combination, and the scale of its means.

    Parameters
    ----------
    terms : mapping
        Parameter's name or Mean -> its weight.
    constant : float
    response : bool
        Whether means are expected outcomes, not linear predictors.
    over : tuple of str
        Grouping factors over whose groups means are taken; the others' deviations are 0.
    """

    terms: Mapping[str | Mean, float] = field(default_factory=dict)
    constant: float = 0.0
    response: bool = False
    over: tuple[str, ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters in it, in order."""
        return tuple(term for term in self.terms if isinstance(term, str))

    @property
    def means(self) -> tuple[Mean, ...]:
        """The means in it, in order."""
        return tuple(term for term in self.terms if isinstance(term, Mean))

    def plus(self, other: Combination, sign: float) -> Combination:
        """Return the sum with another combination times a sign."""
        terms = dict(self.terms)
        for term, weight in other.terms.items():
            terms[term] = terms.get(term, 0.0) + sign * weight
        return Combination(terms, self.constant + sign * other.constant)

    def times(self, number: float) -> Combination:
        """Return the combination times a number."""
        terms = {term: weight * number for term, weight in self.terms.items()}
        return Combination(terms, self.constant * number)
