"""The page's tables for a paper, in LaTeX: each compiles with plain pdflatex, within its lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recovery.report.latex_text import escaped, width
from recovery.report.number_formats import number, percent
from recovery.tables import write_lines

TABLES = ("models", "cells", "comparison")
EMPTY = "% This study has nothing for this table.\n"  # a longtable needs a column
HEADER = "% \\usepackage{array,booktabs,longtable}\n"
BEGIN = "\\begingroup\\footnotesize\\setlength{\\tabcolsep}{0.25em}\n"
LINE = 38.5  # em of footnotesize in a line of the class article, whether at 10, 11 or 12 pt
GAP = 0.5  # em between two columns
LONGEST = 4.5  # em that stay together in a word that is not a number: some eight letters
_NUMBER = re.compile(
    "[([\N{MINUS SIGN}]*[0-9.,]+(e[+\N{MINUS SIGN}][0-9]+)?[\N{NO-BREAK SPACE}%);,]*"
)
_WORD = re.compile("[^ \N{SOFT HYPHEN}-]*[ \N{SOFT HYPHEN}-]|[^ \N{SOFT HYPHEN}-]+")
_JOINT = "_/,;\N{SOFT HYPHEN}-"  # after these a word may be split
_PART = re.compile(f"[^{_JOINT}]+[{_JOINT}]* ?|[{_JOINT}]+ ?")
_SPLIT = {
    "Participants": "Partici\N{SOFT HYPHEN}pants",
    "Observations": "Observa\N{SOFT HYPHEN}tions",
}


@dataclass(frozen=True)
class Column:
    """A column of a table: its label and cells as text, and whether it says which row is meant."""

    label: str
    cells: tuple[str, ...]
    key: bool

    def narrowest(self, cut: bool) -> float:
        """The width that it must have, in em: of its longest word, or what words are cut to."""
        parts = (part for cell in (self.label, *self.cells) for part in _parts(cell, cut))
        return max((width(part.strip(" ")) for part in parts), default=0.0)

    @property
    def widest(self) -> float:
        """The width in which no cell takes a second line, in em."""
        return max(width(cell) for cell in (self.label, *self.cells))


def write(
    files: Mapping[str, str | Path],
    glance: Sequence[Mapping[str, Any]],
    cells: Sequence[Mapping[str, Any]],
    factors: Sequence[Mapping[str, Any]],
    compared: Sequence[Mapping[str, Any]],
) -> None:
    """Write each table as LaTeX longtables (packages array, booktabs and longtable).

    Parameters
    ----------
    files : mapping of str to path
        One for each of `TABLES`.
    glance, cells, factors, compared
        The rows that the page shows.
    """
    names = [factor["name"] for factor in factors]
    rows = {
        "models": ([_model(row) for row in glance], 2),
        "cells": ([_cell(row, names) for row in cells], len(names)),
        "comparison": ([_pair(row) for row in compared], 3),
    }
    for name in TABLES:
        write_lines(files[name], in_latex(*rows[name]).splitlines())


def in_latex(rows: Sequence[Mapping[str, str]], n_keys: int) -> str:
    """Return a table as LaTeX: several one below the other where it is too wide for a line.

    Parameters
    ----------
    rows : sequence of mapping of str to str
        Label of a column to its cell, the same labels in each.
    n_keys : int
        How many of the first columns say which row is meant: each table has these.
    """
    if not rows:
        return EMPTY
    columns = [
        Column(_SPLIT.get(label, label), tuple(_unbroken(row[label]) for row in rows), i < n_keys)
        for i, label in enumerate(rows[0])
    ]
    tables = "\\bigskip\n".join(_longtable(part) for part in _fitting(columns))
    return f"{HEADER}{BEGIN}{tables}\\endgroup\n"


def _fitting(columns: Sequence[Column]) -> Iterator[list[Column]]:
    """Split a table so that each part fits into a line, with as many columns as do."""
    keys = [column for column in columns if column.key]
    part = list(keys)
    for column in columns[len(keys) :]:
        if len(part) > len(keys) and _room([*part, column], cut=False) < 0:
            yield part
            part = list(keys)
        part.append(column)
    yield part


def _room(columns: Sequence[Column], cut: bool) -> float:
    """What columns leave of a line at their narrowest, in em."""
    return LINE - GAP * (len(columns) - 1) - sum(column.narrowest(cut) for column in columns)


def _longtable(columns: Sequence[Column]) -> str:
    """One table; its cells take several lines, and words are cut, only where they must."""
    fits = sum(column.widest for column in columns) + GAP * (len(columns) - 1) <= LINE
    cut = _room(columns, cut=False) < 0
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
    """Columns that share a line by what they want beyond their narrowest."""
    narrowest = [column.narrowest(cut) for column in columns]
    wanted = [column.widest - each for column, each in zip(columns, narrowest, strict=True)]
    room = max(0.0, _room(columns, cut)) / sum(wanted)
    for column, least, more in zip(columns, narrowest, wanted, strict=True):
        share = (least + more * room) / LINE
        side = "right" if column.key else "left"
        yield f">{{\\ragged{side}\\arraybackslash}}p{{{share:.4f}\\linewidth}}"


def _row(cells: Iterable[str], cut: bool) -> str:
    return " & ".join(_broken(cell, cut) for cell in cells) + r" \\"


def _unbroken(cell: str) -> str:
    """A cell in which no number is parted from its unit."""
    return cell.replace(" %", "\N{NO-BREAK SPACE}%")


def _broken(cell: str, cut: bool) -> str:
    """A cell in LaTeX, which says where a line may end although no space or hyphen does."""
    written = ""
    for part in _parts(cell, cut):
        written += escaped(part) + ("" if part[-1] in " -\N{SOFT HYPHEN}" else "\\allowbreak{}")
    return written.removesuffix("\\allowbreak{}")


def _parts(cell: str, cut: bool) -> Iterator[str]:
    """Split a cell where a line may end: after spaces, and where words are cut, not in numbers."""
    for word in _WORD.findall(cell):
        if not cut or _is_number(word.strip(" ")):
            yield word
        else:
            for part in _PART.findall(word):
                yield from _cut(part)


def _is_number(word: str) -> bool:
    """Whether a word is a number; a name may be digits too, but not as few."""
    return _NUMBER.fullmatch(word) is not None and width(word) <= LINE / 4


def _cut(word: str) -> Iterator[str]:
    """Cut a word into parts that are short enough to stand in any column."""
    start, together = 0, 0.0
    for place, character in enumerate(word):
        wide = width(character)
        if together + wide > LONGEST and place > start:
            yield word[start:place]
            start, together = place, 0.0
        together += wide
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


def _cell(row: Mapping[str, Any], factors: Sequence[str]) -> dict[str, str]:
    coverage = row["coverage"]
    interval = f"{percent(coverage['lower'])} to {percent(coverage['upper'])}"
    return {
        **{name.capitalize(): str(row[name]) for name in factors},
        "Bias (MCSE)": _with_error(row["bias"]),
        "RMSE (MCSE)": _with_error(row["rmse"]),
        "Fits": f"{row['bias']['n_replicates']:,}",
        "Coverage (95 % interval)": f"{percent(coverage['value'])} ({interval})",
        "Intervals": f"{coverage['n_replicates']:,}",
    }


def _with_error(measure: Mapping[str, Any]) -> str:
    """A measure, and its Monte Carlo standard error in brackets, with as many decimals."""
    value, mcse = measure["value"], measure["mcse"]
    return f"{number(value, mcse)} ({number(mcse, mcse)})"


def _pair(row: Mapping[str, Any]) -> dict[str, str]:
    found = {"First": row["first"], "Second": row["second"], "Given": row["given"]}
    for name, label, error in (("rmse", "RMSE", "MCSE"), ("coverage", "coverage", "95 % interval")):
        its = row[name]
        found[f"Clear in {label}"] = f"{its['n_clear']} of {its['n']}" if its else "–"
        found[f"Clearest in {label} ({error}; pairs)"] = _clearest(its) if its else "–"
    return found


def _clearest(its: Mapping[str, Any]) -> str:
    """The clearest difference: its error, number of pairs, parameter and scenario in brackets."""
    if its["interval"]:
        value, low, high = (number(each, 0.1) for each in (its["value"], *its["interval"]))
        shown = f"{value} ({low} to {high}"
    else:
        shown = _with_error(its)[:-1]
    return f"{shown}; {its['n_pairs']:,}; {its['parameter']}, {its['scenario']})"
