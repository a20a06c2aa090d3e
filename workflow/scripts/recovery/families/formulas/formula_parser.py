"""Reads a formula in the grammar of lme4 and brms; what the grammar has not, it refuses."""

from __future__ import annotations

from recovery.families.formulas.arithmetic import Expression
from recovery.families.formulas.atoms import Atom, Term, read_atom, read_integer, term_text
from recovery.families.formulas.formula import Formula, GroupTerm
from recovery.families.formulas.term_expansion import SumReader
from recovery.families.formulas.tokens import Tokens, joined, shown, split

MOST_TRIALS = 2**31 - 1  # an integer of Stan
RESERVED = Atom("", Expression(("Intercept",)))
_FACTOR = "the name of a grouping factor: (1 | g), (1 | g:h) or (1 | g/h)"


def read_formula(text: str) -> Formula:
    """Read a regression formula, without evaluating anything.

    Parameters
    ----------
    text : str
        `y ~ ...` or `y | trials(n) ~ ...`. The right side has names, 0, 1, + - * : ^ and
        parentheses, the functions log, exp, sqrt, I, poly and offset, and group terms:
        `(1 + x | g)`, `(x || g)`, `(1 | g/h)`.

    Returns
    -------
    Formula

    Raises
    ------
    ValueError
        If the text is anything else; the message says where.
    """
    if not isinstance(text, str):
        raise ValueError(f"got {text!r}, must be a formula: 'y ~ x'")
    return _FormulaReader(text).read()


class _FormulaReader:
    def __init__(self, text: str):
        self._all = split(text)
        self._tokens = Tokens(self._all)
        self._groups: list[GroupTerm] = []
        self._offsets: dict[Atom, None] = {}

    def read(self) -> Formula:
        tokens = self._tokens
        response = tokens.read_name("the name of the outcome: y ~ x")
        trials = self._trials() if tokens.read_if("|") else None
        tokens.read_mark("~", "'~' after the outcome: y ~ x")
        population = SumReader(tokens, self._other_addend).read()
        if tokens.next.kind != "end":
            raise tokens.fault(
                "one of + - * : ^ or the end; a group term stands in parentheses: (1 | g)"
            )
        population, at_zero = _with_reserved_intercept(population)
        formula = Formula(
            joined(self._all),
            response,
            trials,
            population,
            tuple(self._groups),
            tuple(self._offsets),
            at_zero,
        )
        _check_names(formula)
        _check_groups(formula)
        return formula

    def _trials(self) -> str | int:
        """Read `trials(n)` after the bar."""
        tokens = self._tokens
        if (tokens.next.text, tokens.after_next.text) != ("trials", "("):
            raise tokens.fault("trials(n): y | trials(n) ~ x")
        tokens.read()
        tokens.read()
        trials: str | int
        if tokens.next.kind == "number":
            trials = read_integer(tokens, 1, MOST_TRIALS)
        else:
            trials = tokens.read_name("the name or the number of trials")
        tokens.read_mark(")", "')' after the name or the number of trials")
        return trials

    def _other_addend(self) -> bool:
        """Read a group term or an offset, if one is next, and say whether one was."""
        tokens = self._tokens
        if tokens.next.text == "(" and tokens.parentheses_hold_bar():
            self._group_terms()
        elif tokens.next.text == "offset" and tokens.after_next.text == "(":
            self._offsets[read_atom(tokens)] = None
        else:
            return False
        return True

    def _group_terms(self) -> None:
        tokens = self._tokens
        tokens.read_mark("(", "'('")
        terms = SumReader(tokens).read()
        bar = tokens.read_if("|", "||")
        if bar is None:
            raise tokens.fault("one of + - * : ^ or '|'")
        factors = self._grouping_factors()
        tokens.read_mark(")", "one of : / or ')' after a grouping factor")
        if not terms:
            raise ValueError(
                f"got no term for the groups {shown(':'.join(factors[0]))}, must have at least one"
            )
        self._groups += [GroupTerm(terms, factor, bar == "|") for factor in factors]

    def _grouping_factors(self) -> list[tuple[str, ...]]:
        """Read g, g:h or g/h, which is g and g:h."""
        factors = [self._combination()]
        while self._tokens.read_if("/"):
            factors.append((*factors[-1], *self._combination()))
        if len(set(factors[-1])) < len(factors[-1]):
            raise ValueError(
                f"got the grouping factor {shown(':'.join(factors[-1]))}, "
                "must have each of its names once"
            )
        return factors

    def _combination(self) -> tuple[str, ...]:
        names = [self._tokens.read_name(_FACTOR)]
        while self._tokens.read_if(":"):
            names.append(self._tokens.read_name(_FACTOR))
        return tuple(names)


def _with_reserved_intercept(terms: tuple[Term, ...]) -> tuple[tuple[Term, ...], bool]:
    """Read `0 + Intercept` as an intercept, and say whether it was there; as in brms."""
    if (RESERVED,) not in terms:
        return terms, False
    if () in terms:
        raise ValueError("got Intercept besides an intercept, must be 0 + Intercept, or not there")
    return ((), *(term for term in terms if term != (RESERVED,))), True


def _check_names(formula: Formula) -> None:
    """Raise ValueError if the outcome is used again."""
    for name in (*formula.variables, *formula.factors, formula.trials):
        if name == formula.response:
            raise ValueError(
                f"got the outcome {shown(formula.response)} a second time, must be used once"
            )


def _check_groups(formula: Formula) -> None:
    """Raise ValueError if a term varies twice between the same groups."""
    seen = set()
    for group in formula.groups:
        for term in group.terms:
            key = (frozenset(group.factor), frozenset(term))
            if key in seen:
                raise ValueError(
                    f"got the term {shown(term_text(term))} twice for the groups "
                    f"{shown(group.name)}, must be once"
                )
            seen.add(key)
