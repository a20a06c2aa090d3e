"""A dataset and a regression as a request to R: its formula, its columns, their coding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from recovery.families.family import Columns
from recovery.families.formulas.arithmetic import Expression
from recovery.families.formulas.atoms import Atom, Term
from recovery.families.multilevel.layout import INTERCEPT, Block, Layout

TRIALS = "number of trials"  # names of columns that no formula can have
_ONE: Term = ()


def of(
    function: str,
    kind: str,
    logarithm: bool,
    layout: Layout,
    own: int,
    columns: Columns,
) -> dict[str, Any]:
    """Return the request to fit a dataset.

    Parameters
    ----------
    function, kind : str
        R's function, and the family of the outcome.
    logarithm : bool
        Whether the logarithm of the outcome is normal.
    own : int
        The number of parameters of the outcome.
    """
    trials, varying = layout.trials(columns), list(_varying(layout, columns))
    numbers = {name: columns[name].tolist() for name in (*layout.predictors, layout.response)}
    if trials is not None:
        numbers[TRIALS] = trials.tolist()
    for term in varying:
        numbers |= term.pop("numbers")
    left = _response(layout.response, logarithm, trials is not None)
    fixed = _sum(layout.population.terms)
    groups = (f"({term['terms']} | {_quoted(term['group'])})" for term in varying)
    known = map(_text, layout.formula.offsets)
    return {
        "function": function,
        "family": kind,
        "categories": own + 1,
        "response": layout.response,
        "formula": f"{left} ~ {' + '.join([fixed, *known, *groups])}",
        "columns": numbers,
        "factors": {
            name: {
                "levels": list(coding.levels),
                "contrasts": coding.matrix.tolist(),
            }
            for name, coding in layout.codings.items()
            if name in layout.predictors
        },
        "fixed": {
            "terms": fixed,
            "names": list(layout.population.names),
            "matrix": layout.population(columns).tolist(),
        },
        "varying": varying,
    }


def terms_of(layout: Layout) -> Iterator[tuple[Block, Sequence[int], str]]:
    """Yield every term in parentheses as R has it: block, places of its coefficients, its group.

    After || each coefficient is a term. Every term has a grouping factor of its own name, so that
    R's answers do not merge terms of one factor.
    """
    number: dict[str, int] = {}
    for block in layout.blocks:
        places = range(len(block.coefficients))
        for some in [places] if block.correlated else [[place] for place in places]:
            number[block.factor] = count = number.get(block.factor, 0) + 1
            yield block, some, block.factor if count == 1 else f"{block.factor} ({count})"


def _varying(layout: Layout, columns: Columns) -> Iterator[dict[str, Any]]:
    """The terms in parentheses, with the columns that they add to the data."""
    for block, places, group in terms_of(layout):
        _, index = block.groups(columns)
        matrix = block.matrix(columns)[:, places]
        names = [block.coefficients[place] for place in places]
        added, terms = {}, _sum(block.matrix.terms)
        if not block.correlated and names != [INTERCEPT]:
            column = f"{names[0]} by {group}"
            added, terms = {column: matrix[:, 0].tolist()}, f"0 + {_quoted(column)}"
        elif not block.correlated:
            terms = "1"
        yield {
            "group": group,
            "terms": terms,
            "names": names,
            "matrix": matrix.tolist(),
            "numbers": {**added, group: (index + 1).tolist()},
        }


def _response(name: str, logarithm: bool, trials: bool) -> str:
    quoted = _quoted(name)
    if trials:
        return f"cbind({quoted}, {_quoted(TRIALS)} - {quoted})"
    return f"log({quoted})" if logarithm else quoted


def _sum(terms: Sequence[Term]) -> str:
    """Terms as a sum in R, with names in backquotes."""
    others = [":".join(_text(atom) for atom in term) for term in terms if term != _ONE]
    return " + ".join(["1" if _ONE in terms else "0", *others])


def _text(atom: Atom) -> str:
    """An atom in R, with names in backquotes, so that none has a meaning of its own."""
    names: Mapping[str, str] = {name: _quoted(name) for name in atom.variables}
    steps = tuple(names.get(s, s) if isinstance(s, str) else s for s in atom.argument.steps)
    return replace(atom, argument=Expression(steps)).text


def _quoted(name: str) -> str:
    return f"`{name}`"
