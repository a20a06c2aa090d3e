"""Tables for a paper in LaTeX, which compile with plain pdflatex and fit the text width."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recovery.report.latex_text import escaped, width
from recovery.report.number_formats import number, percent
from recovery.tables import write_lines

TABLES = ("models", "cells", "comparison", "priors")
EMPTY = "% This study has no rows for this table.\n"  # a longtable needs a column
HEADER = "% \\usepackage{array,booktabs,longtable}\n"
BEGIN = "\\begingroup\\footnotesize\\setlength{\\tabcolsep}{0.25em}\n"
LINE = 38.5  # em of footnotesize in a line of the class article, at 10, 11 and 12 pt
GAP = 0.5  # em between two columns
LONGEST = 4.5  # em of an unbroken part of a word that is not a number: about eight letters
_NUMBER = re.compile(
    "[([\N{MINUS SIGN}]*[0-9.,]+(e[+\N{MINUS SIGN}][0-9]+)?[\N{NO-BREAK SPACE}%);,]*"
)
_WORD = re.compile("[^ \N{SOFT HYPHEN}-]*[ \N{SOFT HYPHEN}-]|[^ \N{SOFT HYPHEN}-]+")
_JOINT = "_/,;\N{SOFT HYPHEN}-"  # a word can be split after these
_PART = re.compile(f"[^{_JOINT}]+[{_JOINT}]* ?|[{_JOINT}]+ ?")
_SPLIT = {
    "Participants": "Partici\N{SOFT HYPHEN}pants",
    "Observations": "Observa\N{SOFT HYPHEN}tions",
}


@dataclass(frozen=True)
class Column:
    """A column of a table: its label and cells as text, and whether it identifies the row."""

    label: str
    cells: tuple[str, ...]
    key: bool

    def narrowest(self, cut: bool) -> float:
        """Return its minimum width in em: that of its longest word, or part if words are cut."""
        parts = (part for cell in (self.label, *self.cells) for part in _parts(cell, cut))
        return max((width(part.strip(" ")) for part in parts), default=0.0)

    @property
    def widest(self) -> float:
        """The width in em at which no cell needs a second line."""
        return max(width(cell) for cell in (self.label, *self.cells))


def write(
    files: Mapping[str, str | Path],
    model_rows: Sequence[Mapping[str, Any]],
    cells: Sequence[Mapping[str, Any]],
    factors: Sequence[Mapping[str, Any]],
    comparison: Sequence[Mapping[str, Any]],
    priors: Sequence[Mapping[str, str]],
) -> None:
    """Write each table as LaTeX longtables (packages array, booktabs and longtable).

    Parameters
    ----------
    files : mapping of str to path
        One file for each of `TABLES`.
    model_rows, cells, factors, comparison
        The rows of the page.
    priors
        Label -> cell, of each prior.
    """
    labels = {factor["name"]: factor["label"] for factor in factors}
    rows = {
        "models": ([_model(row) for row in model_rows], 2),
        "cells": ([_cell(row, labels) for row in cells], len(labels)),
        "comparison": ([_pair(row) for row in comparison], 3),
        "priors": (priors, 1),
    }
    for name in TABLES:
        write_lines(files[name], in_latex(*rows[name]).splitlines())


def in_latex(rows: Sequence[Mapping[str, str]], n_keys: int) -> str:
    """Return a table in LaTeX, split into several if it is wider than a line.

    Parameters
    ----------
    rows : sequence of mapping of str to str
        Column label -> cell; all rows have the same labels.
    n_keys : int
        How many of the first columns identify the row; they are repeated in each table.
    """
    if not rows:
        return EMPTY
    columns = [
        Column(_SPLIT.get(label, label), tuple(_with_units(row[label]) for row in rows), i < n_keys)
        for i, label in enumerate(rows[0])
    ]
    tables = "\\bigskip\n".join(_longtable(part) for part in _fitting(columns))
    return f"{HEADER}{BEGIN}{tables}\\endgroup\n"


def _fitting(columns: Sequence[Column]) -> Iterator[list[Column]]:
    """Yield parts of a table, each with as many columns as fit into a line."""
    keys = [column for column in columns if column.key]
    part = list(keys)
    for column in columns[len(keys) :]:
        if len(part) > len(keys) and _spare_width([*part, column], cut=False) < 0:
            yield part
            part = list(keys)
        part.append(column)
    yield part


def _spare_width(columns: Sequence[Column], cut: bool) -> float:
    """Return the width of a line minus that of its columns at their narrowest, in em."""
    return LINE - GAP * (len(columns) - 1) - sum(column.narrowest(cut) for column in columns)


def _longtable(columns: Sequence[Column]) -> str:
    """Return one table; cells are wrapped, and words cut, only if necessary."""
    fits = sum(column.widest for column in columns) + GAP * (len(columns) - 1) <= LINE
    cut = _spare_width(columns, cut=False) < 0
    formats = ("l" if c.key else "r" for c in columns) if fits else _paragraphs(columns, cut)
    rows = zip(*(column.cells for column in columns), strict=True)
    lines = [
        f"\\begin{{longtable}}{{@{{}}{''.join(formats)}@{{}}}}",
        "\\toprule",
        _row((column.label for column in columns), cut),
        "\\midrule\n\\endhead\n\\bottomrule\n\\endfoot",
        *(_row(row, cut) for row in rows),
        "\\end{longtable}\n",
    ]
    return "\n".join(lines)


def _paragraphs(columns: Sequence[Column], cut: bool) -> Iterator[str]:
    """Yield column formats; spare width is shared in proportion to what each column lacks."""
    narrowest = [column.narrowest(cut) for column in columns]
    missing = [column.widest - each for column, each in zip(columns, narrowest, strict=True)]
    granted = max(0.0, _spare_width(columns, cut)) / sum(missing)
    for column, least, more in zip(columns, narrowest, missing, strict=True):
        share = (least + more * granted) / LINE
        side = "right" if column.key else "left"
        yield f">{{\\ragged{side}\\arraybackslash}}p{{{share:.4f}\\linewidth}}"


def _row(cells: Iterable[str], cut: bool) -> str:
    return " & ".join(_breakable(cell, cut) for cell in cells) + r" \\"


def _with_units(cell: str) -> str:
    """Return a cell in which no line break separates a number from its unit."""
    return cell.replace(" %", "\N{NO-BREAK SPACE}%")


def _breakable(cell: str, cut: bool) -> str:
    """Return a cell in LaTeX, with line breaks allowed between its parts."""
    tex = ""
    for part in _parts(cell, cut):
        tex += escaped(part) + ("" if part[-1] in " -\N{SOFT HYPHEN}" else "\\allowbreak{}")
    return tex.removesuffix("\\allowbreak{}")


def _parts(cell: str, cut: bool) -> Iterator[str]:
    """Yield the parts of a cell: words and, if words are cut, their parts; numbers stay whole."""
    for word in _WORD.findall(cell):
        if not cut or _is_number(word.strip(" ")):
            yield word
        else:
            for part in _PART.findall(word):
                yield from _cut(part)


def _is_number(word: str) -> bool:
    """Whether a word is a number; a longer string of digits counts as a name."""
    return _NUMBER.fullmatch(word) is not None and width(word) <= LINE / 4


def _cut(word: str) -> Iterator[str]:
    """Yield parts of a word that are not wider than `LONGEST`."""
    start, total = 0, 0.0
    for end, character in enumerate(word):
        em = width(character)
        if total + em > LONGEST and end > start:
            yield word[start:end]
            start, total = end, 0.0
        total += em
    yield word[start:]


def _model(row: Mapping[str, Any]) -> dict[str, str]:
    return {
        "Model": row["model"],
        "Prior": row["prior"],
        "Fits": f"{row['fits']:,}",
        "Failed": f"{row['failed']:,}",
        "Converged": percent(row["converged"]),
        "Coverage": percent(row["coverage"]),
        "Intervals": f"{row['intervals']:,}",
        "Seconds": number(row["seconds"]),
    }


def _cell(row: Mapping[str, Any], factors: Mapping[str, str]) -> dict[str, str]:
    coverage = row["coverage"]
    interval = f"{percent(coverage['lower'])} to {percent(coverage['upper'])}"
    return {
        **{label: str(row[name]) for name, label in factors.items()},
        "Bias (MCSE)": _with_error(row["bias"]),
        "RMSE (MCSE)": _with_error(row["rmse"]),
        "Fits": f"{row['bias']['n_replicates']:,}",
        "Coverage (95 % interval)": f"{percent(coverage['value'])} ({interval})",
        "Intervals": f"{coverage['n_replicates']:,}",
    }


def _with_error(measure: Mapping[str, Any]) -> str:
    """Return a measure with its Monte Carlo standard error in brackets, to the same decimals."""
    value, mcse = measure["value"], measure["mcse"]
    return f"{number(value, mcse)} ({number(mcse, mcse)})"


def _pair(row: Mapping[str, Any]) -> dict[str, str]:
    cells = {"First": row["first"], "Second": row["second"], "Given": row["given"]}
    for name, label, error in (("rmse", "RMSE", "MCSE"), ("coverage", "coverage", "95 % interval")):
        difference = row[name]
        clear = f"{difference['n_clear']} of {difference['n']}" if difference else "–"
        cells[f"Clear {label} differences"] = clear
        clearest = _clearest(difference) if difference else "–"
        cells[f"Clearest {label} difference ({error}; pairs)"] = clearest
    return cells


def _clearest(difference: Mapping[str, Any]) -> str:
    """Return the clearest difference with error, number of pairs, parameter and scenario."""
    if difference["interval"]:
        numbers = (difference["value"], *difference["interval"])
        value, low, high = (number(each, 0.1) for each in numbers)
        text = f"{value} ({low} to {high}"
    else:
        text = _with_error(difference)[:-1]
    pairs = f"{difference['n_pairs']:,}"
    return f"{text}; {pairs}; {difference['parameter']}, {difference['scenario']})"
